// weight_meta.py as data: one class a tensor, read by a parser of Python literals and never executed.
// Threads: thread-safe function, immutable values.
// Errors: kInvalidArgument "FILE:LINE: what is wrong; what was expected".
// Source: docs/passbench.md, section 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "passbench/dtype.h"

namespace passnet::passbench {

// Python's int or float; True and False are 1 and 0.
using Number = std::variant<int64_t, double>;
double AsDouble(const Number& number);

struct TensorMeta {
  std::string class_name;
  std::string name;  // forward's parameter
  std::vector<int64_t> shape;
  DType dtype = DType::kFloat32;
  std::string device;  // as written, usually "cuda:0"; lanes put the tensor on their own device
  std::optional<double> mean;
  std::optional<double> std;
  std::optional<std::vector<Number>> data;  // flat, row-major
  std::optional<Number> min_val;
  std::optional<Number> max_val;
  int line = 0;  // of the class statement

  int64_t Elements() const;
  uint64_t Bytes() const;
  // Drawn between min_val and max_val; data, if given, is then ignored.
  bool IsRanged() const;
};

// Chosen: sixteen times the largest real input set, and what two sides of a graph still fit in on a small host.
inline constexpr uint64_t kMaxTensorBytes = 4ull << 30;

// Classes in the order of the file. `file` is only for messages.
Result<std::vector<TensorMeta>> ParseWeightMeta(std::string_view text, const std::string& file);

}  // namespace passnet::passbench
