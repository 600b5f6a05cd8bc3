#include "evaluator/lane/output_headers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

std::string ListText(const int64_t* values, int count) {
  std::string text = "[";
  for (int d = 0; d < count; ++d) text += (d > 0 ? ", " : "") + std::to_string(values[d]);
  return text + "]";
}

// Elements from the first to the last one in memory; nullopt where that is no number.
std::optional<int64_t> Extent(const int64_t* shape, const int64_t* strides, size_t dims) {
  int64_t extent = 1;
  for (size_t d = 0; d < dims; ++d) {
    int64_t span = 0;
    if (shape[d] == 0) return 0;
    if (strides[d] < 0 || __builtin_mul_overflow(shape[d] - 1, strides[d], &span) ||
        __builtin_add_overflow(extent, span, &extent)) {
      return std::nullopt;
    }
  }
  return extent;
}

std::array<int64_t, PN_MAX_DIMS> RowMajorStrides(const std::vector<int64_t>& shape) {
  std::array<int64_t, PN_MAX_DIMS> strides{};
  int64_t step = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

}  // namespace

bool SameStrides(const int64_t* one, const int64_t* other, const std::vector<int64_t>& shape) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] > 1 && one[d] != other[d]) return false;
  }
  return true;
}

bool IsDense(const int64_t* strides, const std::vector<int64_t>& shape) {
  std::vector<std::pair<int64_t, int64_t>> dims;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return true;
    if (shape[d] > 1) dims.emplace_back(strides[d], shape[d]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t step = 1;
  for (const auto& [stride, size] : dims) {
    if (stride != step) return false;
    step *= size;
  }
  return true;
}

const std::byte* RowMajor(const std::byte* storage, const int64_t* strides, const std::vector<int64_t>& shape,
                          size_t width, int64_t elements, std::vector<std::byte>* scratch) {
  if (elements == 0 || SameStrides(strides, RowMajorStrides(shape).data(), shape)) return storage;
  scratch->resize(static_cast<size_t>(elements) * width);
  std::vector<int64_t> at(shape.size(), 0);
  std::byte* out = scratch->data();
  int64_t from = 0;
  for (int64_t i = 0; i < elements; ++i, out += width) {
    std::memcpy(out, storage + static_cast<size_t>(from) * width, width);
    for (size_t d = shape.size(); d-- > 0;) {
      if (shape[d] == 1) continue;  // its stride is never used, and may be any number
      from += strides[d];
      if (++at[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
  return scratch->data();
}

size_t WidthOf(const SlotOutput& output) {
  return output.elements > 0 ? output.bytes / static_cast<uint64_t>(output.elements) : 1;
}

uint64_t MostBytes(const SlotOutput& expected) {
  auto own = Extent(expected.shape.data(), expected.strides.data(), expected.shape.size()).value_or(0);
  return std::max<uint64_t>(static_cast<uint64_t>(own) * WidthOf(expected), 2 * expected.bytes + 4096);
}

bool Fits(const ClaimedOutput& output, const SlotOutput& expected, bool any_layout, const std::string& what,
          OutputComparison* result) {
  const PnOutputHeader& header = output.header;
  if (header.kind != PN_OUTPUT_TENSOR) {
    result->match = OutputMatch::kNotATensor;
    result->reason = what + (header.kind == PN_OUTPUT_ODD ? " is not a plain strided tensor of the device" : " is not a tensor");
    return false;
  }
  const int dims = std::clamp(header.ndim, 0, PN_MAX_DIMS);
  if (header.scalar_type != expected.scalar_type) {
    std::string name = DtypeOf(header.scalar_type);
    result->match = OutputMatch::kTypeMismatch;
    result->reason = what + " has type " + (name.empty() ? "unknown" : name) + ", the reference has " + expected.dtype;
    return false;
  }
  if (dims != static_cast<int>(expected.shape.size()) || header.ndim != dims ||
      !std::equal(expected.shape.begin(), expected.shape.end(), header.shape)) {
    result->match = OutputMatch::kShapeMismatch;
    result->reason = what + " has shape " + ListText(header.shape, dims) + ", the reference has " +
                     ListText(expected.shape.data(), static_cast<int>(expected.shape.size()));
    return false;
  }
  const auto extent = Extent(header.shape, header.strides, expected.shape.size());
  const bool same = any_layout || SameStrides(header.strides, expected.strides.data(), expected.shape);
  const bool bounded = extent && static_cast<uint64_t>(*extent) <= MostBytes(expected) / WidthOf(expected);
  if (!bounded || (!same && !IsDense(header.strides, expected.shape))) {
    result->match = OutputMatch::kLayoutMismatch;
    result->reason = what + " has strides " + ListText(header.strides, dims) + ", the reference has " +
                     ListText(expected.strides.data(), static_cast<int>(expected.strides.size())) +
                     ": return a tensor whose elements all have memory of their own";
    return false;
  }
  return true;
}

size_t ReadHeaders(const SlotLayout& layout, bool any_layout, std::span<const std::byte> region,
                   const std::vector<bool>& checked, OutputBatch* batch) {
  const auto calls = static_cast<uint32_t>(checked.size());
  CHECK(region.size() >= calls * layout.out_stride);
  const size_t width = layout.outputs.size();
  batch->counts.resize(calls);
  batch->outputs.assign(calls * width, {});
  size_t total = 0;
  for (uint32_t slot = 0; slot < calls; ++slot) {
    const std::byte* from = region.data() + slot * layout.out_stride;
    PnSlotHeader header;
    std::memcpy(&header, from, sizeof header);
    batch->counts[slot] = header.outputs;
    for (size_t i = 0; i < width && i < header.outputs; ++i) {
      ClaimedOutput& output = batch->outputs[slot * width + i];
      std::memcpy(&output.header, from + sizeof(PnSlotHeader) + i * sizeof(PnOutputHeader), sizeof output.header);
      OutputComparison unused;
      if (!Fits(output, layout.outputs[i], any_layout, "", &unused)) continue;
      const auto extent = Extent(output.header.shape, output.header.strides, layout.outputs[i].shape.size());
      output.extent = static_cast<uint64_t>(*extent) * WidthOf(layout.outputs[i]);
      if (!checked[slot]) continue;
      output.offset = total;
      total += (output.extent + 63) / 64 * 64;
    }
  }
  return total;
}

}  // namespace passnet::evaluator
