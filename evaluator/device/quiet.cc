#include "evaluator/device/quiet.h"

#include <algorithm>

#include "base/check.h"

namespace passnet::evaluator {

void Quiet::Learn(std::vector<Nanos> alone) {
  CHECK(!alone.empty());
  const auto middle = alone.begin() + static_cast<std::ptrdiff_t>(alone.size() / 2);
  std::nth_element(alone.begin(), middle, alone.end());
  usual_ = *middle;
}

}  // namespace passnet::evaluator
