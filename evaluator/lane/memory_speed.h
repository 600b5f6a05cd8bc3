// How fast one core of this host moves memory: the floor under what a kernel can take.
// Threads: blocking for about 100 ms, on the core in question. Values are immutable afterwards.
#pragma once

#include <cstdint>

namespace passnet::evaluator {

struct MemorySpeed {
  // The fastest that this core writes to memory of this size, again and again, bytes a microsecond.
  double WriteBytesPerUs(uint64_t working_set) const;
  // Reads and writes together of a copy whose working set has about this many bytes.
  double CopyBytesPerUs(uint64_t working_set) const;

  double write_first = 0;   // 16 KiB: first-level cache
  double write_small = 0;   // the sizes of copies
  double write_medium = 0;
  double write_large = 0;
  double copy_small = 0;   // 256 KiB: second-level cache
  double copy_medium = 0;  // 8 MiB: third level
  double copy_large = 0;   // 128 MiB: memory
};

MemorySpeed MeasureMemorySpeed();

}  // namespace passnet::evaluator
