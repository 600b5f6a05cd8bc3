#include "evaluator/lane/timing_core.h"

#include <string>

namespace passnet::evaluator {

Result<TimingCore> TimingCore::Open(int core, const Places& places) {
  const std::string number = std::to_string(core);
  ASSIGN_OR_RETURN(HostLock lock, HostLock::Open({places.folder, "timing-core-" + number + ".lock",
                                                  places.cores / ("cpu" + number), "timing core " + number}));
  return TimingCore(core, std::move(lock));
}

}  // namespace passnet::evaluator
