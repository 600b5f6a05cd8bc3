// Ignores every signal it may and sleeps. Kernel: SIGKILL from outside its pid namespace ends it (signal(7)). Twin: ends
// at once.
#include <signal.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_IGN);
  puts("asleep");
  fflush(stdout);
  while (!IsTwin(argc, argv)) pause();
  return 0;
}
