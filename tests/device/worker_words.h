// What test and test worker share beside the lane's own protocol: words behind the headers of a seat.
// Threads: atomics, between processes. Owns: nothing. Errors: none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace passnet::evaluator {

struct WorkerWords {
  std::atomic<uint32_t> release;  // by the test: kernels that wait may go on
  std::atomic<uint32_t> looks;    // of the persistent kernel at its inputs
  std::atomic<uint32_t> seen;     // it found some
  std::atomic<uint32_t> late;     // kernels that went on after they were released
  std::atomic<uint32_t> spinning; // a kernel is on the device and stays there
};
inline constexpr size_t kWordsBytes = 64;
inline constexpr uint32_t kElements = 64;  // float32, of the one input and the one output

}  // namespace passnet::evaluator
