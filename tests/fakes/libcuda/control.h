// The test's side of the stand-in driver (libpassnet_fake_cuda.so): what its device says of itself, which call fails, whether
// it hangs, and the kernels that it knows. It is a fake: host memory and memfds, and no figure comes from it.
// Threads: all members are atomics or set before a process uses the device. Owns: nothing; it lies in the library.
// Errors: CHECK where the library is not there.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "tests/fakes/paths.h"

namespace passnet::fakes {

struct FakeCudaControl {
  std::atomic<bool> hangs{false};  // what is queued is not done, in this process
  // Another process's work: while what this points to is not 0, what this process sets (all that a device does, on a real
  // one) waits for that one's turn.
  std::atomic<const std::atomic<uint32_t>*> others{nullptr};
  std::atomic<long> turn_us{90'000};
  void (*on_launch)(const char* kernel) = nullptr;  // in the thread that launches it
  // The call of this name fails with this code, the `after`th from now on.
  const char* failing_call = "";
  int failing_code = 0;
  std::atomic<int> failing_after{0};
  std::atomic<unsigned> copies{0};  // queued
  std::atomic<unsigned long long> set_bytes{0};
  std::atomic<unsigned> resets{0};  // of lines that were to stay in the cache
  std::atomic<unsigned long long> host_bytes{0};  // copied from or to the host
  std::atomic<long> live{0};        // allocations, mappings, streams
  // Of NVML.
  unsigned core_mhz = 1980, celsius = 41;
  unsigned long long throttle = 0, ecc_errors = 0;
  unsigned process_count = 0, processes[8] = {};
  int persistence = 1;
  unsigned mig = 0;
  bool shares_memory = true;  // the attribute
  // A kernel: a function over copies of its parameters, whose sizes are digits ("84": eight bytes, then four). It runs beside
  // the process and goes on where that is stopped: no allocation, no call into libraries that keep something a thread.
  // Null: what the driver knows under that name by itself.
  void (*add_kernel)(const char* name, const char* sizes, void (*run)(void** parameters)) = nullptr;
};

inline std::string FakeCudaPath() { return BinaryDir() + "/lib/libpassnet_fake_cuda.so"; }

inline FakeCudaControl& FakeCudaOf(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  CHECK(library != nullptr);
  auto control = reinterpret_cast<FakeCudaControl* (*)()>(::dlsym(library, "passnet_fake_cuda_control"));
  CHECK(control != nullptr);
  return *control();
}

inline FakeCudaControl& FakeCuda() { return FakeCudaOf(FakeCudaPath()); }

}  // namespace passnet::fakes
