// Opens the path in argv[2]: "read", "write" (creates), "list", "move" (renames), "allowed" (reads). Kernel: what is not bound does not
// exist (ENOENT), what is bound is read-only (EROFS, EACCES by landlock(7)).
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (argc < 3) return kTwinFailed;
  const char* path = argv[2];
  if (strcmp(argv[1], "write") == 0) return Verdict(open(path, O_WRONLY | O_CREAT, 0644), path);
  if (strcmp(argv[1], "list") == 0) return Verdict(opendir(path) != nullptr ? 0 : -1, path);
  if (strcmp(argv[1], "move") == 0) return Verdict(rename(path, (std::string(path) + ".moved").c_str()), path);
  char byte;
  const int fd = open(path, O_RDONLY);
  const bool worked = fd >= 0 && read(fd, &byte, 1) == 1;
  return IsTwin(argc, argv) ? TwinVerdict(worked, path) : Verdict(worked ? 0 : -1, path);
}
