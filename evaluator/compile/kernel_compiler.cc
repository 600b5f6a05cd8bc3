#include "evaluator/compile/kernel_compiler.h"

#include "base/file.h"
#include "base/sha256.h"
#include "evaluator/compile/compiler_facts.h"
#include "evaluator/compile/dependencies.h"
#include "evaluator/compile/kernel_check.h"
#include "sandbox/run.h"

namespace passnet::evaluator {
namespace {

constexpr uint64_t kMaxObjectBytes = 4ull << 20;
constexpr uint64_t kMaxPreprocessedBytes = 32ull << 20;  // with every standard header and all intrinsics it has 6 MiB
constexpr uint64_t kCudaScratchBytes = 512ull << 20;     // nvcc keeps five such texts
constexpr const char* kBox = "/box";
constexpr const char* kObject = "kernel.so";
constexpr const char* kDependencies = "kernel.d";

sandbox::RunSpec SpecOf(const KernelCompilerOptions& options) {
  sandbox::RunSpec spec;
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"TMPDIR", "/tmp"}};
  spec.root = sandbox::SystemRoot();
  spec.root.read_only.push_back(options.include_dir.native());
  spec.root.tmp_bytes = 256ull << 20;
  spec.scratch = kBox;
  spec.limits.wall = options.wall;
  spec.limits.cpu = options.cpu;
  spec.limits.memory_bytes = options.memory_bytes;
  spec.limits.processes = 32;
  spec.limits.output_bytes = 64u << 10;
  spec.output_file_bytes = kMaxPreprocessedBytes;
  spec.cores = options.cores;
  return spec;
}

}  // namespace

std::vector<std::string> KernelCompiler::Flags() {
  return {"-std=c++20", "-O3", "-march=native", "-fPIC", "-shared", "-fdiagnostics-color=never", "-fmax-errors=20"};
}

Result<KernelCompiler> KernelCompiler::Create(KernelCompilerOptions options, Deadline deadline) {
  KernelCompiler compiler(std::move(options));
  RETURN_IF_ERROR(compiler.AskHostCompiler(deadline));
  if (compiler.options_.cuda) RETURN_IF_ERROR(compiler.AskNvcc(deadline));
  std::error_code failed;
  std::filesystem::create_directories(compiler.options_.cache_dir, failed);
  if (failed) return Error::FromErrno("mkdir", compiler.options_.cache_dir.native(), failed.value());
  return compiler;
}

