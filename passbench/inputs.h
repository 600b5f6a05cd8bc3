// A graph's input tensors as PassBench makes them, bit for bit: numpy's legacy generator, float64 maths, one cast.
// Threads: thread-safe functions. One set is drawn sequentially, since every tensor continues the generator's stream.
// Owns: MakeInputs returns the bytes; FillInputs writes into the caller's.
// Errors: kInvalidArgument (data or bounds do not fit the type, buffer of the wrong size or alignment), naming tensor,
// file and line. Sizes were bounded when the graph was loaded.
// Source: docs/passbench.md, section 3; checked against hashes of the original's tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "passbench/task.h"

namespace passnet::passbench {

inline constexpr uint64_t kPassBenchSeed = 123;

// What another seed changes, hence what a timing loop may refresh between calls without leaving the distribution.
enum class InputKind {
  kRandomFloat,  // drawn: any value of the distribution is as good
  kRangedInt,    // drawn from min_val..max_val, both inclusive
  kFixed,        // given data, constants (std 0), integers without bounds: to be left as they were made
  kRandomBool,   // a drawn mask: refreshed as a whole only, 0 or 1
};
const char* InputKindName(InputKind kind);
InputKind KindOf(const TensorMeta& meta);

struct InputTensor {
  std::string name;
  std::vector<int64_t> shape;
  DType dtype = DType::kFloat32;
  InputKind kind = InputKind::kFixed;
  int64_t min = 0;  // kRangedInt only, inclusive
  int64_t max = 0;
  std::vector<std::byte> bytes;  // contiguous, row-major, little endian
};

// In the order of forward's parameters. kPassBenchSeed gives PassBench's own set; any other seed another set of the
// same distribution; all 64 bits of it count.
Result<std::vector<InputTensor>> MakeInputs(const Graph& graph, uint64_t seed);

// As MakeInputs, into buffers[i] for input i: exactly inputs[i].Bytes(), aligned to its element type.
Status FillInputs(const Graph& graph, uint64_t seed, std::span<const std::span<std::byte>> buffers);

}  // namespace passnet::passbench
