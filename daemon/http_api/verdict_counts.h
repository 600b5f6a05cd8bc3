// How many evaluations ended with each verdict, in the whole journal, for /metrics. Rows never change, so each reading looks
// only at those that came since the last one.
// Threads: thread-safe, blocking.
// Errors: those of the reader.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"
#include "trajectories/reader.h"

namespace passnet::daemon {

class VerdictCounts {
 public:
  Result<std::map<std::string, int64_t>> Read(trajectories::Reader& reader);

 private:
  std::mutex mutex_;
  int64_t read_up_to_ = 0;                 // row; guarded by mutex_
  std::map<std::string, int64_t> counts_;  // guarded by mutex_
};

}  // namespace passnet::daemon
