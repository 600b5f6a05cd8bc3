// Where the inputs of a call and the headers of its outputs lie in the shared memory.
// Threads: immutable values. Source of the layout's bytes: evaluator/worker/run_protocol.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/timing/fresh_inputs.h"
#include "passbench/task.h"

namespace passnet::evaluator {

// One output of the reference, as its probe told: trusted.
struct SlotOutput {
  std::string dtype;
  int scalar_type = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  int alias = -1;  // index of the input whose storage it shares
  uint64_t bytes = 0;
  int64_t elements = 0;
};

struct SlotInput {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  FreshTensor fresh;  // how each call gets new bytes
  uint64_t bytes = 0;
  size_t offset = 0;  // within a slot
};

struct SlotLayout {
  uint32_t slots = 1;
  std::vector<SlotInput> inputs;
  std::vector<SlotOutput> outputs;
  size_t in_stride = 0;
  size_t out_stride = 0;  // of the headers: the data stays in the process's own memory

  size_t InBytes() const { return in_stride * slots; }
  size_t OutBytes() const { return out_stride * slots; }
  // What one call reads and writes, in bytes: how much memory a slot keeps alive.
  size_t CallBytes() const;
  // What the process's heap should have had once before anything is timed, so that no block pays for page faults.
  size_t HeapBytes() const;
  SeatSizes Sizes() const;
  // What the worker's attach command says of the layout.
  Json AttachFields() const;
};

// Inputs at 64-byte borders.
SlotLayout MakeLayout(const std::vector<passbench::TensorMeta>& inputs, const std::vector<SlotOutput>& outputs,
                      uint32_t slots);

// Input bytes of one seed, in forward's order.
using InputSet = std::vector<std::vector<std::byte>>;
Result<InputSet> MakeInputSet(const passbench::Graph& graph, uint64_t seed);

// A call's inputs into its slot; `fixed`: the bytes of tensors that are never drawn. `inputs`: the layout's InBytes.
void DrawCall(const SlotLayout& layout, uint32_t slot, DrawKind kind, const InputSet& fixed, SecretStream& draws,
              std::span<std::byte> inputs);

// The same as steps of a device that draws by itself; what is copied comes from GivenOf(layout, fixed).
void PlanCall(const SlotLayout& layout, uint32_t slot, DrawKind kind, SecretStream& draws,
              std::vector<kernels::DrawStep>* steps);
// The steps that copy the set of GivenOf.
void PlanCopy(const SlotLayout& layout, uint32_t slot, std::vector<kernels::DrawStep>* steps);
// A set as one slot has it.
std::shared_ptr<const std::vector<std::byte>> GivenOf(const SlotLayout& layout, const InputSet& set);

// The bytes of a set into its slot.
void CopyCall(const SlotLayout& layout, uint32_t slot, const InputSet& set, std::span<std::byte> inputs);
// The inputs of all slots, with the set in the first one and zeros in the others.
std::vector<std::byte> FirstCall(const SlotLayout& layout, const InputSet& set);

// c10::ScalarType of a dtype's name, -1 for one that it does not know; and back, "" for a number it does not know.
int ScalarTypeOf(const std::string& dtype);
std::string DtypeOf(int scalar_type);

}  // namespace passnet::evaluator
