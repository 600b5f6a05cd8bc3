// Dies of its own doing: "segv", "abort", "kill" (itself), "exit" with 3, "writing": leaves while another thread writes.
// Each must come out as what it was.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
  if (strcmp(how, "segv") == 0) *static_cast<volatile int*>(nullptr) = 1;
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(how, "writing") == 0) {
    pthread_t thread;
    const auto write_on = [](void*) -> void* {
      while (write(1, "x", 1) == 1) usleep(10);
      return nullptr;
    };
    if (pthread_create(&thread, nullptr, write_on, nullptr) != 0) return 1;
    usleep(2'000);
    _exit(0);
  }
  return 3;
}
