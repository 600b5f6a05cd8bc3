// Leaves everything that is not a plain file under names that the caller collects: the classic way out of a judge is a
// daemon that follows the sandboxed program's links (openat2(2), RESOLVE_NO_SYMLINKS). Also one honest file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main() {
  bool made = symlink("/etc/passwd", "link") == 0;
  made = symlink("../..", "up") == 0 && made;
  made = mkfifo("pipe", 0666) == 0 || errno == ENOSYS || errno == EPERM;
  made = mkdir("folder", 0755) == 0 && made;
  const int big = open("big", O_WRONLY | O_CREAT, 0644);
  made = ftruncate(big, 8 << 20) == 0 && made;
  const int good = open("good", O_WRONLY | O_CREAT, 0644);
  made = write(good, "honest", 6) == 6 && made;
  return TwinVerdict(made, "artefacts");
}
