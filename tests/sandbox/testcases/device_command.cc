// Opens argv[1] ("-": standard output) as a driver's library opens its node, and asks it the ioctl command argv[2]. Says
// which layer answered: the device itself, which knows no such command (ENOTTY), Landlock (EACCES) or the filter (EPERM).
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (argc < 3) return kTwinFailed;
  const int fd = strcmp(argv[1], "-") == 0 ? 1 : open(argv[1], O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    printf("open refused: %s\n", strerror(errno));
    return 0;
  }
  char argument[64] = {};
  const int answer = ioctl(fd, strtoul(argv[2], nullptr, 0), argument);
  if (answer == 0 || errno == ENOTTY) {
    printf("reached the device\n");
    return kForbiddenWorked;
  }
  return Verdict(answer, "command");
}
