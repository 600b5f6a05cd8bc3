// One specimen of each row of the catalogue, as a lane judges it, and where only its text stopped it a second time without
// the layers that read text: a verdict may not rest on them. All of them, three times, are the slow run.
#include <set>

#include "tests/hostile/suite.h"

namespace passnet::hostile {
namespace {

std::vector<Case> Cases(const std::string& kind) {
  std::vector<Case> cases;
  std::set<std::string> rows;
  for (const Specimen& specimen : Specimens(kind)) {
    if (specimen.slow || (specimen.row != "honest" && !rows.insert(specimen.row).second)) continue;
    cases.push_back({specimen, ""});
    if (specimen.unscreened != specimen.expect) cases.push_back({specimen, kTextLayers});
  }
  return cases;
}

class HostileTest : public Suite {};
class HonestTest : public Suite {};

TEST_P(HostileTest, EndsAsItsHeadSays) {
  if (!GetParam().ablate.empty() && Ended(GetParam().specimen) != "R.STATIC") return;  // its text stopped nothing
  Check(GetParam());
}

TEST_P(HonestTest, EndsOk) { Check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Once, HostileTest, testing::ValuesIn(Cases("specimens")), CaseName);
INSTANTIATE_TEST_SUITE_P(Once, HonestTest, testing::ValuesIn(Cases("honest")), CaseName);

}  // namespace
}  // namespace passnet::hostile
