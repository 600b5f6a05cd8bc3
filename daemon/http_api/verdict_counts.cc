#include "daemon/http_api/verdict_counts.h"

namespace passnet::daemon {

Result<std::map<std::string, int64_t>> VerdictCounts::Read(trajectories::Reader& reader) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const int64_t last, reader.LastRowId());
  ASSIGN_OR_RETURN(const auto fresh, reader.Verdicts(read_up_to_, last));
  for (const auto& [verdict, count] : fresh) counts_[verdict] += count;
  read_up_to_ = last;
  return counts_;
}

}  // namespace passnet::daemon
