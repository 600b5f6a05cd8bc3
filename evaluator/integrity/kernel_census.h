// What ran on the device in a call, and whose it was: a candidate's own kernels by their names in its files, everything else a
// library's. For reports and for the model; a witness told it, so that no verdict rests on it.
// Threads: pure functions. Errors: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/integrity/observations.h"

namespace passnet::evaluator {

// "void at::native::(anonymous namespace)::rows<4>(float*)" → "rows".
std::string KernelBaseName(std::string_view name);

// Whether one of the files defines a kernel of this name: `def NAME(` in Python, `NAME(` in CUDA.
bool DefinesKernel(const std::vector<CandidateFile>& files, const std::string& name);

// A call's, the longest first.
std::vector<KernelUse> KernelsOf(const Witness& witness, const std::vector<CandidateFile>& files);

}  // namespace passnet::evaluator
