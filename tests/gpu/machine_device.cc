#include <fstream>
#include <string>

#include "evaluator/device/cuda_driver.h"
#include "evaluator/device/nvrtc.h"
#include "tests/fakes/paths.h"
#include "tests/gpu/device_under_test.h"

namespace passnet::fakes {
namespace {

std::string PythonWithTorch() {
  std::string path;
  std::getline(std::ifstream(BinaryDir() + "/lib/python-path"), path);
  return path;
}

// The driver is asked in this process: a test that forks workers does so from programs of their own.
DeviceUnderTest MachinesOwn() {
  DeviceUnderTest device;
  device.driver_library = "libcuda.so.1";
  device.nvml_library = "libnvidia-ml.so.1";
  device.nvrtc_libraries = evaluator::NvrtcLibraries(PythonWithTorch());
  device.pass_folders = {"passes_triton", "passes_cu"};
  const auto driver = evaluator::CudaDriver::Load(device.driver_library);
  if (!driver) {
    device.why_not = driver.error().context;
    return device;
  }
  int count = 0;
  if (driver.value()->api().cuDeviceGetCount(&count) != evaluator::cuda::kSuccess || count == 0) {
    device.why_not = "no GPU: the driver lists none";
  }
  return device;
}

}  // namespace

evaluator::CudaDeviceOptions DeviceUnderTest::Options(const std::string&) const {
  evaluator::CudaDeviceOptions options;
  options.nvrtc_libraries = nvrtc_libraries;
  return options;
}

const DeviceUnderTest& TheDevice() {
  static const DeviceUnderTest device = MachinesOwn();
  return device;
}

}  // namespace passnet::fakes
