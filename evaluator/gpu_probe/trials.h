// What the program passnet-gpu-probe tries of a GPU, each to its end: a driver that lists devices proves nothing, a
// kernel whose result is right does. One line of JSON a trial, as soon as it is known, so that a driver that hangs shows
// where: {"trial":"kernel","ok":true,"found":"…"}. A trial without which the next cannot be made is the last one.
// Threads: one. Owns: a context on the device, until the process ends.
// Errors: none; a failure is a line.
#pragma once

#include <string>

namespace passnet::gpu_probe {

struct TrialOptions {
  std::string libcuda = "libcuda.so.1";
  std::string libnvidia_ml = "libnvidia-ml.so.1";
  bool management = true;  // false in a jail: MIG, persistence and other users are asked outside
};

// 0 when every trial worked.
int RunTrials(const TrialOptions& options);

}  // namespace passnet::gpu_probe
