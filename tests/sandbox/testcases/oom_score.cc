// Lowers its oom_score_adj to its second argument's value, which must be refused, and to its first's, which is not. Kernel: it
// may go down to the lowest that somebody with CAP_SYS_RESOURCE has set (proc_pid_oom_score_adj(5)). Then, told by a byte on
// descriptor 3, it takes memory without end: whatever its score, its limit is its limit (cgroups(7)).
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/testcases/verdict.h"

namespace {

bool Set(const char* value) {
  const int file = open("/proc/1/task/1/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const bool set = file >= 0 && write(file, value, strlen(value)) == static_cast<ssize_t>(strlen(value));
  const int err = errno;
  if (file >= 0) close(file);
  errno = err;
  return set;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return kTwinFailed;
  const bool below = Set(argv[2]);
  printf("below %s\n", below ? "WORKED" : (std::string("refused: ") + strerror(errno)).c_str());
  const bool lowered = Set(argv[1]);
  printf("%s\n", lowered ? "lowered" : strerror(errno));
  char byte;
  if (read(3, &byte, 1) != 1) return kTwinFailed;  // the one that waits there
  printf("waits\n");
  fflush(stdout);
  if (read(3, &byte, 1) != 1) return kTwinFailed;
  constexpr size_t kStep = 1u << 20;
  for (int i = 0; i < 1024; ++i) {
    void* at = mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return TwinVerdict(false, "mmap");
    memset(at, i + 1, kStep);
    usleep(500);  // whoever looks every 20 ms sees it grow
  }
  printf("HOLDS 1 GIB\n");
  return kForbiddenWorked;
}
