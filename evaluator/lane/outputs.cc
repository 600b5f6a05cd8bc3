#include "evaluator/lane/outputs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "evaluator/compare/compare.h"
#include "passbench/tolerances.h"

namespace passnet::evaluator {
namespace {


Tolerances TolerancesOf(const std::string& dtype) {
  Tolerances table;
  for (int i = 0; i < kLevels; ++i) {
    if (auto tolerance = passbench::ToleranceAt(dtype, kTightestT + i)) {
      table.rtol[static_cast<size_t>(i)] = tolerance->rtol;
      table.atol[static_cast<size_t>(i)] = tolerance->atol;
    }
  }
  return table;
}

// Folds one comparison of `elements` values into `result`.
void CompareValues(const std::string& what, const std::string& dtype, const Tolerances& table, int64_t elements,
                   const std::byte* expected, const std::byte* actual, OutputComparison* result) {
  PnCompareInput input{expected, actual, ScalarTypeOf(dtype), kLevels, elements, table.rtol.data(), table.atol.data()};
  PnCompareOutput output{};
  if (pn_compare(&input, &output) != 0) {
    result->match = OutputMatch::kTypeMismatch;
    result->reason = what + ": values of type " + dtype + " cannot be compared";
    return;
  }
  result->max_abs_diff = std::max(result->max_abs_diff, output.max_abs_diff);
  result->nonfinite_mismatch |= output.nonfinite_mismatch != 0;
  if (output.tightest > kStandardLevel && result->reason.empty()) {
    char text[160];
    std::snprintf(text, sizeof text, "%s differs: max_abs_diff=%.3g%s", what.c_str(), output.max_abs_diff,
                  output.nonfinite_mismatch ? ", NaN or infinity where the reference has none or the other way round" : "");
    result->reason = text;
  }
  result->tightest = std::max(result->tightest, static_cast<int>(output.tightest));
}

// "[3, 17]"
std::string IndexText(int64_t flat, const std::vector<int64_t>& shape) {
  std::string text;
  for (size_t i = shape.size(); i-- > 0;) {
    text = std::to_string(flat % shape[i]) + (text.empty() ? "" : ", ") + text;
    flat /= shape[i];
  }
  return "[" + text + "]";
}

std::string ValueText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

// Adds what is wrong, if anything is.
void TellMismatches(const std::string& what, const std::string& dtype, const std::vector<int64_t>& shape,
                    const PnCompareInput& values, std::vector<OutputMismatch>* told) {
  constexpr size_t kMostOutputs = 4;  // chosen: a report keeps to a few lines a graph
  PnMismatches found{};
  if (told->size() == kMostOutputs || pn_mismatches(&values, kStandardLevel, &found) != 0 || found.count == 0) return;
  OutputMismatch mismatch{what + " (" + dtype + ")", values.count, found.count, {}};
  for (int32_t i = 0; i < found.told; ++i) {
    const PnMismatch& one = found.first[i];
    mismatch.told.push_back({IndexText(one.index, shape), ValueText(one.expected), ValueText(one.actual)});
  }
  told->push_back(std::move(mismatch));
}

// An exponent of all ones is an infinity or NaN.
template <typename Bits>
bool FiniteBits(const std::byte* bytes, uint64_t size, Bits exponent) {
  for (uint64_t at = 0; at + sizeof(Bits) <= size; at += sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, bytes + at, sizeof value);
    if ((value & exponent) == exponent) return false;
  }
  return true;
}

}  // namespace

OutputComparer::OutputComparer(const SlotLayout& layout, std::vector<bool> mutated, bool any_layout)
    : layout_(layout), mutated_(std::move(mutated)), any_layout_(any_layout) {
  for (const SlotInput& input : layout.inputs) of_inputs_.push_back(TolerancesOf(input.dtype));
  for (const SlotOutput& output : layout.outputs) of_outputs_.push_back(TolerancesOf(output.dtype));
}

Status OutputComparer::Read(const Side& side, const std::vector<bool>& checked, OutputBatch* batch) const {
  const size_t width = layout_.outputs.size();
  const auto calls = static_cast<uint32_t>(checked.size());
  const size_t total = ReadHeaders(layout_, any_layout_, side.memory().Headers(), checked, batch);
  batch->mutated.clear();
  for (uint32_t slot = 0; slot < calls; ++slot) {
    for (size_t i = 0; i < mutated_.size(); ++i) {
      if (!mutated_[i]) continue;
      std::span<const std::byte> bytes;
      if (checked[slot]) {
        ASSIGN_OR_RETURN(bytes, side.Input(slot, i));
      }
      batch->mutated.emplace_back(bytes.begin(), bytes.end());
    }
  }
  if (batch->bytes.size() < total) batch->bytes.resize(total);
  std::vector<OutputPart> parts;
  std::vector<ClaimedOutput*> order;
  for (size_t at = 0; at < batch->outputs.size(); ++at) {
    ClaimedOutput& output = batch->outputs[at];
    output.read = output.header.kind == PN_OUTPUT_TENSOR && output.extent == 0;
    if (output.extent == 0 || !checked[at / width]) continue;
    parts.push_back({output.header.data, output.extent, batch->bytes.data() + output.offset});
    order.push_back(&output);
  }
  RETURN_IF_ERROR(side.memory().Read(side.process().pid(), parts));
  for (size_t i = 0; i < order.size(); ++i) order[i]->read = parts[i].read;
  return OkStatus();
}

