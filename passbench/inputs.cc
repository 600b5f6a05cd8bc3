#include "passbench/inputs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "passbench/float_formats.h"
#include "passbench/numpy_random.h"
#include "passbench/torch_random.h"

namespace passnet::passbench {
namespace {

// docs/passbench.md, section 3.
constexpr double kSpread = 0.2;
constexpr double kDefaultStd = 0.1;
constexpr double kMaxMagnitude = 100;
constexpr double kReplacementScale = 0.01;

// How an element type is stored and what a float64 becomes in it. Types narrower than float64 go through float32
// first, as torch's conversions do.
struct Half {
  using Bits = uint16_t;
  static Bits From(double value) { return ToHalf(static_cast<float>(value)); }
  static double Value(Bits bits) { return FromHalf(bits); }
};
struct BFloat16 {
  using Bits = uint16_t;
  static Bits From(double value) { return ToBFloat16(static_cast<float>(value)); }
  static double Value(Bits bits) { return FromBFloat16(bits); }
};
template <typename T>
struct Plain {
  using Bits = T;
  static Bits From(double value) { return static_cast<T>(value); }
  static double Value(Bits bits) { return static_cast<double>(bits); }
};
struct Bool {
  using Bits = uint8_t;
};

// Calls fn with the format of the type.
template <typename Fn>
Status WithFormat(DType dtype, const Fn& fn) {
  switch (dtype) {
    case DType::kFloat16: return fn(Half{});
    case DType::kBFloat16: return fn(BFloat16{});
    case DType::kFloat32: return fn(Plain<float>{});
    case DType::kFloat64: return fn(Plain<double>{});
    case DType::kInt8: return fn(Plain<int8_t>{});
    case DType::kInt16: return fn(Plain<int16_t>{});
    case DType::kInt32: return fn(Plain<int32_t>{});
    case DType::kInt64: return fn(Plain<int64_t>{});
    case DType::kUInt8: return fn(Plain<uint8_t>{});
    case DType::kBool: return fn(Bool{});
  }
  return Internal("an element type without a format");
}

template <typename Format>
constexpr bool kIsFloating = std::is_same_v<Format, Half> || std::is_same_v<Format, BFloat16> ||
                             std::is_same_v<Format, Plain<float>> || std::is_same_v<Format, Plain<double>>;

// randn * std * 0.2 + mean, held between min and max.
struct Distribution {
  double mean;
  double std;
  double min;
  double max;

  explicit Distribution(const TensorMeta& meta)
      : mean(meta.mean.value_or(0)),
        std(meta.std.value_or(kDefaultStd)),
        min(meta.min_val ? AsDouble(*meta.min_val) : -INFINITY),
        max(meta.max_val ? AsDouble(*meta.max_val) : INFINITY) {}

  // One call a chunk; a constant draws nothing.
  void Draw(NumpyRandom& random, std::span<double> out) const {
    if (std == 0) {
      std::fill(out.begin(), out.end(), Clamped(mean));
      return;
    }
    random.Normals(out);
    for (double& value : out) value = Clamped(value * std * kSpread + mean);
  }

  // Comparisons that let NaN through, as torch.clamp does.
  double Clamped(double value) const { return value < min ? min : value > max ? max : value; }
};

constexpr size_t kChunk = 1024;  // chosen: 8 KiB of float64 on the stack

// Calls use(value, element) for every element, with values drawn chunk by chunk.
template <typename Bits, typename Use>
void DrawEach(const Distribution& distribution, NumpyRandom& random, std::span<Bits> out, const Use& use) {
  std::array<double, kChunk> values;
  while (!out.empty()) {
    const size_t count = std::min(kChunk, out.size());
    distribution.Draw(random, std::span(values).first(count));
    for (size_t i = 0; i < count; ++i) use(values[i], out[i]);
    out = out.subspan(count);
  }
}

// The bounds of a tensor that is drawn between min_val and max_val.
struct IntRange {
  int64_t min;
  int64_t max;
};

Error Wrong(const Graph& graph, const TensorMeta& meta, const std::string& what) {
  return InvalidArgument((graph.dir / "weight_meta.py").native() + ":" + std::to_string(meta.line) + ": tensor " +
                         meta.name + ": " + what);
}

template <typename T>
bool Fits(int64_t value) {
  return value >= static_cast<int64_t>(std::numeric_limits<T>::min()) &&
         (sizeof(T) == 8 || value <= static_cast<int64_t>(std::numeric_limits<T>::max()));
}

bool FitsType(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::kInt8: return Fits<int8_t>(value);
    case DType::kInt16: return Fits<int16_t>(value);
    case DType::kInt32: return Fits<int32_t>(value);
    case DType::kUInt8: return Fits<uint8_t>(value);
    default: return true;
  }
}

Result<IntRange> RangeOf(const Graph& graph, const TensorMeta& meta) {
  const auto* min = std::get_if<int64_t>(&*meta.min_val);
  const auto* max = std::get_if<int64_t>(&*meta.max_val);
  if (min == nullptr || max == nullptr || *min > *max || !FitsType(meta.dtype, *min) || !FitsType(meta.dtype, *max)) {
    return Wrong(graph, meta, "min_val and max_val must be integers of its type, in order");
  }
  return IntRange{*min, *max};
}

// Draws one graph's tensors, in the order that the original draws them.
class InputMaker {
 public:
  InputMaker(const Graph& graph, uint64_t seed) : graph_(graph), numpy_(seed), torch_(seed) {}

