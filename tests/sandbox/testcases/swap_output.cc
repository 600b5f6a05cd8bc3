// Leaves a process behind that goes on exchanging the output file with a link to the host's /etc/passwd, faster than
// anybody can look (renameat2(2), RENAME_EXCHANGE). Kernel: it dies with pid 1 of its namespace before anything is collected.
// Twin: the honest file alone.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const int out = open("out", O_WRONLY | O_CREAT, 0644);
  if (write(out, "honest", 6) != 6) return kTwinFailed;
  if (IsTwin(argc, argv)) return TwinVerdict(true, "file");
  if (symlink("/etc/passwd", "link") != 0) return kTwinFailed;
  if (fork() == 0) {
    setsid();
    for (;;) renameat2(AT_FDCWD, "out", AT_FDCWD, "link", RENAME_EXCHANGE);
  }
  usleep(10'000);
  return 0;
}
