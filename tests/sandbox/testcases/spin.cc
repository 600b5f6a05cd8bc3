// Burns processor time in two processes where it may fork, so that no single one reaches RLIMIT_CPU before the tree does
// (setrlimit(2)).
// Twin: a short loop.
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  volatile unsigned long work = 0;
  if (IsTwin(argc, argv)) {
    for (int i = 0; i < 1000; ++i) work = work + 1;
    return TwinVerdict(true, "loop");
  }
  if (fork() < 0 && errno != EPERM) return 1;
  for (;;) work = work + 1;
}
