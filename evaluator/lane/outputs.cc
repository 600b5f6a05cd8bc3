#include "evaluator/lane/outputs.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "evaluator/compare/compare.h"
#include "evaluator/worker/run_protocol.h"
#include "passbench/tolerances.h"

namespace passnet::evaluator {
namespace {

std::string ShapeText(const int64_t* shape, int dims) {
  std::string text = "[";
  for (int d = 0; d < dims; ++d) text += (d > 0 ? ", " : "") + std::to_string(shape[d]);
  return text + "]";
}

// A copy: the bytes are the candidate's, and must not change between check and use.
PnOutputHeader ReadHeader(const Side& side, uint32_t slot, size_t index) {
  PnOutputHeader header;
  std::memcpy(&header, side.OutSlot(slot) + side.layout().output_offsets[index], sizeof header);
  return header;
}

uint32_t ReadCount(const Side& side, uint32_t slot) {
  PnSlotHeader header;
  std::memcpy(&header, side.OutSlot(slot), sizeof header);
  return header.outputs;
}

struct Tolerances {
  std::array<double, kLevels> rtol{}, atol{};
};

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
void CompareValues(const std::string& what, const std::string& dtype, int64_t elements,
                   std::span<const std::byte> expected, std::span<const std::byte> actual, OutputComparison* result) {
  Tolerances table = TolerancesOf(dtype);
  PnCompareInput input{expected.data(), actual.data(), ScalarTypeOf(dtype), kLevels, elements,
                       table.rtol.data(), table.atol.data()};
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

// Whether the header tells a tensor of the reference's type and shape; fills match and reason when not.
bool HeaderFits(const PnOutputHeader& header, const SlotOutput& expected, const std::string& what,
                OutputComparison* result) {
  if (header.kind != PN_OUTPUT_TENSOR && header.kind != PN_OUTPUT_TOO_LARGE) {
    result->match = OutputMatch::kNotATensor;
    result->reason = what + (header.kind == PN_OUTPUT_SUBCLASS ? " is not a plain strided CPU tensor"
                                                               : " is not a tensor");
    return false;
  }
  int dims = std::clamp(header.ndim, 0, PN_MAX_DIMS);
  if (header.scalar_type != expected.scalar_type) {
    std::string name = DtypeOf(header.scalar_type);
    result->match = OutputMatch::kTypeMismatch;
    result->reason = what + " has type " + (name.empty() ? "unknown" : name) + ", the reference has " + expected.dtype;
    return false;
  }
  bool same = header.kind == PN_OUTPUT_TENSOR && dims == static_cast<int>(expected.shape.size()) &&
              std::equal(expected.shape.begin(), expected.shape.end(), header.shape);
  if (!same) {
    result->match = OutputMatch::kShapeMismatch;
    result->reason = what + " has shape " + ShapeText(header.shape, dims) + ", the reference has " +
                     ShapeText(expected.shape.data(), static_cast<int>(expected.shape.size()));
  }
  return same;
}

}  // namespace

OutputComparison OutputComparer::Compare(Side& reference, Side& candidate, uint32_t slot) const {
  OutputComparison result;
  const SlotLayout& layout = reference.layout();
  for (size_t i = 0; i < layout.inputs.size(); ++i) {
    auto expected = reference.Input(slot, i), actual = candidate.Input(slot, i);
    if (mutated_[i]) {
      CompareValues("input " + layout.inputs[i].name + ", which the graph changes in place,", layout.inputs[i].dtype,
                    static_cast<int64_t>(layout.inputs[i].fresh.elements), expected, actual, &result);
    } else if (std::memcmp(expected.data(), actual.data(), expected.size()) != 0) {
      result.changed_input = true;
      if (result.reason.empty()) result.reason = "input " + layout.inputs[i].name + " was changed by the call";
    }
  }
  uint32_t count = ReadCount(candidate, slot);
  if (count != layout.outputs.size()) {
    result.match = OutputMatch::kShapeMismatch;
    result.reason = std::to_string(count) + " outputs, the reference has " + std::to_string(layout.outputs.size());
    return result;
  }
  for (size_t i = 0; i < layout.outputs.size(); ++i) {
    const SlotOutput& expected = layout.outputs[i];
    std::string what = "output " + std::to_string(i);
    if (!HeaderFits(ReadHeader(candidate, slot, i), expected, what, &result)) return result;
    CompareValues(what, expected.dtype, expected.elements, reference.OutputBytes(slot, i, expected.bytes),
                  candidate.OutputBytes(slot, i, expected.bytes), &result);
  }
  return result;
}

std::vector<SlotOutput> ClaimedLayout(const Side& candidate, uint32_t slot) {
  std::vector<SlotOutput> claimed = candidate.layout().outputs;
  for (size_t i = 0; i < claimed.size(); ++i) {
    PnOutputHeader header = ReadHeader(candidate, slot, i);
    int64_t extent = 1;
    for (size_t d = 0; d < claimed[i].shape.size(); ++d) {
      if (header.strides[d] < 0 || claimed[i].shape[d] == 0) return {};
      extent += (claimed[i].shape[d] - 1) * header.strides[d];
      // A claim that would need more than twice the memory of a dense tensor is not imitated.
      if (extent > 2 * claimed[i].elements + 4096) return {};
    }
    claimed[i].strides.assign(header.strides, header.strides + claimed[i].shape.size());
  }
  return claimed;
}

}  // namespace passnet::evaluator
