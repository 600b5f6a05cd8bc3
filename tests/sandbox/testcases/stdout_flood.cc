// Writes to standard output for ever. Watcher: keeps head and tail, kills at four times the cap. Twin: one line.
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  if (IsTwin(argc, argv)) return TwinVerdict(true, "line");
  char block[4096];
  memset(block, 'x', sizeof block);
  memcpy(block, "HEAD", 4);
  for (;;) {
    if (write(1, block, sizeof block) < 0) return 1;
  }
}