  Status Run(std::span<const std::span<std::byte>> buffers) {
    std::vector<size_t> order(graph_.inputs.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return graph_.inputs[a].class_name < graph_.inputs[b].class_name; });
    for (size_t i : order) {
      if (graph_.inputs[i].IsRanged()) RETURN_IF_ERROR(FillRange(graph_.inputs[i], buffers[i]));
    }
    for (size_t i : order) {
      if (!graph_.inputs[i].IsRanged()) RETURN_IF_ERROR(FillOther(graph_.inputs[i], buffers[i]));
    }
    return OkStatus();
  }

 private:
  template <typename Format>
  static std::span<typename Format::Bits> As(std::span<std::byte> bytes) {
    using Bits = typename Format::Bits;
    return {reinterpret_cast<Bits*>(bytes.data()), bytes.size() / sizeof(Bits)};
  }

  Status FillRange(const TensorMeta& meta, std::span<std::byte> bytes) {
    ASSIGN_OR_RETURN(const IntRange range, RangeOf(graph_, meta));
    return WithFormat(meta.dtype, [&]<typename Format>(Format) {
      for (auto& out : As<Format>(bytes)) {
        out = static_cast<typename Format::Bits>(numpy_.Between(range.min, range.max));
      }
      return OkStatus();
    });
  }

  Status FillOther(const TensorMeta& meta, std::span<std::byte> bytes) {
    return WithFormat(meta.dtype, [&]<typename Format>(Format) -> Status {
      auto out = As<Format>(bytes);
      if (meta.data) return CopyData<Format>(meta, out);
      if constexpr (std::is_same_v<Format, Bool>) {
        for (uint8_t& value : out) value = numpy_.Uniform() > 0.5;
        return OkStatus();
      } else if constexpr (kIsFloating<Format>) {
        return DrawFloats<Format>(meta, out);
      } else {
        return DrawIntegers<Format>(meta, out);
      }
    });
  }

  template <typename Format>
  Status CopyData(const TensorMeta& meta, std::span<typename Format::Bits> out) {
    for (size_t i = 0; i < out.size(); ++i) {
      const Number& number = (*meta.data)[i];
      if constexpr (std::is_same_v<Format, Bool>) {
        out[i] = AsDouble(number) != 0;
      } else if constexpr (kIsFloating<Format>) {
        out[i] = Format::From(AsDouble(number));
      } else {
        ASSIGN_OR_RETURN(const int64_t value, ToInteger(meta, number));
        out[i] = static_cast<typename Format::Bits>(value);
      }
    }
    return OkStatus();
  }

  // As torch.tensor: fractions are cut off, what does not fit is an error.
  Result<int64_t> ToInteger(const TensorMeta& meta, const Number& number) {
    const auto* integer = std::get_if<int64_t>(&number);
    const double real = AsDouble(number);
    if (integer == nullptr && !(std::abs(real) < 0x1p63)) return Wrong(graph_, meta, "data holds no integer");
    const int64_t value = integer != nullptr ? *integer : static_cast<int64_t>(real);
    if (!FitsType(meta.dtype, value)) {
      return Wrong(graph_, meta, "data holds " + std::to_string(value) + ", which does not fit its type");
    }
    return value;
  }

  template <typename Format>
  Status DrawFloats(const TensorMeta& meta, std::span<typename Format::Bits> out) {
    bool all_finite = true;
    DrawEach(Distribution(meta), numpy_, out, [&](double value, auto& element) {
      element = Format::From(value);
      if (std::abs(value) <= kMaxMagnitude) return;
      if (std::isfinite(Format::Value(element))) {
        element = Format::From(std::copysign(kMaxMagnitude, value));
      } else {
        all_finite = false;
      }
    });
    if (!all_finite) ReplaceNonFinite<Format>(out);
    return OkStatus();
  }

