// What a straight-line model may name: torch's functions, tensors' methods and attributes, constants. Everything that
// reads, writes, loads, compiles, calls back or changes the process is left out, so that running a model can do no more
// than compute.
// Threads: thread-safe functions. Errors: none.
// Source: the functions that torch.fx prints into the 188 graphs looked at, and torch's own list of functions.
#pragma once

#include <string_view>

namespace passnet::passbench {

// `path` is dotted and begins with "torch.": "torch.nn.functional.silu".
bool IsTorchFunction(std::string_view path);
// A dtype, a memory format, a layout, or a number: "torch.float32".
bool IsTorchConstant(std::string_view path);
// Called on a tensor: "view", "__eq__".
bool IsTensorMethod(std::string_view name);
// Read from a tensor without a call: "shape", "T".
bool IsTensorAttribute(std::string_view name);

}  // namespace passnet::passbench
