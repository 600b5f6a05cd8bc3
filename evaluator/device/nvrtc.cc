#include "evaluator/device/nvrtc.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "evaluator/device/kernels/texts.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMostLog = 8192;

// What of a folder has a name that begins so, in order; nothing where there is no folder.
std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& folder, const std::string& begin) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().filename().string().starts_with(begin)) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Ends with its owner.
class CompiledProgram {
 public:
  explicit CompiledProgram(const cuda::Nvrtc& api) : api_(api) {}
  ~CompiledProgram() {
    if (program_ != nullptr) (void)api_.nvrtcDestroyProgram(&program_);
  }
  CompiledProgram(const CompiledProgram&) = delete;
  CompiledProgram& operator=(const CompiledProgram&) = delete;

  int Create() {
    std::vector<std::string> names, texts;  // the compiler wants a NUL behind each
    for (const auto& [name, text] : kernels::Texts()) {
      names.emplace_back(name);
      texts.emplace_back(text);
    }
    std::vector<const char*> header_names, header_texts;
    for (size_t i = 1; i < names.size(); ++i) {
      header_names.push_back(names[i].c_str());
      header_texts.push_back(texts[i].c_str());
    }
    return api_.nvrtcCreateProgram(&program_, texts[0].c_str(), names[0].c_str(), static_cast<int>(header_names.size()),
                                   header_texts.data(), header_names.data());
  }

  std::string Log() const {
    size_t bytes = 0;
    if (api_.nvrtcGetProgramLogSize(program_, &bytes) != 0 || bytes == 0) return "";
    std::string log(bytes, '\0');
    if (api_.nvrtcGetProgramLog(program_, log.data()) != 0) return "";
    log.resize(std::min(std::strlen(log.c_str()), kMostLog));
    return log;
  }

  cuda::Program get() const { return program_; }

 private:
  const cuda::Nvrtc& api_;
  cuda::Program program_ = nullptr;
};

}  // namespace

std::vector<std::string> NvrtcLibraries(const std::filesystem::path& python) {
  std::vector<std::string> found;
  const std::filesystem::path prefix = python.parent_path().parent_path();
  for (const std::filesystem::path& lib : {prefix / "lib", prefix / "local" / "lib"}) {
    for (const auto& version : FilesOf(lib, "python")) {
      for (const char* packages : {"site-packages", "dist-packages"}) {
        for (const auto& part : FilesOf(version / packages / "nvidia", "")) {
          for (const auto& library : FilesOf(part / "lib", "libnvrtc.so.")) found.push_back(library.string());
        }
      }
    }
  }
  found.insert(found.end(), {"libnvrtc.so.13", "libnvrtc.so.12"});
  return found;
}

Result<std::shared_ptr<const NvrtcLibrary>> NvrtcLibrary::Load(const std::vector<std::string>& libraries) {
  std::string missing;
  for (const std::string& library : libraries) {
    // It opens these by name when it first compiles, and looks beside itself for nothing.
    for (const auto& part : FilesOf(std::filesystem::path(library).parent_path(), "libnvrtc-builtins.so.")) {
      (void)::dlopen(part.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    void* loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (loaded == nullptr) {
      const char* text = ::dlerror();
      missing += (missing.empty() ? "" : "; ") + std::string(text == nullptr ? library : text);
      continue;
    }
    std::shared_ptr<NvrtcLibrary> made(new NvrtcLibrary);
    made->name_ = library;
    for (size_t i = 0; i < std::size(cuda::kNvrtcSymbols); ++i) {
      void* found = ::dlsym(loaded, cuda::kNvrtcSymbols[i]);
      if (found == nullptr) return NotFound(library + " has no " + cuda::kNvrtcSymbols[i] + ": CUDA 11.2 or newer is wanted");
      std::memcpy(reinterpret_cast<std::byte*>(&made->api_) + i * sizeof found, &found, sizeof found);
    }
    return std::shared_ptr<const NvrtcLibrary>(std::move(made));
  }
  return NotFound("no NVRTC, which torch's CUDA wheels bring: " + missing);
}

Status NvrtcLibrary::Check(int code, const std::string& call) const {
  if (code == 0) return OkStatus();
  const char* text = api_.nvrtcGetErrorString(code);
  return Internal(name_ + ": " + call + ": " + (text == nullptr ? std::to_string(code) : text));
}

Result<int> NvrtcLibrary::NewestUpTo(int capability) const {
  int count = 0;
  RETURN_IF_ERROR(Check(api_.nvrtcGetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs"));
  std::vector<int> known(static_cast<size_t>(std::max(count, 0)));
  if (count > 0) RETURN_IF_ERROR(Check(api_.nvrtcGetSupportedArchs(known.data()), "nvrtcGetSupportedArchs"));
  int newest = 0;
  for (int one : known) {
    if (one <= capability) newest = std::max(newest, one);
  }
  if (newest > 0) return newest;
  return InvalidArgument(name_ + " compiles for nothing that a device of compute capability " +
                         std::to_string(capability) + " runs");
}

Result<std::string> NvrtcLibrary::Compile(int capability, bool ptx) const {
  CompiledProgram program(api_);
  RETURN_IF_ERROR(Check(program.Create(), "nvrtcCreateProgram"));
  const std::string architecture =
      std::string("--gpu-architecture=") + (ptx ? "compute_" : "sm_") + std::to_string(capability);
  const char* words[] = {architecture.c_str(), "--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true"};
  const int code = api_.nvrtcCompileProgram(program.get(), static_cast<int>(std::size(words)), words);
  if (auto compiled = Check(code, "nvrtcCompileProgram"); !compiled) {
    return compiled.error().Prefixed("the evaluator's kernels do not compile: " + program.Log());
  }
  size_t bytes = 0;
  RETURN_IF_ERROR(Check((ptx ? api_.nvrtcGetPTXSize : api_.nvrtcGetCUBINSize)(program.get(), &bytes), "nvrtcGetPTXSize"));
  std::string image(bytes, '\0');
  RETURN_IF_ERROR(Check((ptx ? api_.nvrtcGetPTX : api_.nvrtcGetCUBIN)(program.get(), image.data()), "nvrtcGetPTX"));
  return image;
}

Result<std::string> NvrtcLibrary::CompileKernels(int capability) const {
  ASSIGN_OR_RETURN(const int newest, NewestUpTo(capability));
  return Compile(newest, newest != capability);
}

Result<std::string> NvrtcLibrary::CompileKernelsToPtx(int capability) const {
  ASSIGN_OR_RETURN(const int newest, NewestUpTo(capability));
  return Compile(newest, true);
}

}  // namespace passnet::evaluator
