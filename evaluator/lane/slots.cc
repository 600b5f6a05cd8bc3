#include "evaluator/lane/slots.h"

#include <algorithm>
#include <span>

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

constexpr size_t kSlack = 4096;  // chosen: an output up to a page too large is copied and told apart by its shape

FreshTensor FreshnessOf(const passbench::TensorMeta& meta) {
  FreshTensor fresh;
  fresh.dtype = std::string(passbench::DTypeName(meta.dtype));
  fresh.elements = static_cast<size_t>(meta.Elements());
  passbench::InputKind kind = passbench::KindOf(meta);
  bool is_float = fresh.dtype.find("float") != std::string::npos;
  if (kind == passbench::InputKind::kRangedInt) {
    fresh.freshness = Freshness::kRangedInt;
    fresh.low = static_cast<int64_t>(passbench::AsDouble(*meta.min_val));
    fresh.high = static_cast<int64_t>(passbench::AsDouble(*meta.max_val));
  } else if (is_float && !meta.data) {
    // Constants (std 0) get fresh bits too: a pass must not rely on a weight of ones being ones.
    fresh.freshness = Freshness::kFloatBits;
  }
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
                      uint32_t slots, uint32_t lead) {
  SlotLayout layout;
  layout.slots = slots;
  layout.lead = lead;
  size_t at = 0;
  for (const passbench::TensorMeta& meta : inputs) {
    SlotInput input{meta.name, std::string(passbench::DTypeName(meta.dtype)), meta.shape, FreshnessOf(meta),
                    meta.Bytes(), at};
    at = RoundUp(at + std::max<size_t>(input.bytes, 1), 64);
    layout.inputs.push_back(std::move(input));
  }
  layout.in_stride = RoundUp(std::max<size_t>(at, 64), 4096);
  at = sizeof(PnSlotHeader);
  for (const SlotOutput& output : outputs) {
    layout.output_offsets.push_back(at);
    layout.output_capacities.push_back(output.bytes + kSlack);
    at = RoundUp(at + sizeof(PnOutputHeader) + output.bytes + kSlack, 64);
  }
  layout.outputs = outputs;
  layout.out_stride = RoundUp(at, 4096);
  return layout;
}

Json SlotLayout::AttachFields() const {
  Json places_in = Json::MakeArray(), places_out = Json::MakeArray();
  for (const SlotInput& input : inputs) {
    places_in.Push({{"dtype", input.dtype}, {"shape", input.shape}, {"offset", input.offset}});
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    places_out.Push({{"offset", output_offsets[i]}, {"capacity", output_capacities[i]}});
  }
  return {{"slots", slots},           {"in_size", InBytes()},     {"out_size", OutBytes()}, {"in_stride", in_stride},
          {"out_stride", out_stride}, {"inputs", places_in}, {"outputs", places_out}};
}

Result<InputSet> MakeInputSet(const passbench::Graph& graph, uint64_t seed) {
  InputSet set;
  std::vector<std::span<std::byte>> views;
  for (const passbench::TensorMeta& meta : graph.inputs) set.emplace_back(meta.Bytes());
  for (auto& bytes : set) views.emplace_back(bytes);
  RETURN_IF_ERROR(passbench::FillInputs(graph, seed, views));
  return set;
}

}  // namespace passnet::evaluator
