#include "evaluator/compile/nvcc.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCudaObject = "kernel.so";
constexpr const char* kCudaDependencies = "kernel.d";

// sm_80, sm_90a, sm_120f
bool IsArchitecture(const std::string& text) {
  if (!text.starts_with("sm_") || text.size() < 5) return false;
  std::string_view number = std::string_view(text).substr(3);
  if (number.back() == 'a' || number.back() == 'f') number.remove_suffix(1);
  return (number.size() == 2 || number.size() == 3) &&
         std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// The toolkit's own name carries the major version alone: libcudart.so.13.
bool IsRuntime(const std::string& name) {
  constexpr std::string_view kName = "libcudart.so.";
  return name.starts_with(kName) && name.size() > kName.size() &&
         std::all_of(name.begin() + kName.size(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

fs::path FindRuntime(const fs::path& root) {
  for (const char* folder : {"lib", "lib64", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"}) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(root / folder, failed)) {
      if (IsRuntime(entry.path().filename().native())) return entry.path();
    }
  }
  return {};
}

}  // namespace

Result<CudaToolkit> FindCudaToolkit(const fs::path& nvcc, const std::string& architecture) {
  if (!IsArchitecture(architecture)) {
    return InvalidArgument("CUDA architecture \"" + architecture.substr(0, 40) + "\": expected one such as sm_90");
  }
  CudaToolkit toolkit;
  toolkit.architecture = architecture;
  std::error_code failed;
  toolkit.nvcc = fs::canonical(nvcc, failed);
  if (failed) return NotFound(nvcc.native() + ": no such program; give the nvcc of a CUDA toolkit");
  toolkit.root = toolkit.nvcc.parent_path().parent_path();
  toolkit.runtime = FindRuntime(toolkit.root);
  if (!fs::exists(toolkit.root / "bin/cudafe++", failed) || toolkit.runtime.empty()) {
    return InvalidArgument(toolkit.nvcc.native() + ": no CUDA toolkit is around it (bin/cudafe++, lib/libcudart.so.N): give "
                                                   "the toolkit's own nvcc, such as /usr/local/cuda/bin/nvcc");
  }
  return toolkit;
}

std::vector<std::string> NvccFlags(const CudaToolkit& toolkit) {
  const std::string number = toolkit.architecture.substr(3);
  // Code of this architecture alone: what the driver would have to compile again at its first load is never timed.
  return {"-std=c++20",   "-O3", "-gencode", "arch=compute_" + number + ",code=sm_" + number,
          "-cudart=none", "-Xcompiler", "-fPIC,-fdiagnostics-color=never,-fmax-errors=20"};
}

std::vector<std::string> NvccCommand(const CudaToolkit& toolkit, const std::string& host_compiler,
                                     const fs::path& include_dir, const std::string& stem) {
  std::vector<std::string> command = {toolkit.nvcc.native(), "-ccbin", host_compiler};
  for (std::string& flag : NvccFlags(toolkit)) command.push_back(std::move(flag));
  // The texts that are looked at are those that were compiled, not the outcome of a second run.
  command.insert(command.end(), {"--shared", "--keep", "--keep-dir", ".", "-Xcompiler", "-save-temps=cwd", "-MD", "-MF",
                                 kCudaDependencies, "-I" + include_dir.native(), "-L" + toolkit.runtime.parent_path().native(),
                                 "-Xlinker", "-l:" + toolkit.runtime.filename().native(), "-o", kCudaObject, stem + ".cu"});
  return command;
}

std::vector<std::string> NvccProducts(const std::string& stem) {
  return {kCudaObject, kCudaDependencies, stem + ".cpp4.ii", stem + ".ii"};
}

}  // namespace passnet::evaluator
