// Where ./dev test puts the GPU lane's compilers (tests/gpu_tools/requirements.txt), and what a test does without them.
// Threads: pure functions. Errors: none.
#pragma once

#include <filesystem>
#include <string>

#include "tests/fakes/paths.h"

namespace passnet::fakes {

inline std::filesystem::path GpuTools() { return std::filesystem::path(SourceDir()) / ".cache/gpu-tools"; }

// Below the folder that pip installs into; empty when it is not there.
inline std::filesystem::path InGpuTools(const std::string& relative) {
  std::error_code failed;
  for (const auto& python : std::filesystem::directory_iterator(GpuTools() / "lib", failed)) {
    const auto path = python.path() / "site-packages" / relative;
    if (std::filesystem::exists(path, failed)) return path;
  }
  return {};
}

inline constexpr const char* kNoGpuTools = " is not there: ./dev test installs tests/gpu_tools/requirements.txt into .cache/gpu-tools";

}  // namespace passnet::fakes
