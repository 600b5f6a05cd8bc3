// Dies of its own doing: "segv", "abort", "kill" (itself), "exit" with 3. Each must come out as what it was.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
  if (strcmp(how, "segv") == 0) *static_cast<volatile int*>(nullptr) = 1;
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  return 3;
}
