// The kernels of a Triton pass for the graphs that it matched: one run of the compile child for all of them, and, where the
// pass fails for one, a run for each, so that the others keep theirs.
// Threads: blocking. Errors: infrastructure; what the pass did wrong is each graph's verdict.
// Source: docs/integrity.md, layer 4.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/compile/triton_compiler.h"

namespace passnet::evaluator {

// What timed processes of one graph get, or why there is none.
struct TritonKernels {
  Verdict verdict = Verdict::kOk;
  std::string reason;
  std::shared_ptr<const std::string> pack;
};

using TritonCompileFn = std::function<Result<TritonCompilation>(const std::vector<TritonGraph>&)>;

// One for each graph, in their order. `told`: what compilers say, as the report has it; what was compiled and which
// configurations were chosen is part of it.
Result<std::vector<TritonKernels>> CompileTriton(const TritonCompileFn& compile, const std::vector<TritonGraph>& graphs,
                                                 std::vector<CompileDiagnostics>* told);

}  // namespace passnet::evaluator
