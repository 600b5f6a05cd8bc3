#include "passbench/dtype.h"

#include <array>
#include <utility>

namespace passnet::passbench {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  size_t bytes;
};

constexpr std::array<Row, 10> kRows{{{DType::kFloat16, "float16", 2},
                                     {DType::kBFloat16, "bfloat16", 2},
                                     {DType::kFloat32, "float32", 4},
                                     {DType::kFloat64, "float64", 8},
                                     {DType::kInt8, "int8", 1},
                                     {DType::kInt16, "int16", 2},
                                     {DType::kInt32, "int32", 4},
                                     {DType::kInt64, "int64", 8},
                                     {DType::kUInt8, "uint8", 1},
                                     {DType::kBool, "bool", 1}}};

constexpr std::array<std::pair<std::string_view, DType>, 6> kAliases{{{"half", DType::kFloat16},
                                                                      {"float", DType::kFloat32},
                                                                      {"double", DType::kFloat64},
                                                                      {"short", DType::kInt16},
                                                                      {"int", DType::kInt32},
                                                                      {"long", DType::kInt64}}};

const Row& RowOf(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

std::string_view DTypeName(DType dtype) { return RowOf(dtype).name; }

std::optional<DType> ParseDType(std::string_view name) {
  constexpr std::string_view kPrefix = "torch.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  for (const auto& [alias, dtype] : kAliases) {
    if (alias == name) return dtype;
  }
  return std::nullopt;
}

size_t DTypeBytes(DType dtype) { return RowOf(dtype).bytes; }

bool IsFloating(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kFloat32 ||
         dtype == DType::kFloat64;
}

bool IsSignedInteger(DType dtype) {
  return dtype == DType::kInt8 || dtype == DType::kInt16 || dtype == DType::kInt32 || dtype == DType::kInt64;
}

}  // namespace passnet::passbench
