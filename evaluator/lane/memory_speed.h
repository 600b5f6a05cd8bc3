// How fast one core of this host moves memory: the floor under what a kernel can take.
// Threads: blocking for about 100 ms, on the core in question. Values are immutable afterwards.
#pragma once

#include <cstdint>

namespace passnet::evaluator {

struct MemorySpeed {
  // The fastest that this core writes, whatever the size (its first cache levels), bytes a microsecond.
  double write_bytes_per_us = 0;
  // Reads and writes together of a copy whose working set has about this many bytes.
  double CopyBytesPerUs(uint64_t working_set) const;

  double copy_small = 0;   // 256 KiB: second-level cache
  double copy_medium = 0;  // 8 MiB: third level
  double copy_large = 0;   // 128 MiB: memory
};

MemorySpeed MeasureMemorySpeed();

}  // namespace passnet::evaluator
