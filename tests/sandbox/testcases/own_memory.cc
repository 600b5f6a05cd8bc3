// Writes through /proc/1/task/1/mem, which passes over a page's protection as a debugger does. Kernel: a private page is copied
// first, also one that may only be read, so that neither the file nor the process from which this one was forked sees it; a
// shared page that may only be read is refused (proc_pid_mem(5)). Changes its own command line on the way, which shows from
// outside whose pages were written. Then waits.
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

namespace {

int memory = -1;

bool Write(const void* at, const char* bytes, size_t size) {
  return pwrite(memory, bytes, size, static_cast<off_t>(reinterpret_cast<uintptr_t>(at))) == static_cast<ssize_t>(size);
}

void Say(const char* text) {
  printf("%s\n", text);
  fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  memory = open("/proc/1/task/1/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0) return Verdict(-1, "open");
  if (argc < 1 || !Write(argv[0], "CHANGED", 7) || memcmp(argv[0], "CHANGED", 7) != 0) return TwinVerdict(false, "own page");
  Say("own page written");
  const int file = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
  void* own = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file, 0);
  void* shared = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
  if (own == MAP_FAILED || shared == MAP_FAILED) return TwinVerdict(false, "mmap");
  char first[4] = "";
  const bool written = Write(own, "DEAD", 4) && memcmp(own, "DEAD", 4) == 0;
  const bool as_it_was = pread(file, first, 4, 0) == 4 && memcmp(first, "\x7f" "ELF", 4) == 0;
  Say(!written ? "private page refused" : as_it_was ? "private page of a file written, the file is as it was" : "FILE CHANGED");
  Say(Write(shared, "DEAD", 4) ? "SHARED PAGE WRITTEN" : "shared page of a file refused");
  Say("done");
  for (;;) pause();
}
