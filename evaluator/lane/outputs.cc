#include "evaluator/lane/outputs.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "evaluator/compare/compare.h"

namespace passnet::evaluator {
namespace {

// Folds what was seen of one pair into `result`.
void NoteValues(const ValuePair& pair, const ValuesSeen& seen, OutputComparison* result) {
  if (!seen.known) {
    result->match = OutputMatch::kTypeMismatch;
    result->reason = pair.what + ": values of type " + pair.dtype + " cannot be compared";
    return;
  }
  result->max_abs_diff = std::max(result->max_abs_diff, seen.max_abs_diff);
  result->nonfinite_mismatch |= seen.nonfinite_mismatch;
  if (seen.tightest > kStandardLevel && result->reason.empty()) {
    char text[160];
    std::snprintf(text, sizeof text, "%s differs: max_abs_diff=%.3g%s", pair.what.c_str(), seen.max_abs_diff,
                  seen.nonfinite_mismatch ? ", NaN or infinity where the reference has none or the other way round" : "");
    result->reason = text;
  }
  result->tightest = std::max(result->tightest, seen.tightest);
}

Result<OutputComparison> CompareAll(const OutputBatch& expected, const OutputBatch& actual,
                                    const std::vector<ValuePair>& pairs) {
  std::vector<ValuesSeen> seen;
  if (expected.kept && actual.kept) {
    ASSIGN_OR_RETURN(seen, CompareThere(*expected.kept, *actual.kept, pairs));
  } else {
    seen = CompareHere(pairs);
  }
  OutputComparison result;
  for (size_t i = 0; i < pairs.size(); ++i) NoteValues(pairs[i], seen[i], &result);
  return result;
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
  if (side.memory().WorksThere()) return KeepThere(side, checked, batch);
  batch->kept = nullptr;
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

Status OutputComparer::KeepThere(const Side& side, const std::vector<bool>& checked, OutputBatch* batch) const {
  std::shared_ptr<KeptRun> used = std::move(batch->kept);
  if (used.use_count() > 1) used = nullptr;  // a copy of the batch still looks at it
  ASSIGN_OR_RETURN(batch->kept, side.memory().KeepRun(std::move(used)));
  const size_t width = layout_.outputs.size();
  for (size_t at = 0; at < batch->outputs.size(); ++at) {
    ClaimedOutput& output = batch->outputs[at];
    output.read = output.header.kind == PN_OUTPUT_TENSOR && output.extent == 0;
    if (output.extent == 0 || !checked[at / width]) continue;
    // A device that reads a number from between two places faults, and the fault would be ours.
    const bool aligned = output.header.data % WidthOf(layout_.outputs[at % width]) == 0;
    output.read = aligned && batch->kept->Has(output.header.data, output.extent);
  }
  batch->mutated.assign(checked.size() * MutatedInputs(), {});
  for (uint32_t slot = 0; slot < checked.size(); ++slot) {
    for (size_t i = 0; checked[slot] && i < mutated_.size(); ++i) {
      const SlotInput& input = layout_.inputs[i];
      const uint64_t address = batch->kept->InputAddress(slot * layout_.in_stride + input.offset);
      const bool wanted = mutated_[i] && input.bytes > 0;
      if (wanted && !batch->kept->Has(address, input.bytes)) return Internal("input " + input.name + " was not kept");
    }
  }
  return OkStatus();
}

Status OutputComparer::Fetch(uint32_t slot, OutputBatch* batch) const {
  if (!batch->kept) return OkStatus();
  const size_t width = layout_.outputs.size();
  for (size_t i = 0; i < width; ++i) {
    const ClaimedOutput& output = OutputOf(*batch, slot, i);
    if (!output.read || output.extent == 0) continue;
    batch->bytes.resize(std::max<size_t>(batch->bytes.size(), output.offset + output.extent));
    RETURN_IF_ERROR(batch->kept->Read(output.header.data, {batch->bytes.data() + output.offset, output.extent}));
  }
  for (size_t i = 0, k = 0; i < mutated_.size(); ++i) {
    if (!mutated_[i]) continue;
    const SlotInput& input = layout_.inputs[i];
    std::vector<std::byte>& bytes = batch->mutated[slot * MutatedInputs() + k++];
    bytes.resize(input.bytes);
    RETURN_IF_ERROR(batch->kept->Read(batch->kept->InputAddress(slot * layout_.in_stride + input.offset), bytes));
  }
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

size_t OutputComparer::MutatedInputs() const {
  return static_cast<size_t>(std::count(mutated_.begin(), mutated_.end(), true));
}

void OutputComparer::AddMutated(const OutputBatch& expected, uint32_t slot, const OutputBatch& actual,
                                uint32_t actual_slot, std::vector<ValuePair>* pairs) const {
  const size_t each = MutatedInputs();
  for (size_t i = 0, k = 0; i < mutated_.size(); ++i) {
    if (!mutated_[i]) continue;
    const SlotInput& input = layout_.inputs[i];
    const auto place = [&](const OutputBatch& batch, uint32_t of) {
      if (!batch.kept) return ValuePlace{batch.mutated[of * each + k].data(), 0, nullptr};
      return ValuePlace{nullptr, batch.kept->InputAddress(of * layout_.in_stride + input.offset), nullptr};
    };
    const auto elements = static_cast<int64_t>(input.fresh.elements);
    pairs->push_back({"input " + input.name + ", which the graph changes in place,", input.dtype, of_inputs_[i], input.shape,
                      elements, elements > 0 ? input.bytes / input.fresh.elements : 1, place(expected, slot),
                      place(actual, actual_slot)});
    ++k;
  }
}

void OutputComparer::AddOutput(size_t index, const std::string& what, const OutputBatch& expected,
                               const ClaimedOutput& expected_output, const OutputBatch& actual,
                               const ClaimedOutput& actual_output, std::vector<ValuePair>* pairs) const {
  const auto place = [](const OutputBatch& batch, const ClaimedOutput& output) {
    const std::byte* bytes = batch.kept ? nullptr : batch.bytes.data() + output.offset;
    return ValuePlace{bytes, output.header.data, output.header.strides};
  };
  const SlotOutput& spec = layout_.outputs[index];
  pairs->push_back({what, spec.dtype, of_outputs_[index], spec.shape, spec.elements, WidthOf(spec),
                    place(expected, expected_output), place(actual, actual_output)});
}

bool OutputComparer::Usable(const ClaimedOutput& actual, size_t index, const std::string& what,
                            OutputComparison* result) const {
  if (!Fits(actual, layout_.outputs[index], any_layout_, what, result)) return false;
  if (actual.read) return true;
  result->match = OutputMatch::kNotATensor;
  result->reason = what + " lies in memory that cannot be read";
  return false;
}

const std::byte* OutputComparer::InOrder(const OutputBatch& batch, uint32_t slot, size_t index,
                                         std::vector<std::byte>* scratch) const {
  const SlotOutput& spec = layout_.outputs[index];
  const ClaimedOutput& output = OutputOf(batch, slot, index);
  return RowMajor(batch.bytes.data() + output.offset, output.header.strides, spec.shape, WidthOf(spec), spec.elements,
                  scratch);
}

Result<OutputComparison> OutputComparer::Compare(const OutputBatch& reference, const OutputBatch& contender,
                                                 uint32_t slot) const {
  std::vector<ValuePair> pairs;
  AddMutated(reference, slot, contender, slot, &pairs);
  OutputComparison misfit;  // says why the outputs from some one on are not compared
  if (contender.counts[slot] != layout_.outputs.size()) {
    misfit.match = OutputMatch::kShapeMismatch;
    misfit.reason = std::to_string(contender.counts[slot]) + " outputs, the reference has " +
                    std::to_string(layout_.outputs.size());
  }
  for (size_t i = 0; misfit.match == OutputMatch::kCompared && i < layout_.outputs.size(); ++i) {
    const ClaimedOutput& actual = OutputOf(contender, slot, i);
    const std::string what = "output " + std::to_string(i);
    if (Usable(actual, i, what, &misfit)) AddOutput(i, what, reference, OutputOf(reference, slot, i), contender, actual, &pairs);
  }
  ASSIGN_OR_RETURN(OutputComparison result, CompareAll(reference, contender, pairs));
  if (misfit.match == OutputMatch::kCompared) return result;
  result.match = misfit.match;
  result.reason = misfit.reason;
  return result;
}

Result<std::vector<OutputMismatch>> OutputComparer::Mismatches(OutputBatch* reference, OutputBatch* contender,
                                                               uint32_t slot, const OutputComparison& comparison) const {
  std::vector<OutputMismatch> told;
  if (comparison.match != OutputMatch::kCompared || comparison.tightest <= kStandardLevel) return told;
  RETURN_IF_ERROR(Fetch(slot, reference));
  RETURN_IF_ERROR(Fetch(slot, contender));
  std::vector<std::byte> gathered_expected, gathered_actual;
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const SlotOutput& spec = layout_.outputs[i];
    const Tolerances& table = of_outputs_[i];
    TellMismatches("output " + std::to_string(i), spec.dtype, spec.shape,
                   {InOrder(*reference, slot, i, &gathered_expected), InOrder(*contender, slot, i, &gathered_actual),
                    spec.scalar_type, kLevels, spec.elements, table.rtol.data(), table.atol.data()},
                   &told);
  }
  for (size_t i = 0, k = 0; i < mutated_.size(); ++i) {
    if (!mutated_[i]) continue;
    const SlotInput& input = layout_.inputs[i];
    const size_t at = slot * MutatedInputs() + k++;
    TellMismatches("input " + input.name + " afterwards", input.dtype, input.shape,
                   {reference->mutated[at].data(), contender->mutated[at].data(), ScalarTypeOf(input.dtype), kLevels,
                    static_cast<int64_t>(input.fresh.elements), of_inputs_[i].rtol.data(), of_inputs_[i].atol.data()},
                   &told);
  }
  return told;
}

Result<bool> OutputComparer::Interchangeable(const OutputBatch& one, uint32_t slot, const OutputBatch& other,
                                             uint32_t other_slot) const {
  std::vector<ValuePair> pairs;
  AddMutated(one, slot, other, other_slot, &pairs);
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const ClaimedOutput& first = OutputOf(one, slot, i);
    const ClaimedOutput& second = OutputOf(other, other_slot, i);
    if (!first.read || !second.read) return false;
    AddOutput(i, "", one, first, other, second, &pairs);
  }
  ASSIGN_OR_RETURN(const OutputComparison result, CompareAll(one, other, pairs));
  return result.match == OutputMatch::kCompared && result.tightest <= kStandardLevel;
}

Result<bool> OutputComparer::AllFinite(OutputBatch* reference, uint32_t slot) const {
  RETURN_IF_ERROR(Fetch(slot, reference));
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    const ClaimedOutput& output = OutputOf(*reference, slot, i);
    const std::byte* bytes = reference->bytes.data() + output.offset;
    const std::string& dtype = layout_.outputs[i].dtype;
    if (dtype == "float32" && !FiniteBits<uint32_t>(bytes, output.extent, 0x7f800000u)) return false;
    if (dtype == "float64" && !FiniteBits<uint64_t>(bytes, output.extent, 0x7ff0000000000000u)) return false;
    if (dtype == "float16" && !FiniteBits<uint16_t>(bytes, output.extent, 0x7c00u)) return false;
    if (dtype == "bfloat16" && !FiniteBits<uint16_t>(bytes, output.extent, 0x7f80u)) return false;
  }
  return true;
}

Result<int> OutputComparer::ChangedThere(const Side& side, const std::vector<bool>& checked) const {
  std::vector<MemoryRange> ranges;
  std::vector<size_t> inputs;
  for (uint32_t slot = 0; slot < checked.size(); ++slot) {
    for (size_t i = 0; checked[slot] && i < layout_.inputs.size(); ++i) {
      if (mutated_[i]) continue;
      const uint64_t begin = slot * layout_.in_stride + layout_.inputs[i].offset;
      ranges.push_back({begin, begin + layout_.inputs[i].bytes});
      inputs.push_back(i);
    }
  }
  ASSIGN_OR_RETURN(const std::vector<bool> changed, side.memory().Changed(ranges));
  const auto first = std::find(changed.begin(), changed.end(), true);
  return first == changed.end() ? -1 : static_cast<int>(inputs[static_cast<size_t>(first - changed.begin())]);
}

Result<int> OutputComparer::ChangedInput(const Side& side, std::span<const std::byte> inputs,
                                 const std::vector<bool>& checked) const {
  if (side.memory().WorksThere()) return ChangedThere(side, checked);
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
