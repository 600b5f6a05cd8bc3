// Ends its first thread and lives on in another. Kernel: the process lives as long as one of its threads does; what /proc tells
// of it is what is left of the first one (proc(5), pthread_exit(3)). Prints "a" before, "b" once it is so.
#include <stdio.h>

#include "tests/fakes/lost_first_thread.h"
#include "tests/sandbox/testcases/verdict.h"

int main(int, char**) {
  char byte;
  if (read(3, &byte, 1) != 1) return kTwinFailed;  // the one that waits there
  (void)!write(1, "a", 1);
  if (read(3, &byte, 1) != 1) return kTwinFailed;
  passnet::fakes::LoseFirstThread([](void*) { (void)!write(1, "b", 1); }, nullptr);
}
