// What a run left behind: the outputs of each call, read out of the process's memory while it is stopped, and their
// comparison with the reference's. Headers first, as hostile bytes, then every element. Where the device compares, the
// values stay there.
// Threads: thread-compatible; a batch may be read on one thread and compared on another.
// Errors: infrastructure only; whatever a candidate's outputs are not is an OutputComparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/integrity/observations.h"
#include "evaluator/lane/output_headers.h"
#include "evaluator/lane/side.h"
#include "evaluator/lane/value_pairs.h"

namespace passnet::evaluator {

class OutputComparer {
 public:
  // `mutated[i]`: the reference changes input i; it then counts as an output.
  // `any_layout`: elements may share memory or have gaps, which only an ablation allows.
  OutputComparer(const SlotLayout& layout, std::vector<bool> mutated, bool any_layout = false);

  // Takes everything that comparing needs out of the stopped process and its region. Bounded by what the layout allows.
  // `checked[slot]`: whether the call's values are taken as well as where they lie; only such calls can be compared.
  Status Read(const Side& side, const std::vector<bool>& checked, OutputBatch* batch) const;
  // What Read will want of a run whose outputs have to be copied inside the clock. It borrows the comparer.
  FindOutputs Finder(std::vector<bool> checked) const;

  // The same call of both sides.
  Result<OutputComparison> Compare(const OutputBatch& reference, const OutputBatch& contender, uint32_t slot) const;

  // The elements that made `comparison`, of the same call, fall short of the standard tolerance: of the first few outputs
  // of which any are, nothing when shapes or types are what is wrong. Brings the call's values to the host.
  Result<std::vector<OutputMismatch>> Mismatches(OutputBatch* reference, OutputBatch* contender, uint32_t slot,
                                                 const OutputComparison& comparison) const;

  // Whether the reference's answers to two different calls pass for one another at the standard tolerance.
  Result<bool> Interchangeable(const OutputBatch& one, uint32_t slot, const OutputBatch& other, uint32_t other_slot) const;
  // Whether every value of the reference's outputs is a finite number. Brings the call's values to the host.
  Result<bool> AllFinite(OutputBatch* reference, uint32_t slot) const;

  // Index of the first input that was changed though the reference leaves it alone, or -1. `inputs`: what it was filled
  // with; a device that compares by itself has that. Looks at the checked calls.
  Result<int> ChangedInput(const Side& side, std::span<const std::byte> inputs, const std::vector<bool>& checked) const;

  // Whether two outputs of a run lie in the same memory; those that are views of inputs in the reference do not count.
  bool SharesMemory(const OutputBatch& batch) const;

 private:
  const ClaimedOutput& OutputOf(const OutputBatch& batch, uint32_t slot, size_t index) const {
    return batch.outputs[slot * layout_.outputs.size() + index];
  }
  // As Read, where the values stay on the device.
  Status KeepThere(const Side& side, const std::vector<bool>& checked, OutputBatch* batch) const;
  // The values of one call, to the host if they are not.
  Status Fetch(uint32_t slot, OutputBatch* batch) const;
  // Its elements in row-major order, in the batch or gathered into `scratch`.
  const std::byte* InOrder(const OutputBatch& batch, uint32_t slot, size_t index, std::vector<std::byte>* scratch) const;
  // The inputs that the graph changes in place, after a call of each batch.
  void AddMutated(const OutputBatch& expected, uint32_t slot, const OutputBatch& actual, uint32_t actual_slot,
                  std::vector<ValuePair>* pairs) const;
  void AddOutput(size_t index, const std::string& what, const OutputBatch& expected, const ClaimedOutput& expected_output,
                 const OutputBatch& actual, const ClaimedOutput& actual_output, std::vector<ValuePair>* pairs) const;
  // Whether the output is there to be compared; why not is in the result.
  bool Usable(const ClaimedOutput& actual, size_t index, const std::string& what, OutputComparison* result) const;
  Result<int> ChangedThere(const Side& side, const std::vector<bool>& checked) const;
  // How many there are of a call.
  size_t MutatedInputs() const;

  const SlotLayout& layout_;
  std::vector<bool> mutated_;
  bool any_layout_;
  std::vector<Tolerances> of_inputs_, of_outputs_;
};

// Index of the first output of the batch that lies in the process's inputs region though the reference makes a fresh one,
// or -1. The kernel's own list of mappings decides, not what the process says.
Result<int> OutputInInputs(const Side& side, const OutputBatch& batch);

}  // namespace passnet::evaluator
