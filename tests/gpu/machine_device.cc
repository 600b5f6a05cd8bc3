#include "evaluator/device/cuda_driver.h"
#include "tests/gpu/device_under_test.h"

namespace passnet::fakes {
namespace {

// The driver is asked in this process: a test that forks workers does so from programs of their own.
DeviceUnderTest MachinesOwn() {
  DeviceUnderTest device;
  device.driver_library = "libcuda.so.1";
  device.nvml_library = "libnvidia-ml.so.1";
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

evaluator::CudaDeviceOptions DeviceUnderTest::Options(const std::string&) const { return {}; }

const DeviceUnderTest& TheDevice() {
  static const DeviceUnderTest device = MachinesOwn();
  return device;
}

}  // namespace passnet::fakes
