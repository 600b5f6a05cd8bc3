// Stops its whole process group. Kernel: a stopped process still dies of SIGKILL (signal(7)); the wall limit ends it.
// Twin: stops a child and continues it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (!IsTwin(argc, argv)) {
    kill(0, SIGSTOP);
    return kForbiddenWorked;
  }
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(5);
  }
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  return TwinVerdict(WIFEXITED(status) && WEXITSTATUS(status) == 5, "stop and continue");
}
