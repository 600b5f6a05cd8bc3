// Touches memory without end, private or shared ("shared"). Kernel: the OOM killer at the group's limit (cgroups(7));
// without groups the watcher sees the resident size. Twin: 8 MiB.
#include <sys/mman.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const bool twin = IsTwin(argc, argv);
  const int kind = argc > 1 && strcmp(argv[1], "shared") == 0 ? MAP_SHARED : MAP_PRIVATE;
  constexpr size_t kStep = 8u << 20;
  for (int i = 0; i < (twin ? 1 : 1 << 20); ++i) {
    void* at = mmap(nullptr, kStep, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return TwinVerdict(false, "mmap");
    memset(at, i + 1, kStep);
  }
  return TwinVerdict(true, "8 MiB");
}
