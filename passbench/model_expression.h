// Reads the expressions of a straight-line model: what they may contain, which operations they perform, and where they
// name a CUDA device.
// Threads: thread-compatible. Borrows: cursor and scope.
// Errors: kInvalidArgument "FILE:LINE: what is wrong; what was expected".
// Source: The Python Language Reference, chapter 6 "Expressions"; operator names are those of Python's `operator`.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "passbench/model_source.h"
#include "passbench/python_tokens.h"

namespace passnet::passbench {

// Whether evaluating needs a tensor: "-1" is a constant, "-tmp_2" is an operation.
enum class Operand { kConstant, kValue };

class ExpressionReader {
 public:
  // Operations and device literals go into `model`; names must be in `variables` or `imported` ("device", "inf").
  ExpressionReader(TokenCursor& cursor, const std::set<std::string>& variables,
                   const std::set<std::string>& imported, ModelSource& model)
      : cursor_(cursor), variables_(variables), imported_(imported), model_(model) {}

  Result<Operand> Read() { return ReadBinary(0); }
  // "a, b" and "(a, b)" and "a": how many values stand side by side.
  Result<size_t> ReadReturned();
  // What follows a "[": the index and the closing bracket. The caller names the operation.
  Result<Operand> ReadIndex();

 private:
  Result<Operand> ReadBinary(int level);
  Result<Operand> ReadUnary();
  Result<Operand> ReadPower();
  Result<Operand> ReadPostfix();
  Result<Operand> ReadAtom();
  Result<Operand> ReadName();
  Result<Operand> ReadTorch();
  Result<Operand> ReadSequence(std::string_view closing);
  Result<Operand> ReadAttribute(Operand on);
  Result<Operand> ReadArguments();
  Result<Operand> ReadDevice(size_t begin);
  Operand Combine(Operand a, Operand b, std::string_view op);
  Result<Operand> ReadIndexItem();
  Status CheckDepth() const;
  Status CheckLinks(int links) const;

  TokenCursor& cursor_;
  const std::set<std::string>& variables_;
  const std::set<std::string>& imported_;
  ModelSource& model_;
  int depth_ = 0;
};

}  // namespace passnet::passbench
