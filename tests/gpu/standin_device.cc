#include "tests/fakes/libcuda/control.h"
#include "tests/gpu/device_under_test.h"

namespace passnet::fakes {

evaluator::CudaDeviceOptions DeviceUnderTest::Options(const std::string& lock_folder) const {
  evaluator::CudaDeviceOptions options;
  options.driver_library = driver_library;
  options.torch_device = "cpu";
  options.nvml_library = nvml_library;
  options.lock_folder = lock_folder;
  options.nvrtc_libraries = nvrtc_libraries;
  options.late_by = std::chrono::milliseconds(50);  // its work is the host's, which is busy
  return options;
}

const DeviceUnderTest& TheDevice() {
  static const DeviceUnderTest device = [] {
    DeviceUnderTest made;
    made.stand_in = true;
    made.driver_library = made.nvml_library = FakeCudaPath();
    made.nvrtc_libraries = {FakeCudaPath()};
    made.lane_arguments = {"--driver-library", FakeCudaPath(), "--management-library", FakeCudaPath(),
                           // Drawing by this device is ten times slower than by the host.
                           "--nvrtc", "libnvrtc-that-is-not-there.so.1", "--torch-device", "cpu", "--lock-folder", BinaryDir() + "/test-locks"};
    made.pass_folders = {"passes"};  // its tensors are the host's, and so are the kernels
    return made;
  }();
  return device;
}

}  // namespace passnet::fakes
