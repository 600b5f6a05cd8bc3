// What is held against a compiled kernel, seen by the compiler and the linker themselves: the files that were read, the
// tokens that were compiled, and what the shared object would import and run when it is loaded.
// Threads: pure functions. Errors: none; what cannot be read is a finding.
// Source: docs/integrity.md, layer 4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evaluator/compile/preprocessed.h"

namespace passnet::evaluator {

struct KernelProducts {
  std::string_view source;        // the kernel's file name, for findings without a line
  std::string_view preprocessed;
  std::string_view dependencies;  // as -MD writes them
  std::string_view object;
};

// Bounded. `folders`: where headers may lie.
std::vector<KernelFinding> CheckKernel(const KernelProducts& products, const std::vector<std::string>& folders);

// What nvcc leaves of a .cu. Device code reaches device memory and nothing else; what is looked at is the host's part.
struct CudaProducts {
  std::string_view source;             // as above
  std::string_view host_source;        // preprocessed for the host, before the front end
  std::string_view host_preprocessed;  // what g++ compiled in the end
  std::string_view dependencies;       // of host and device code
  std::string_view object;
};

std::vector<KernelFinding> CheckCudaKernel(const CudaProducts& products, const std::vector<std::string>& folders);

// "k.cc:3 [T6.inline-asm] …; …"
std::string TextOf(const std::vector<KernelFinding>& findings);

}  // namespace passnet::evaluator
