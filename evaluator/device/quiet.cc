#include "evaluator/device/quiet.h"

#include <algorithm>

#include "base/check.h"

namespace passnet::evaluator {

bool Quiet::Learn(std::vector<Nanos> alone) {
  CHECK(!alone.empty());
  const auto middle = alone.begin() + static_cast<std::ptrdiff_t>(alone.size() / 2);
  std::nth_element(alone.begin(), middle, alone.end());
  if (best_ && *middle > MostAfter(*best_)) return false;
  usual_ = *middle;
  best_ = std::min(best_.value_or(*middle), *middle);
  return true;
}

Error OthersWork(const std::string& uuid, const std::string& how) {
  return {ErrorCode::kIo, "somebody else works on device " + uuid + ": " + how +
                              "; `nvidia-smi` lists the processes that have it"};
}

}  // namespace passnet::evaluator
