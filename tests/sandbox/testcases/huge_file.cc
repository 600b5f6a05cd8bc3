// Writes one file beyond the limit. Kernel: SIGXFSZ (setrlimit(2), RLIMIT_FSIZE). "fill": many files until the folder is
// full: ENOSPC (tmpfs(5)); "inodes": empty ones; "sparse": one of 10 GB with a hole. An argument more: in that folder.
// Twin: a small file.
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  static char block[1 << 16];
  const auto is = [&](const char* mode) { return argc > 1 && strcmp(argv[1], mode) == 0; };
  const bool fill = is("fill");
  if (argc > 2 && chdir(argv[2]) != 0) return kTwinFailed;
  if (is("sparse")) return Verdict(ftruncate(open("sparse", O_WRONLY | O_CREAT, 0644), 10'000'000'000), "sparse");
  for (int file = 0; file < 1 << 16; ++file) {
    const int fd = open(("f" + std::to_string(file)).c_str(), O_WRONLY | O_CREAT, 0644);
    if (fd < 0) return Verdict(-1, "file");
    if (is("inodes")) {
      close(fd);
      continue;
    }
    const int blocks = fill ? 16 : IsTwin(argc, argv) ? 1 : 1 << 20;
    for (int i = 0; i < blocks; ++i) {
      if (write(fd, block, sizeof block) < 0) return Verdict(-1, "write");
    }
    close(fd);
    if (IsTwin(argc, argv)) return TwinVerdict(true, "file");
  }
  return kForbiddenWorked;
}
