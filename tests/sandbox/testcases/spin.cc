// Burns processor time in two processes where it may fork, so that no single one reaches RLIMIT_CPU before the tree does
// (setrlimit(2)).
// "threads": in eight of them. Twin: a short loop.
#include <pthread.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  volatile unsigned long work = 0;
  if (IsTwin(argc, argv)) {
    for (int i = 0; i < 1000; ++i) work = work + 1;
    return TwinVerdict(true, "loop");
  }
  if (argc > 1 && strcmp(argv[1], "threads") == 0) {
    const auto burn = [](void*) -> void* {
      for (volatile unsigned long mine = 0;;) mine = mine + 1;
    };
    for (int i = 0; i < 8; ++i) {
      pthread_t thread;
      if (pthread_create(&thread, nullptr, burn, nullptr) != 0) return 1;
    }
  }
  if (fork() < 0 && errno != EPERM) return 1;
  for (;;) work = work + 1;
}
