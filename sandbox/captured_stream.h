// Keeps the first and the last half of what a stream says and counts the rest: a flood costs us no memory.
// Threads: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/run.h"

namespace passnet::sandbox {

class StreamKeeper {
 public:
  explicit StreamKeeper(uint64_t cap) : half_(cap / 2) {}

  void Add(std::string_view bytes);
  uint64_t total() const { return total_; }
  CapturedStream Finish() &&;

 private:
  uint64_t half_;
  uint64_t total_ = 0;
  std::string head_;
  std::string tail_;  // trimmed when it is twice what is kept
};

}  // namespace passnet::sandbox
