// What a lane measures on, as configurations, flags and requests name it: "cpu", "cuda:0" (a number among the devices that
// the driver lists) or "cuda:GPU-8f2a…" (the device with that UUID, whatever its number).
// Threads: pure functions. Errors: kInvalidArgument naming what was given and what could have been.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace passnet::evaluator {

struct DeviceName {
  bool cuda = false;
  std::optional<int> number;  // one of the two, of a CUDA device
  std::string uuid;
};
Result<DeviceName> ParseDeviceName(const std::string& text);

}  // namespace passnet::evaluator
