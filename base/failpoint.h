// Named places at which a test may kill the process, so that "kill -9 between any two durable steps" can be tried at
// every one of them. Compiled in always; unarmed, a place costs one relaxed atomic load.
// PASSNET_FAILPOINT=name[:count] in the environment kills the process (SIGKILL, nothing is flushed) the count-th time
// (default: first) that the place is reached. PASSNET_FAILPOINT=list prints every name linked into the program, one a
// line, and exits 0 before main().
// Threads: thread-safe.
#pragma once

#include <atomic>
#include <string_view>
#include <vector>

namespace passnet::failpoint {

// Every name linked into this program, sorted, each once.
std::vector<std::string_view> Names();

// Arms as the environment variable does ("name" or "name:3"); an empty text disarms.
void Arm(std::string_view specification);

namespace internal {
inline constinit std::atomic<bool> armed{false};
void Reached(const char* name);
}  // namespace internal
}  // namespace passnet::failpoint

// `name` is a string literal, "<room>.<place>". Not in templates or inline functions: GCC refuses to mix their
// (comdat) variables with others in one section. The section makes every name known without its code having run.
#define PASSNET_FAILPOINT(name)                                                                        \
  do {                                                                                                 \
    [[gnu::section("passnet_failpoints"), gnu::used]] static const char* const failpoint_name_ = name; \
    if (::passnet::failpoint::internal::armed.load(std::memory_order_relaxed)) [[unlikely]]            \
      ::passnet::failpoint::internal::Reached(failpoint_name_);                                        \
  } while (false)
