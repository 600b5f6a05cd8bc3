#include "evaluator/lane/slots.h"

#include <algorithm>
#include <span>

#include "evaluator/lane/output_headers.h"
#include "evaluator/worker/run_protocol.h"
#include "passbench/inputs.h"

namespace passnet::evaluator {
namespace {

struct DtypeNumber {
  const char* name;
  int number;
};
// c10/core/ScalarType.h; part of torch's serialisation format.
constexpr DtypeNumber kDtypes[] = {{"uint8", 0},   {"int8", 1},    {"int16", 2},   {"int32", 3}, {"int64", 4},
                                   {"float16", 5}, {"float32", 6}, {"float64", 7}, {"bool", 11}, {"bfloat16", 15}};

size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

// Of PassBench's own draw (docs/passbench.md, section 3).
constexpr double kSpread = 0.2;
constexpr double kDefaultStd = 0.1;
constexpr double kMaxMagnitude = 100;

FreshTensor FreshnessOf(const passbench::TensorMeta& meta) {
  FreshTensor fresh;
  fresh.dtype = std::string(passbench::DTypeName(meta.dtype));
  fresh.elements = static_cast<size_t>(meta.Elements());
  switch (passbench::KindOf(meta)) {
    case passbench::InputKind::kRangedInt:
      fresh.freshness = Freshness::kRangedInt;
      fresh.low = static_cast<int64_t>(passbench::AsDouble(*meta.min_val));
      fresh.high = static_cast<int64_t>(passbench::AsDouble(*meta.max_val));
      return fresh;
    case passbench::InputKind::kRandomBool: fresh.freshness = Freshness::kBool; return fresh;
    case passbench::InputKind::kRandomFloat: fresh.freshness = Freshness::kFloat; break;
    case passbench::InputKind::kFixed:
      if (meta.data || fresh.dtype.find("float") == std::string::npos) return fresh;
      fresh.freshness = Freshness::kConstant;
      break;
  }
  fresh.mean = meta.mean.value_or(0);
  fresh.spread = meta.std.value_or(kDefaultStd) * kSpread;
  fresh.least = meta.min_val ? passbench::AsDouble(*meta.min_val) : -kMaxMagnitude;
  fresh.most = meta.max_val ? passbench::AsDouble(*meta.max_val) : kMaxMagnitude;
  return fresh;
}

}  // namespace

int ScalarTypeOf(const std::string& dtype) {
  for (const DtypeNumber& entry : kDtypes) {
    if (dtype == entry.name) return entry.number;
  }
  return -1;
}

std::string DtypeOf(int scalar_type) {
  for (const DtypeNumber& entry : kDtypes) {
    if (scalar_type == entry.number) return entry.name;
  }
  return "";
}

SlotLayout MakeLayout(const std::vector<passbench::TensorMeta>& inputs, const std::vector<SlotOutput>& outputs,
                      uint32_t slots) {
  SlotLayout layout;
  layout.slots = slots;
  size_t at = 0;
  for (const passbench::TensorMeta& meta : inputs) {
    SlotInput input{meta.name, std::string(passbench::DTypeName(meta.dtype)), meta.shape, FreshnessOf(meta),
                    meta.Bytes(), at};
    at = RoundUp(at + std::max<size_t>(input.bytes, 1), 64);
    layout.inputs.push_back(std::move(input));
  }
  layout.in_stride = std::max<size_t>(at, 64);
  layout.outputs = outputs;
  layout.out_stride = RoundUp(sizeof(PnSlotHeader) + outputs.size() * sizeof(PnOutputHeader), 64);
  return layout;
}

size_t SlotLayout::CallBytes() const {
  size_t bytes = in_stride;
  for (const SlotOutput& output : outputs) bytes += output.bytes;
  return bytes;
}

size_t SlotLayout::HeapBytes() const {
  constexpr size_t kBlocks = 2, kIntermediates = 8;  // chosen: a block's results and their gaps; what a call holds at once
  constexpr size_t kMost = size_t{192} << 20;
  const size_t results = CallBytes() - in_stride;
  return std::min(kMost, results * (kBlocks * slots + kIntermediates));
}

SeatSizes SlotLayout::Sizes() const {
  // A block's results and the block's before, and what a call holds at once; allocators round up and leave gaps.
  constexpr size_t kBlocks = 2, kIntermediates = 8, kSlack = size_t{64} << 20;
  // What is kept begins where its alignment has it.
  size_t kept = in_stride + 2 * inputs.size() * kKeptAlignment;
  for (const SlotOutput& output : outputs) kept += RoundUp(MostBytes(output), kKeptAlignment) + kKeptAlignment;
  return {InBytes(), OutBytes(), (kBlocks * slots + kIntermediates) * CallBytes() + kSlack, kept * slots};
}

Json SlotLayout::AttachFields() const {
  Json places = Json::MakeArray();
  for (const SlotInput& input : inputs) {
    places.Push({{"dtype", input.dtype}, {"shape", input.shape}, {"offset", input.offset}});
  }
  return {{"slots", slots},           {"in_size", InBytes()}, {"out_size", OutBytes()},     {"in_stride", in_stride},
          {"out_stride", out_stride}, {"inputs", places},     {"outputs", outputs.size()},  {"heap", HeapBytes()}};
}

Result<InputSet> MakeInputSet(const passbench::Graph& graph, uint64_t seed) {
  InputSet set;
  std::vector<std::span<std::byte>> views;
  for (const passbench::TensorMeta& meta : graph.inputs) set.emplace_back(meta.Bytes());
  for (auto& bytes : set) views.emplace_back(bytes);
  RETURN_IF_ERROR(passbench::FillInputs(graph, seed, views));
  return set;
}

void DrawCall(const SlotLayout& layout, uint32_t slot, DrawKind kind, const InputSet& fixed, SecretStream& draws,
              std::span<std::byte> inputs) {
  for (size_t i = 0; i < layout.inputs.size(); ++i) {
    const SlotInput& input = layout.inputs[i];
    DrawInput(input.fresh, kind, fixed[i], draws, inputs.subspan(slot * layout.in_stride + input.offset, input.bytes));
  }
}

void PlanCall(const SlotLayout& layout, uint32_t slot, DrawKind kind, SecretStream& draws,
              std::vector<kernels::DrawStep>* steps) {
  for (const SlotInput& input : layout.inputs) {
    PlanInput(input.fresh, kind, input.bytes, slot * layout.in_stride + input.offset, input.offset, draws, steps);
  }
}

void PlanCopy(const SlotLayout& layout, uint32_t slot, std::vector<kernels::DrawStep>* steps) {
  for (const SlotInput& input : layout.inputs) {
    kernels::DrawStep step;
    step.kind = kernels::kCopy;
    step.elements = input.bytes;
    step.to = slot * layout.in_stride + input.offset;
    step.from = input.offset;
    steps->push_back(step);
  }
}

std::shared_ptr<const std::vector<std::byte>> GivenOf(const SlotLayout& layout, const InputSet& set) {
  SlotLayout one = layout;
  one.slots = 1;
  return std::make_shared<const std::vector<std::byte>>(FirstCall(one, set));
}

void CopyCall(const SlotLayout& layout, uint32_t slot, const InputSet& set, std::span<std::byte> inputs) {
  for (size_t i = 0; i < set.size(); ++i) {
    std::copy(set[i].begin(), set[i].end(), inputs.data() + slot * layout.in_stride + layout.inputs[i].offset);
  }
}

std::vector<std::byte> FirstCall(const SlotLayout& layout, const InputSet& set) {
  std::vector<std::byte> inputs(layout.InBytes());
  CopyCall(layout, 0, set, inputs);
  return inputs;
}

}  // namespace passnet::evaluator
