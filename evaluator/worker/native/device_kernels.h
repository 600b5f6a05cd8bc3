// Which kernels ran on the device, by name, how often and how long, whoever launched them: a library of torch's or the
// candidate's own code. Told by CUPTI's activity records, where CUPTI can be had (torch's CUDA wheels bring it); loaded by
// name, nothing of it is needed to build. For the process that is never timed: recording costs some microseconds a launch.
// Threads: Begin and End on the thread that makes calls; the records come on one of CUPTI's. Owns: buffers of records until
// they were read. Errors: text, of why nothing is recorded.
// Source: CUPTI Activity API (docs.nvidia.com/cupti): what a record of a kernel begins with is alike in CUDA 9 to 13.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace passnet::worker::device_kernels {

struct KernelTime {
  std::string name;  // as C++ writes it; hostile bytes, bounded
  uint64_t launches = 0;
  uint64_t nanoseconds = 0;  // together
};

struct Recorded {
  std::string why_not;  // empty: it was recorded
  std::vector<KernelTime> kernels;  // in the order of their first
  uint64_t lost = 0;    // records that CUPTI had no room for
};

// Another library than those of the usual names; for tests. Before the first Begin.
void UseLibrary(const std::string& path);

// Only what is launched after this is recorded; the last recording is forgotten.
void Begin();
// After the context was synchronised: what has not ended is not told.
void End();
const Recorded& Last();

// [{"name", "count", "ns"}]; names in the letters of JSON.
std::string Tell();

}  // namespace passnet::worker::device_kernels