FindOutputs OutputComparer::Finder(std::vector<bool> checked) const {
  return [this, checked = std::move(checked)](std::span<const std::byte> headers) {
    OutputBatch batch;
    ReadHeaders(layout_, any_layout_, headers, checked, &batch);
    KeptRanges kept;
    for (size_t at = 0; at < batch.outputs.size(); ++at) {
      const ClaimedOutput& output = batch.outputs[at];
      if (output.extent == 0 || !checked[at / layout_.outputs.size()]) continue;
      if (output.header.data > UINT64_MAX - output.extent) continue;
      kept.outputs.push_back({output.header.data, output.header.data + output.extent});
    }
    for (uint32_t slot = 0; slot < checked.size(); ++slot) {
      for (size_t i = 0; checked[slot] && i < mutated_.size(); ++i) {
        const uint64_t begin = slot * layout_.in_stride + layout_.inputs[i].offset;
        if (mutated_[i]) kept.inputs.push_back({begin, begin + layout_.inputs[i].bytes});
      }
    }
    return kept;
  };
}

void OutputComparer::CompareMutated(const OutputBatch& expected, uint32_t slot, const OutputBatch& actual,
                                    uint32_t actual_slot, OutputComparison* result) const {
  const auto each = static_cast<size_t>(std::count(mutated_.begin(), mutated_.end(), true));
  for (size_t i = 0, k = 0; i < mutated_.size(); ++i) {
    if (!mutated_[i]) continue;
    const SlotInput& input = layout_.inputs[i];
    CompareValues("input " + input.name + ", which the graph changes in place,", input.dtype, of_inputs_[i],
                  static_cast<int64_t>(input.fresh.elements), expected.mutated[slot * each + k].data(),
                  actual.mutated[actual_slot * each + k].data(), result);
    ++k;
  }
}

const std::byte* OutputComparer::InOrder(const OutputBatch& batch, uint32_t slot, size_t index,
                                         std::vector<std::byte>* scratch) const {
  const SlotOutput& spec = layout_.outputs[index];
  const ClaimedOutput& output = OutputOf(batch, slot, index);
  return RowMajor(batch.bytes.data() + output.offset, output.header.strides, spec.shape, WidthOf(spec), spec.elements,
                  scratch);
}

OutputComparison OutputComparer::Compare(const OutputBatch& reference, const OutputBatch& contender,
                                         uint32_t slot) const {
  OutputComparison result;
  CompareMutated(reference, slot, contender, slot, &result);
  if (contender.counts[slot] != layout_.outputs.size()) {
    result.match = OutputMatch::kShapeMismatch;
    result.reason = std::to_string(contender.counts[slot]) + " outputs, the reference has " +
                    std::to_string(layout_.outputs.size());
    return result;
  }
  std::vector<std::byte> gathered_expected, gathered_actual;
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const SlotOutput& spec = layout_.outputs[i];
    const ClaimedOutput& expected = OutputOf(reference, slot, i);
    const ClaimedOutput& actual = OutputOf(contender, slot, i);
    const std::string what = "output " + std::to_string(i);
    if (!Fits(actual, spec, any_layout_, what, &result)) return result;
    if (!actual.read) {
      result.match = OutputMatch::kNotATensor;
      result.reason = what + " lies in memory that cannot be read";
      return result;
    }
    const std::byte* e = reference.bytes.data() + expected.offset;
    const std::byte* a = contender.bytes.data() + actual.offset;
    const bool in_step = SameStrides(expected.header.strides, actual.header.strides, spec.shape) &&
                         IsDense(actual.header.strides, spec.shape);
    if (!in_step) {
      e = RowMajor(e, expected.header.strides, spec.shape, WidthOf(spec), spec.elements, &gathered_expected);
      a = RowMajor(a, actual.header.strides, spec.shape, WidthOf(spec), spec.elements, &gathered_actual);
    }
    CompareValues(what, spec.dtype, of_outputs_[i], spec.elements, e, a, &result);
  }
  return result;
}

