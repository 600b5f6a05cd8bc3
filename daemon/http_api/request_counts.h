// How often each route was asked and with which status it answered, for /metrics.
// Threads: thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace passnet::daemon {

class RequestCounts {
 public:
  using Counts = std::map<std::pair<std::string, int>, int64_t>;  // by route and status

  // `route` is a pattern of ours or empty, never what a client wrote: the map stays small.
  void Add(const std::string& route, int status) {
    std::lock_guard lock(mutex_);
    ++counts_[{route, status}];
  }
  Counts Read() const {
    std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  Counts counts_;  // guarded by mutex_
};

}  // namespace passnet::daemon
