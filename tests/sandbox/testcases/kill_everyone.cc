// kill(-1, SIGKILL) and kill(1, SIGKILL). Kernel: reaches the own pid namespace only, and never its pid 1
// (pid_namespaces(7)). Exits 9 after both.
#include <signal.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (IsTwin(argc, argv)) return TwinVerdict(kill(getpid(), 0) == 0, "kill 0");
  printf("pid 1: %d\n", kill(1, SIGKILL));
  printf("all: %d\n", kill(-1, SIGKILL));
  return 9;
}
