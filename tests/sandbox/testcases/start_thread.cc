// Starts a second thread. Kernel: on a one-core lane clone answers EPERM, so that nothing can compute behind the clock's
// back (seccomp(2)); clone3 answers ENOSYS, so that the C library comes to clone at all (moby/moby#42680). Twin: the same
// call under a policy with threads.
#include <pthread.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  pthread_t thread;
  static int ran = 0;
  const int failed = pthread_create(&thread, nullptr, [](void*) -> void* { ran = 1; return nullptr; }, nullptr);
  if (failed == 0) pthread_join(thread, nullptr);
  errno = failed;
  return IsTwin(argc, argv) ? TwinVerdict(ran == 1, "thread") : Verdict(failed == 0 ? 0 : -1, "thread");
}
