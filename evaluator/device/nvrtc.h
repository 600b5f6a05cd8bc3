// NVIDIA's run-time compiler, loaded by name: torch's CUDA wheels bring it. What it compiles is ours alone
// (evaluator/device/kernels), never a candidate's.
// Threads: thread-safe, blocking (about a second a compilation). Owns: the library, which stays loaded.
// Errors: kNotFound (no such library), kInvalidArgument (it knows no architecture that the device could run), kInternal (it
// refuses our source: its words).
// Source: NVRTC 13.0 (docs.nvidia.com/cuda/nvrtc).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::evaluator {

namespace cuda {

using Program = struct ProgramOpaque*;  // nvrtcProgram

struct Nvrtc {
  int (*nvrtcVersion)(int* major, int* minor);
  const char* (*nvrtcGetErrorString)(int code);
  int (*nvrtcGetNumSupportedArchs)(int* count);
  int (*nvrtcGetSupportedArchs)(int* architectures);
  int (*nvrtcCreateProgram)(Program* program, const char* source, const char* name, int headers,
                            const char* const* header_texts, const char* const* header_names);
  int (*nvrtcDestroyProgram)(Program* program);
  int (*nvrtcCompileProgram)(Program program, int options, const char* const* words);
  int (*nvrtcGetProgramLogSize)(Program program, size_t* bytes);
  int (*nvrtcGetProgramLog)(Program program, char* log);
  int (*nvrtcGetCUBINSize)(Program program, size_t* bytes);
  int (*nvrtcGetCUBIN)(Program program, char* image);
  int (*nvrtcGetPTXSize)(Program program, size_t* bytes);
  int (*nvrtcGetPTX)(Program program, char* image);
};
inline constexpr const char* kNvrtcSymbols[] = {
    "nvrtcVersion", "nvrtcGetErrorString", "nvrtcGetNumSupportedArchs", "nvrtcGetSupportedArchs", "nvrtcCreateProgram",
    "nvrtcDestroyProgram", "nvrtcCompileProgram", "nvrtcGetProgramLogSize", "nvrtcGetProgramLog", "nvrtcGetCUBINSize",
    "nvrtcGetCUBIN", "nvrtcGetPTXSize", "nvrtcGetPTX"};
static_assert(sizeof(Nvrtc) == sizeof kNvrtcSymbols);

}  // namespace cuda

// Where the CUDA wheels of this interpreter's torch have it, and then wherever the loader finds it.
std::vector<std::string> NvrtcLibraries(const std::filesystem::path& python);

class NvrtcLibrary {
 public:
  // The first of `libraries`, by name or path, that can be loaded.
  static Result<std::shared_ptr<const NvrtcLibrary>> Load(const std::vector<std::string>& libraries);

  // The kernels of evaluator/device/kernels as an image for cuModuleLoadData: machine code for a device of this compute
  // capability (90 for 9.0) or, where this compiler is older than the device, PTX for the driver to translate. No two
  // operations are fused into one, no subnormal number is dropped: results are the host's, bit for bit.
  Result<std::string> CompileKernels(int capability) const;
  // The same as PTX.
  Result<std::string> CompileKernelsToPtx(int capability) const;

 private:
  NvrtcLibrary() = default;
  Result<int> NewestUpTo(int capability) const;
  Result<std::string> Compile(int capability, bool ptx) const;
  Status Check(int code, const std::string& call) const;

  cuda::Nvrtc api_{};
  std::string name_;
};

}  // namespace passnet::evaluator