std::vector<OutputMismatch> OutputComparer::Mismatches(const OutputBatch& reference, const OutputBatch& contender,
                                                       uint32_t slot, const OutputComparison& comparison) const {
  std::vector<OutputMismatch> told;
  if (comparison.match != OutputMatch::kCompared || comparison.tightest <= kStandardLevel) return told;
  std::vector<std::byte> gathered_expected, gathered_actual;
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const SlotOutput& spec = layout_.outputs[i];
    const Tolerances& table = of_outputs_[i];
    TellMismatches("output " + std::to_string(i), spec.dtype, spec.shape,
                   {InOrder(reference, slot, i, &gathered_expected), InOrder(contender, slot, i, &gathered_actual),
                    spec.scalar_type, kLevels, spec.elements, table.rtol.data(), table.atol.data()},
                   &told);
  }
  const auto each = static_cast<size_t>(std::count(mutated_.begin(), mutated_.end(), true));
  for (size_t i = 0, k = 0; i < mutated_.size(); ++i) {
    if (!mutated_[i]) continue;
    const SlotInput& input = layout_.inputs[i];
    const size_t at = slot * each + k++;
    TellMismatches("input " + input.name + " afterwards", input.dtype, input.shape,
                   {reference.mutated[at].data(), contender.mutated[at].data(), ScalarTypeOf(input.dtype), kLevels,
                    static_cast<int64_t>(input.fresh.elements), of_inputs_[i].rtol.data(), of_inputs_[i].atol.data()},
                   &told);
  }
  return told;
}

bool OutputComparer::Interchangeable(const OutputBatch& one, uint32_t slot, const OutputBatch& other,
                                     uint32_t other_slot) const {
  OutputComparison result;
  CompareMutated(one, slot, other, other_slot, &result);
  std::vector<std::byte> first, second;
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const SlotOutput& spec = layout_.outputs[i];
    if (!OutputOf(one, slot, i).read || !OutputOf(other, other_slot, i).read) return false;
    CompareValues("", spec.dtype, of_outputs_[i], spec.elements, InOrder(one, slot, i, &first),
                  InOrder(other, other_slot, i, &second), &result);
  }
  return result.match == OutputMatch::kCompared && result.tightest <= kStandardLevel;
}

bool OutputComparer::AllFinite(const OutputBatch& reference, uint32_t slot) const {
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const ClaimedOutput& output = OutputOf(reference, slot, i);
    const std::byte* bytes = reference.bytes.data() + output.offset;
    const std::string& dtype = layout_.outputs[i].dtype;
    if (dtype == "float32" && !FiniteBits<uint32_t>(bytes, output.extent, 0x7f800000u)) return false;
    if (dtype == "float64" && !FiniteBits<uint64_t>(bytes, output.extent, 0x7ff0000000000000u)) return false;
    if (dtype == "float16" && !FiniteBits<uint16_t>(bytes, output.extent, 0x7c00u)) return false;
    if (dtype == "bfloat16" && !FiniteBits<uint16_t>(bytes, output.extent, 0x7f80u)) return false;
  }
  return true;
}

Result<int> OutputComparer::ChangedInput(const Side& side, std::span<const std::byte> inputs,
                                 const std::vector<bool>& checked) const {
  for (uint32_t slot = 0; slot < checked.size(); ++slot) {
    if (!checked[slot]) continue;
    for (size_t i = 0; i < layout_.inputs.size(); ++i) {
      if (mutated_[i]) continue;
      ASSIGN_OR_RETURN(const std::span<const std::byte> now, side.Input(slot, i));
      const std::byte* then = inputs.data() + slot * layout_.in_stride + layout_.inputs[i].offset;
      if (std::memcmp(now.data(), then, now.size()) != 0) return static_cast<int>(i);
    }
  }
  return -1;
}

bool OutputComparer::SharesMemory(const OutputBatch& batch) const {
  std::vector<std::pair<uint64_t, uint64_t>> places;
  const size_t width = layout_.outputs.size();
  for (size_t at = 0; at < batch.outputs.size(); ++at) {
    const ClaimedOutput& output = batch.outputs[at];
    if (layout_.outputs[at % width].alias >= 0 || output.extent == 0) continue;
    places.emplace_back(output.header.data, output.header.data + output.extent);
  }
  std::sort(places.begin(), places.end());
  for (size_t i = 1; i < places.size(); ++i) {
    if (places[i].first < places[i - 1].second) return true;
  }
  return false;
}

Result<int> OutputInInputs(const Side& side, const OutputBatch& batch) {
  ASSIGN_OR_RETURN(const std::vector<MemoryRange> regions, side.memory().InputsIn(side.process().pid()));
  const std::vector<SlotOutput>& expected = side.layout().outputs;
  for (size_t at = 0; at < batch.outputs.size(); ++at) {
    if (expected[at % expected.size()].alias >= 0) continue;
    const uint64_t data = batch.outputs[at].header.data, last = data + std::max<uint64_t>(batch.outputs[at].extent, 1);
    for (const auto& [begin, end] : regions) {
      if (batch.outputs[at].extent > 0 && data < end && last > begin) return static_cast<int>(at % expected.size());
    }
  }
  return -1;
}

}  // namespace passnet::evaluator
