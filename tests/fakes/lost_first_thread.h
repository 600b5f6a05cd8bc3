// What a process with threads may do: its first one ends (pthread_exit(3) in main) while another goes on. /proc says little
// of such a process, which lives all the same.
// Threads: called once, on the first thread of a process that has no other. Owns: nothing. Errors: ends with status 1.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace passnet::fakes {

inline bool FirstThreadHasEnded() {
  std::ifstream file("/proc/self/stat");
  std::ostringstream text;
  text << file.rdbuf();
  const size_t name_end = text.str().rfind(')');
  return name_end != std::string::npos && text.str().compare(name_end, 3, ") Z") == 0;
}

// `then` is called by the thread that goes on, once the first one has ended; afterwards it waits for a signal.
[[noreturn]] inline void LoseFirstThread(void (*then)(void* argument), void* argument) {
  struct Rest {
    void (*then)(void*);
    void* argument;
  };
  static Rest rest;
  rest = {then, argument};
  pthread_t thread;
  const int failed = ::pthread_create(
      &thread, nullptr,
      [](void* given) -> void* {
        while (!FirstThreadHasEnded()) ::sched_yield();
        static_cast<Rest*>(given)->then(static_cast<Rest*>(given)->argument);
        while (true) ::pause();
      },
      &rest);
  if (failed != 0) ::_exit(1);
  ::syscall(SYS_exit, 0);  // this thread alone, without what a C++ unwinder would do
  ::_exit(1);
}

}  // namespace passnet::fakes