  // torch.randn_like(tensor) * 0.01 is made for the whole tensor, and taken where a value is not finite.
  template <typename Format>
  void ReplaceNonFinite(std::span<typename Format::Bits> out) {
    using Wide = std::conditional_t<std::is_same_v<Format, Plain<double>>, double, float>;
    std::vector<Wide> normal(out.size());
    if constexpr (sizeof(typename Format::Bits) == 2) {
      torch_.NormalForNarrow(normal);
    } else {
      torch_.Normal(std::span<Wide>(normal));
    }
    for (size_t i = 0; i < out.size(); ++i) {
      if (std::isfinite(Format::Value(out[i]))) continue;
      const auto drawn = static_cast<Wide>(Format::Value(Format::From(normal[i])));
      out[i] = Format::From(drawn * static_cast<Wide>(kReplacementScale));
    }
  }

  template <typename Format>
  Status DrawIntegers(const TensorMeta& meta, std::span<typename Format::Bits> out) {
    bool all_fit = true;
    DrawEach(Distribution(meta), numpy_, out, [&](double value, auto& element) {
      const bool fits = std::abs(value) < 0x1p63;
      element = fits ? static_cast<typename Format::Bits>(static_cast<int64_t>(value)) : 0;
      all_fit = all_fit && fits;
    });
    return all_fit ? OkStatus() : Status(Wrong(graph_, meta, "mean and std give no integers of its type"));
  }

  const Graph& graph_;
  NumpyRandom numpy_;
  TorchRandom torch_;
};

Status CheckBuffers(const Graph& graph, std::span<const std::span<std::byte>> buffers) {
  if (buffers.size() != graph.inputs.size()) {
    return InvalidArgument(graph.path + ": " + std::to_string(buffers.size()) + " buffers for " +
                           std::to_string(graph.inputs.size()) + " inputs");
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    const TensorMeta& meta = graph.inputs[i];
    if (buffers[i].size() != meta.Bytes()) {
      return InvalidArgument(graph.path + ": input " + meta.name + " takes " + std::to_string(meta.Bytes()) +
                             " bytes, its buffer has " + std::to_string(buffers[i].size()));
    }
    if (reinterpret_cast<uintptr_t>(buffers[i].data()) % DTypeBytes(meta.dtype) != 0) {
      return InvalidArgument(graph.path + ": the buffer of input " + meta.name + " is not aligned to its type");
    }
  }
  return OkStatus();
}

}  // namespace

const char* InputKindName(InputKind kind) {
  switch (kind) {
    case InputKind::kRandomFloat: return "random_float";
    case InputKind::kRangedInt: return "ranged_int";
    case InputKind::kFixed: return "fixed";
    case InputKind::kRandomBool: return "random_bool";
  }
  return "";
}

InputKind KindOf(const TensorMeta& meta) {
  if (meta.IsRanged()) return InputKind::kRangedInt;
  if (meta.data) return InputKind::kFixed;
  if (meta.dtype == DType::kBool) return InputKind::kRandomBool;
  const bool drawn = IsFloating(meta.dtype) && meta.std.value_or(kDefaultStd) != 0;
  return drawn ? InputKind::kRandomFloat : InputKind::kFixed;
}

Status FillInputs(const Graph& graph, uint64_t seed, std::span<const std::span<std::byte>> buffers) {
  RETURN_IF_ERROR(CheckBuffers(graph, buffers));
  return InputMaker(graph, seed).Run(buffers);
}

Result<std::vector<InputTensor>> MakeInputs(const Graph& graph, uint64_t seed) {
  std::vector<InputTensor> tensors;
  std::vector<std::span<std::byte>> buffers;
  tensors.reserve(graph.inputs.size());
  for (const TensorMeta& meta : graph.inputs) {
    InputTensor& tensor = tensors.emplace_back();
    tensor.name = meta.name;
    tensor.shape = meta.shape;
    tensor.dtype = meta.dtype;
    tensor.kind = KindOf(meta);
    if (tensor.kind == InputKind::kRangedInt) {
      ASSIGN_OR_RETURN(const IntRange range, RangeOf(graph, meta));
      tensor.min = range.min;
      tensor.max = range.max;
    }
    tensor.bytes.resize(meta.Bytes());
    buffers.emplace_back(tensor.bytes);
  }
  RETURN_IF_ERROR(FillInputs(graph, seed, buffers));
  return tensors;
}

}  // namespace passnet::passbench
