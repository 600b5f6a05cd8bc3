// The test's side of the stand-in for CUPTI (libpassnet_fake_cupti.so): what "ran on the device", and what fails. It is a fake;
// its records are laid out as those of CUDA 12 are, by themselves and not by the reader's own structure.
// Threads: one. Owns: nothing; it lies in the library. Errors: CHECK where the library is not there.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "tests/fakes/paths.h"

namespace passnet::fakes {

struct FakeCuptiControl {
  // A kernel of this name (as the compiler mangles it) ran from one nanosecond to another. Unseen where nothing is recorded.
  void (*ran)(const char* name, uint64_t start, uint64_t end) = nullptr;
  // Something else than a kernel happened.
  void (*copied)() = nullptr;
  int enable_fails_with = 0;
  size_t lost = 0;  // records, told with the next buffer
  int buffers = 0;  // that were asked for
};

inline std::string FakeCuptiPath() { return BinaryDir() + "/lib/libpassnet_fake_cupti.so"; }

inline FakeCuptiControl& FakeCupti() {
  void* library = ::dlopen(FakeCuptiPath().c_str(), RTLD_NOW | RTLD_LOCAL);
  CHECK(library != nullptr);
  auto control = reinterpret_cast<FakeCuptiControl* (*)()>(::dlsym(library, "passnet_fake_cupti_control"));
  CHECK(control != nullptr);
  return *control();
}

}  // namespace passnet::fakes
