"""Where a candidate's files lie in the processes that run them: on the process's own private tmpfs.

Threads: pure functions. Errors: OSError (a full /tmp).
"""

import os

CANDIDATE_ROOT = "/tmp/passnet-candidate"  # the prefix, since a checkout may lie below /tmp


def write_files(files: dict[str, str]) -> str:
    """Writes {relative name: text} below CANDIDATE_ROOT/pass_dir; the names were validated by the evaluator."""
    directory = os.path.join(CANDIDATE_ROOT, "pass_dir")
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
    return directory
