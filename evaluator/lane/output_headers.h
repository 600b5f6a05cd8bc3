// Where a process says that the outputs of its calls lie: headers as hostile bytes, taken only where they tell a tensor of
// the reference's type, shape and kind of layout, and never more memory than that may span.
// Threads: pure functions. Errors: none; what a header tells wrongly is an OutputComparison.
// Source: docs/worker_protocol.md, section 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "evaluator/integrity/observations.h"
#include "evaluator/lane/slots.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {

// One output of one call as the process describes it: a copy, so that it cannot change between check and use.
struct ClaimedOutput {
  PnOutputHeader header{};
  uint64_t extent = 0;  // bytes from the first element to the end of the last one; 0 where it was not read
  size_t offset = 0;    // of the copy in OutputBatch::bytes
  bool read = false;
};

// The outputs of all calls of one run. Reused from run to run, since its bytes are as large as a block's outputs. Where a
// device compares, it has the values, and only what a report tells of is brought to the host.
struct OutputBatch {
  std::vector<uint32_t> counts;         // of outputs, as each call claims
  std::vector<ClaimedOutput> outputs;   // [slot * layout.outputs.size() + index]
  std::vector<std::byte> bytes;
  std::vector<std::vector<std::byte>> mutated;  // [slot * mutated inputs + k]: inputs that the graph changes, afterwards
  std::shared_ptr<KeptRun> kept;  // where the device compares
};

// Takes the headers of as many calls as `checked` has out of `region`, as the layout has them, and gives each output its
// extent, and those of checked calls a place in the batch's bytes. Gives how many bytes these must have.
size_t ReadHeaders(const SlotLayout& layout, bool any_layout, std::span<const std::byte> region,
                   const std::vector<bool>& checked, OutputBatch* batch);

// Whether the header tells a tensor of the reference's type, shape and kind of layout; fills match and reason when not.
// `any_layout`: elements may share memory or have gaps.
bool Fits(const ClaimedOutput& output, const SlotOutput& expected, bool any_layout, const std::string& what,
          OutputComparison* result);

// How many bytes an output may span: what the reference's own spans, or a dense tensor's with room for padding.
uint64_t MostBytes(const SlotOutput& expected);
// Of an element.
size_t WidthOf(const SlotOutput& output);

bool SameStrides(const int64_t* one, const int64_t* other, const std::vector<int64_t>& shape);
// No two elements in one place and no gap: any order of the dimensions.
bool IsDense(const int64_t* strides, const std::vector<int64_t>& shape);
// The elements in row-major order: `storage` itself where they lie so, else gathered into `scratch`.
const std::byte* RowMajor(const std::byte* storage, const int64_t* strides, const std::vector<int64_t>& shape,
                          size_t width, int64_t elements, std::vector<std::byte>* scratch);

}  // namespace passnet::evaluator
