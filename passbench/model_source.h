// model.py in PassBench's straight-line form: checked, described and mapped to a device, never executed here.
// Anything else (other imports, other calls than torch's and tensors' own, control flow, private attributes) is
// refused with file and line: the reference side runs this text with the evaluator's trust.
// Threads: thread-safe functions, immutable values.
// Errors: kInvalidArgument "FILE:LINE: what is wrong; what was expected".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::passbench {

// A half-open byte range of the source.
struct SourceRange {
  size_t begin = 0;
  size_t end = 0;
};

struct ModelSource {
  std::string text;
  std::vector<std::string> forward_parameters;  // without self, in order
  // Names of the operations in order: "conv2d", "Tensor.view", "add", "iadd", "getitem", "setitem", "neg", …
  std::vector<std::string> ops;
  size_t outputs = 0;                        // values in the returned tuple
  std::vector<SourceRange> device_literals;  // each device(type='cuda', …) call

  // The text for one device: "cpu" gives device(type='cpu') without an index, because torch takes cpu:0 for another
  // device than cpu and would copy; "cuda:N" gives device(type='cuda', index=N).
  std::string MappedTo(std::string_view device) const;
};

Result<ModelSource> ParseModelSource(std::string text, const std::string& file);

}  // namespace passnet::passbench
