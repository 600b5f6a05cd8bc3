// Forks until the kernel says no; the children stay for ever. Kernel: EAGAIN at pids.max or RLIMIT_NPROC (fork(2),
// cgroups(7)); all of them die with pid 1 of their namespace (pid_namespaces(7)).
// Exits 7 once refused. Twin: three children that end.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const bool twin = IsTwin(argc, argv);
  int made = 0;
  while (!twin || made < 3) {
    const pid_t pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      if (twin) _exit(0);
      for (;;) pause();
    }
    ++made;
  }
  if (!twin) {
    printf("%d %s\n", made, strerror(errno));
    return made > 10000 ? kForbiddenWorked : 7;
  }
  int ended = 0;
  while (wait(nullptr) > 0) ++ended;
  return TwinVerdict(ended == 3, "three children");
}
