// Element types that a PassBench tensor may have.
// Threads: immutable values. Errors: none; an unknown name is an empty optional.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace passnet::passbench {

enum class DType { kFloat16, kBFloat16, kFloat32, kFloat64, kInt8, kInt16, kInt32, kInt64, kUInt8, kBool };

// "float16", "bfloat16", …: torch's name without "torch.".
std::string_view DTypeName(DType dtype);
// Accepts "torch.float16" and "float16", and torch's aliases "torch.float", "half", "double", "int", "long", "short".
std::optional<DType> ParseDType(std::string_view name);
size_t DTypeBytes(DType dtype);
bool IsFloating(DType dtype);
// int8 … int64: the types that upstream draws between min_val and max_val (uint8 and bool are not among them).
bool IsSignedInteger(DType dtype);

}  // namespace passnet::passbench
