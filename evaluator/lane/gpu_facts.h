// What a CUDA lane's environment says of its device. What is measured is measured once a device and kept, so that the lane's
// evaluators, and reports of different days, say the same.
// Threads: blocking (a small file). Errors: those of writing it.
// Source: docs/gpu.md, "Prompts".
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/lane/memory_speed.h"

namespace passnet::evaluator {

// `folder`: where the figures of each device are kept, by its UUID. The caller holds the device's lease.
Result<DeviceFacts> WithKeptFigures(const DeviceFacts& facts, const std::filesystem::path& folder);

// Under the names that prompts and reports know.
std::map<std::string, std::string> GpuEnvironment(const DeviceFacts& facts);

// "sm_90", as compilers call it.
std::string ArchitectureOf(const DeviceFacts& facts);

// For floors: no write is as fast, copies are.
MemorySpeed SpeedOf(const DeviceFacts& facts);

// "13.0" of what `nvcc --version` prints; all of its last line where that says it otherwise.
std::string NvccRelease(const std::string& version);

}  // namespace passnet::evaluator
