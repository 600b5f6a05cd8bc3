// Starts threads until the kernel says no. Kernel: EAGAIN at pids.max or RLIMIT_NPROC (pthread_create(3)); on a one-core
// lane EPERM at the first. Exits 7 once refused. Twin: three threads that end.
#include <pthread.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const bool twin = IsTwin(argc, argv);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  pthread_t threads[3];
  for (int made = 0; made < (twin ? 3 : 10'000); ++made) {
    pthread_t thread;
    const auto run = [](void* ends) -> void* {
      while (ends == nullptr) pause();
      return nullptr;
    };
    const int failed = pthread_create(&thread, &small, run, twin ? &threads : nullptr);
    if (failed != 0) {
      printf("%d %s\n", made, strerror(failed));
      return twin ? kTwinFailed : 7;
    }
    if (twin) threads[made] = thread;
  }
  if (!twin) return kForbiddenWorked;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  return TwinVerdict(true, "three threads");
}
