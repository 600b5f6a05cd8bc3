// The device that a test of the GPU lane runs on. The tests are written once and linked twice: with machine_device.cc they run
// on the first GPU of this machine (label gpu; without one they are skipped and say so), with standin_device.cc on the stand-in
// driver, as far as that carries them.
// Threads: thread-safe. Owns: nothing. Errors: a reason not to run.
#pragma once

#include <string>
#include <vector>

#include "evaluator/device/cuda_device.h"

namespace passnet::fakes {

struct DeviceUnderTest {
  std::string why_not;  // empty: tests run
  bool stand_in = false;
  std::string driver_library, nvml_library;
  std::vector<std::string> nvrtc_libraries = {};
  // Of a lane: its device, what a client gives passnet-evaluator beside it, and the folders below tests/fixtures with passes
  // that it can run.
  std::string lane_device = "cuda:0";
  std::vector<std::string> lane_arguments = {};
  std::vector<std::string> pass_folders = {};

  // `lock_folder`: of a test's own where the driver is the stand-in; a GPU's lease is everybody's.
  evaluator::CudaDeviceOptions Options(const std::string& lock_folder) const;
};

const DeviceUnderTest& TheDevice();

}  // namespace passnet::fakes
