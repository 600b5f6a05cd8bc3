// How nvcc makes a shared object of a candidate's .cu for one architecture, and which of its intermediate texts are kept to
// be looked at.
// Threads: blocking (looks for files), otherwise pure.
// Errors: kInvalidArgument (an architecture that is none, an nvcc without its toolkit), kNotFound.
// Source: NVIDIA's nvcc manual, "Options for Guiding the Compiler Driver" and "Keeping Intermediate Phase Files".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::evaluator {

struct CudaToolkit {
  std::filesystem::path nvcc;  // in bin/ of the toolkit, links followed
  std::filesystem::path root;  // holds bin, include, nvvm
  std::filesystem::path runtime;  // libcudart.so.13 of it: of that name is the library which torch has loaded
  std::string architecture;       // "sm_90"
};

// `nvcc`: of the toolkit itself or a link to it, not a script that calls it.
Result<CudaToolkit> FindCudaToolkit(const std::filesystem::path& nvcc, const std::string& architecture);

// What an object depends on beside its sources and nvcc's version.
std::vector<std::string> NvccFlags(const CudaToolkit& toolkit);

// The whole command; run in the folder that holds the sources. `host_compiler`: g++.
std::vector<std::string> NvccCommand(const CudaToolkit& toolkit, const std::string& host_compiler,
                                     const std::filesystem::path& include_dir, const std::string& stem);

// What that leaves in its folder, in this order: object, dependencies, and the two texts of CudaProducts (kernel_check.h),
// host_source and host_preprocessed.
std::vector<std::string> NvccProducts(const std::string& stem);

}  // namespace passnet::evaluator
