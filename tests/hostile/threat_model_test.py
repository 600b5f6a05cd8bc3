"""docs/threat_model.md names every specimen with what its head says."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import threat_model


class ThreatModelTest(unittest.TestCase):
    def test_document_has_the_table_of_the_heads(self):
        self.assertEqual(threat_model.DOCUMENT.read_text(), threat_model.document(),
                         "run python tests/hostile/threat_model.py")

    def test_every_row_of_the_catalogue_has_a_specimen_or_is_named_as_not_applicable(self):
        rows = {f"{letter}{number}" for letter, last in zip("TSMHRG", (12, 16, 11, 14, 5, 10))
                for number in range(1, last + 1)}
        covered = {found["row"] for _, found in threat_model.specimens("specimens")}
        text = threat_model.DOCUMENT.read_text()
        for row in sorted(rows - covered):
            self.assertIn(f"\n- **{row}**", text, f"{row} has no specimen, and no reason is given")


if __name__ == "__main__":
    unittest.main()
