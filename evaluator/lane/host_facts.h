// Facts of the machine that a lane times on, as the kernel tells them.
// Threads: blocking. Errors: none: what is not told is "unknown".
// Source: Linux, Documentation/ABI/testing/sysfs-devices-system-cpu (cache); proc(5).
#pragma once

#include <filesystem>
#include <string>

namespace passnet::evaluator {

std::string CpuModel();
std::string KernelRelease();

// "L1d 48K, L2 1024K, L3 32768K" of a core. `root`: of the folder cpuN, for tests.
std::string CachesOf(int core, const std::filesystem::path& root = "/sys/devices/system/cpu");

}  // namespace passnet::evaluator