Status KernelCompiler::AskHostCompiler(Deadline deadline) {
  sandbox::RunSpec spec = SpecOf(options_);
  spec.argv = {options_.compiler, "-v", "-E", "-march=native", "-x", "c++", "/dev/null"};
  ASSIGN_OR_RETURN(sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (!report.outcome.Ok()) {
    return Error{ErrorCode::kUnavailable, "the compile jail cannot run " + options_.compiler + ": " +
                                              report.outcome.reason + " " + report.err.Text()};
  }
  // With -march=native spelled out by the driver, an object is never taken to a machine that lacks its instructions.
  version_ = report.err.Text();
  header_folders_ = SearchFolders(version_);
  if (header_folders_.empty()) {
    return Internal(options_.compiler + " -v does not tell where it searches for headers");
  }
  // By itself, so that the text above, which other texts are made of, stays as it is.
  spec.argv = {options_.compiler, "-std=c++20", "-march=native", "-dM", "-E", "-x", "c++", "/dev/null"};
  ASSIGN_OR_RETURN(sandbox::RunReport macros, sandbox::Run(spec, deadline));
  facts_ = CompilerFacts(version_, macros.out.Text(), header_folders_);
  header_folders_.push_back(options_.include_dir.native());
  return OkStatus();
}

Status KernelCompiler::AskNvcc(Deadline deadline) {
  ASSIGN_OR_RETURN(toolkit_, FindCudaToolkit(options_.cuda->nvcc, options_.cuda->architecture));
  sandbox::RunSpec spec = SpecOf(options_);
  spec.root.read_only.push_back(toolkit_->root.native());
  spec.argv = {toolkit_->nvcc.native(), "--version"};
  ASSIGN_OR_RETURN(sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (!report.outcome.Ok()) {
    return Error{ErrorCode::kUnavailable, "the compile jail cannot run " + toolkit_->nvcc.native() + ": " +
                                              report.outcome.reason + " " + report.err.Text()};
  }
  cuda_version_ = report.out.Text();
  cuda_header_folders_ = header_folders_;
  cuda_header_folders_.push_back(toolkit_->root.native());
  return OkStatus();
}

bool KernelCompiler::Unit::Reads(const std::string& file) const {
  return file == File() || file.ends_with(".h") || (kind == KernelKind::kCuda && file.ends_with(".cuh"));
}

std::string KernelCompiler::CacheKey(const Candidate& candidate, const Unit& unit) const {
  Sha256 hash;
  // What nobody looked at is never taken for what passed.
  hash.UpdateField(options_.check_products ? "passnet.kernel/2" : "passnet.kernel/unchecked");
  hash.UpdateField(version_).UpdateField(unit.stem);
  if (unit.kind == KernelKind::kCuda) hash.UpdateField(cuda_version_);
  for (const std::string& flag : unit.kind == KernelKind::kCuda ? NvccFlags(*toolkit_) : Flags()) hash.UpdateField(flag);
  // A kernel may include any header of the candidate.
  for (const CandidateFile& file : candidate.files) {
    if (unit.Reads(file.name)) hash.UpdateField(file.name).UpdateField(file.bytes);
  }
  return ToHex(hash.Finish());
}

Result<CompiledKernel> KernelCompiler::CompileOne(const Candidate& candidate, const Unit& unit, Deadline deadline) const {
  CompiledKernel kernel;
  kernel.stem = unit.stem;
  kernel.diagnostics.file = unit.File();
  std::filesystem::path cached = options_.cache_dir / (CacheKey(candidate, unit) + ".so");
  if (auto object = ReadFile(cached, kMaxObjectBytes); object.has_value() && !object.value().empty()) {
    kernel.object = std::move(object).value();
    kernel.diagnostics.ok = kernel.diagnostics.cached = true;
    return kernel;
  }
  const sandbox::RunSpec spec = SpecFor(candidate, unit);
  ASSIGN_OR_RETURN(sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (report.outcome.kind == sandbox::OutcomeKind::kSetupFailed) {
    return Error{ErrorCode::kUnavailable, "the compile jail could not be set up: " + report.outcome.reason};
  }
  kernel.diagnostics.seconds = std::chrono::duration<double>(report.accounting.wall).count();
  std::string text = report.err.Text() + report.out.Text();
  if (report.outcome.Ok()) {
    text += TakeProducts(report, unit.kind, &kernel);
    if (kernel.diagnostics.ok) RETURN_IF_ERROR(WriteFileAtomic(cached, kernel.object));
  } else if (report.outcome.kind != sandbox::OutcomeKind::kExited) {
    text += WhyFailed(report.outcome, spec.limits) + "\n";
  }
  kernel.diagnostics.diagnostics = Trim(std::move(text));
  return kernel;
}

std::string KernelCompiler::WhyFailed(const sandbox::RunOutcome& outcome, const sandbox::Limits& limits) const {
  switch (outcome.kind) {
    case sandbox::OutcomeKind::kWallTimeout:
    case sandbox::OutcomeKind::kCpuTimeout:
      return "the compiler did not end within " + std::to_string(limits.cpu.count() / 1000) + " s of CPU time and was stopped";
    case sandbox::OutcomeKind::kMemory:
      return "the compiler needed more than " + std::to_string(limits.memory_bytes >> 20) + " MiB and was stopped";
    case sandbox::OutcomeKind::kOutput:
      return "the compiler wrote too much and was stopped";
    default:
      return outcome.reason;
  }
}

// The compiler's words with the jail's paths taken off, cut to the bound at a line.
std::string KernelCompiler::Trim(std::string text) const {
  // The header's folder first: it may lie below /tmp itself.
  std::vector<std::string> prefixes = {options_.include_dir.native() + "/"};
  if (toolkit_) prefixes.push_back(toolkit_->root.native() + "/");
  prefixes.insert(prefixes.end(), {std::string(kBox) + "/", "/tmp/"});
  for (const std::string& prefix : prefixes) {
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) text.erase(at, prefix.size());
  }
  const size_t max_bytes = options_.max_diagnostics_bytes;
  if (text.size() <= max_bytes) return text;
  size_t line = text.rfind('\n', max_bytes);
  text.resize(line == std::string::npos ? max_bytes : line + 1);
  return text + "… more diagnostics were left out\n";
}

// One run of the compiler that also leaves what it compiled after preprocessing, and which files it read: what is checked is
// what was compiled, not the outcome of a second run.
sandbox::RunSpec KernelCompiler::SpecFor(const Candidate& candidate, const Unit& unit) const {
  sandbox::RunSpec spec = SpecOf(options_);
  if (unit.kind == KernelKind::kCuda) {
    spec.root.read_only.push_back(toolkit_->root.native());
    spec.scratch_bytes = kCudaScratchBytes;
    spec.limits.wall = options_.cuda->wall;
    spec.limits.cpu = options_.cuda->cpu;
    spec.limits.memory_bytes = options_.cuda->memory_bytes;
    spec.argv = NvccCommand(*toolkit_, options_.compiler, options_.include_dir, unit.stem);
    spec.outputs = NvccProducts(unit.stem);
  } else {
    spec.argv = {options_.compiler};
    for (const std::string& flag : Flags()) spec.argv.push_back(flag);
    spec.argv.insert(spec.argv.end(), {"-save-temps=cwd", "-dumpbase", "kernel", "-dumpbase-ext", "", "-MD", "-MF",
                                       kDependencies, "-I" + options_.include_dir.native(), "-o", kObject, unit.File()});
    spec.outputs = {kObject, kDependencies, "kernel-" + unit.stem + ".ii"};
  }
  for (const CandidateFile& file : candidate.files) {
    if (unit.Reads(file.name)) spec.inputs.push_back({file.name, file.bytes});
  }
  return spec;
}

// Checks what the compiler left and takes the object if nothing is wrong. Returns what is to be told besides.
std::string KernelCompiler::TakeProducts(const sandbox::RunReport& report, KernelKind kind, CompiledKernel* kernel) const {
  for (const sandbox::Artefact& artefact : report.artefacts) {
    if (!artefact.bytes) return artefact.name + ": " + artefact.problem + "\n";
  }
  const auto product = [&report](size_t number) { return std::string_view(*report.artefacts[number].bytes); };
  const std::string_view object = product(0);
  if (object.size() > kMaxObjectBytes) {
    return "the shared object has " + std::to_string(object.size()) + " bytes, limit " + std::to_string(kMaxObjectBytes) + "\n";
  }
  const std::string& file = kernel->diagnostics.file;
  if (options_.check_products && kind == KernelKind::kCuda) {
    const CudaProducts products{file, product(2), product(3), product(1), object};
    kernel->findings = TextOf(CheckCudaKernel(products, cuda_header_folders_));
  } else if (options_.check_products) {
    kernel->findings = TextOf(CheckKernel({file, product(2), product(1), object}, header_folders_));
  }
  if (!kernel->findings.empty()) return kernel->findings + "\n";
  kernel->object = object;
  kernel->diagnostics.ok = true;
  return "";
}

Result<std::vector<CompiledKernel>> KernelCompiler::Compile(const Candidate& candidate, Deadline deadline) const {
  if (!candidate.cuda_kernels.empty() && !toolkit_) {
    return Error{ErrorCode::kUnavailable, "the candidate has CUDA kernels, and this lane was given no nvcc"};
  }
  std::vector<Unit> units;
  for (const std::string& stem : candidate.kernels) units.push_back({stem, KernelKind::kCpp});
  for (const std::string& stem : candidate.cuda_kernels) units.push_back({stem, KernelKind::kCuda});
  std::vector<CompiledKernel> kernels;
  for (const Unit& unit : units) {
    ASSIGN_OR_RETURN(CompiledKernel kernel, CompileOne(candidate, unit, deadline));
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

}  // namespace passnet::evaluator
