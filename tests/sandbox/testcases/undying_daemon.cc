// Double fork, setsid, every signal ignored, sleeps for ever, keeps standard output open; the parent says "left" as soon
// as the daemon is one, and leaves with 0. Kernel: the end of pid 1 kills the namespace (pid_namespaces(7)). "stay": the
// parent stays too.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const bool stay = argc > 1 && strcmp(argv[1], "stay") == 0;
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_IGN);
  const pid_t between = fork();
  if (between == 0) {
    setsid();
    if (fork() == 0) {
      for (;;) pause();
    }
    _exit(0);
  }
  waitpid(between, nullptr, 0);
  puts("left");
  fflush(stdout);
  while (stay) pause();
  return 0;
}
