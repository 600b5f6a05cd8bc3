// Writes to standard output for ever. Watcher: keeps head and tail, kills at four times the cap. "bytes": one at a time;
// "closed": standard output is closed, and the refusal counts. Twin: one line.
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (IsTwin(argc, argv)) return TwinVerdict(true, "line");
  if (argc > 1 && strcmp(argv[1], "closed") == 0) {
    close(1);
    return write(1, "x", 1) < 0 && errno == EBADF ? 5 : 1;
  }
  char block[4096];
  memset(block, 'x', sizeof block);
  memcpy(block, "HEAD", 4);
  for (;;) {
    if (write(1, block, argc > 1 && strcmp(argv[1], "bytes") == 0 ? 1 : sizeof block) < 0) return 1;
  }
}
