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

// The compiler's words with the jail's paths taken off, cut to the bound at a line.
std::string Trim(std::string text, const KernelCompilerOptions& options) {
  const size_t max_bytes = options.max_diagnostics_bytes;
  // The header's folder first: it may lie below /tmp itself.
  for (const std::string& prefix : {options.include_dir.native() + "/", std::string(kBox) + "/", std::string("/tmp/")}) {
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) text.erase(at, prefix.size());
  }
  if (text.size() <= max_bytes) return text;
  size_t line = text.rfind('\n', max_bytes);
  text.resize(line == std::string::npos ? max_bytes : line + 1);
  return text + "… more diagnostics were left out\n";
}

std::string WhyFailed(const sandbox::RunOutcome& outcome, const KernelCompilerOptions& options) {
  switch (outcome.kind) {
    case sandbox::OutcomeKind::kWallTimeout:
    case sandbox::OutcomeKind::kCpuTimeout:
      return "the compiler did not end within " + std::to_string(options.cpu.count()) + " s of CPU time and was stopped";
    case sandbox::OutcomeKind::kMemory:
      return "the compiler needed more than " + std::to_string(options.memory_bytes >> 20) + " MiB and was stopped";
    case sandbox::OutcomeKind::kOutput:
      return "the compiler wrote too much and was stopped";
    default:
      return outcome.reason;
  }
}

}  // namespace

std::vector<std::string> KernelCompiler::Flags() {
  return {"-std=c++20", "-O3", "-march=native", "-fPIC", "-shared", "-fdiagnostics-color=never", "-fmax-errors=20"};
}

Result<KernelCompiler> KernelCompiler::Create(KernelCompilerOptions options, Deadline deadline) {
  KernelCompiler compiler(std::move(options));
  sandbox::RunSpec spec = SpecOf(compiler.options_);
  spec.argv = {compiler.options_.compiler, "-v", "-E", "-march=native", "-x", "c++", "/dev/null"};
  ASSIGN_OR_RETURN(sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (!report.outcome.Ok()) {
    return Error{ErrorCode::kUnavailable, "the compile jail cannot run " + compiler.options_.compiler + ": " +
                                              report.outcome.reason + " " + report.err.Text()};
  }
  // With -march=native spelled out by the driver, an object is never taken to a machine that lacks its instructions.
  compiler.version_ = report.err.Text();
  compiler.header_folders_ = SearchFolders(compiler.version_);
  if (compiler.header_folders_.empty()) {
    return Internal(compiler.options_.compiler + " -v does not tell where it searches for headers");
  }
  // By itself, so that the text above, which other texts are made of, stays as it is.
  spec.argv = {compiler.options_.compiler, "-std=c++20", "-march=native", "-dM", "-E", "-x", "c++", "/dev/null"};
  ASSIGN_OR_RETURN(sandbox::RunReport macros, sandbox::Run(spec, deadline));
  compiler.facts_ = CompilerFacts(compiler.version_, macros.out.Text(), compiler.header_folders_);
  compiler.header_folders_.push_back(compiler.options_.include_dir.native());
  std::error_code failed;
  std::filesystem::create_directories(compiler.options_.cache_dir, failed);
  if (failed) return Error::FromErrno("mkdir", compiler.options_.cache_dir.native(), failed.value());
  return compiler;
}

std::string KernelCompiler::CacheKey(const Candidate& candidate, const std::string& stem) const {
  Sha256 hash;
  // What nobody looked at is never taken for what passed.
  hash.UpdateField(options_.check_products ? "passnet.kernel/2" : "passnet.kernel/unchecked");
  hash.UpdateField(version_).UpdateField(stem);
  for (const std::string& flag : Flags()) hash.UpdateField(flag);
  // A kernel may include any header of the candidate.
  for (const CandidateFile& file : candidate.files) {
    if (file.name == stem + ".cc" || file.name.ends_with(".h")) hash.UpdateField(file.name).UpdateField(file.bytes);
  }
  return ToHex(hash.Finish());
}

Result<CompiledKernel> KernelCompiler::CompileOne(const Candidate& candidate, const std::string& stem,
                                                  Deadline deadline) const {
  CompiledKernel kernel;
  kernel.stem = stem;
  kernel.diagnostics.file = stem + ".cc";
  std::filesystem::path cached = options_.cache_dir / (CacheKey(candidate, stem) + ".so");
  if (auto object = ReadFile(cached, kMaxObjectBytes); object.has_value() && !object.value().empty()) {
    kernel.object = std::move(object).value();
    kernel.diagnostics.ok = kernel.diagnostics.cached = true;
    return kernel;
  }
  ASSIGN_OR_RETURN(sandbox::RunReport report, sandbox::Run(SpecFor(candidate, stem), deadline));
  if (report.outcome.kind == sandbox::OutcomeKind::kSetupFailed) {
    return Error{ErrorCode::kUnavailable, "the compile jail could not be set up: " + report.outcome.reason};
  }
  kernel.diagnostics.seconds = std::chrono::duration<double>(report.accounting.wall).count();
  std::string text = report.err.Text() + report.out.Text();
  if (report.outcome.Ok()) {
    text += TakeProducts(report, &kernel);
    if (kernel.diagnostics.ok) RETURN_IF_ERROR(WriteFileAtomic(cached, kernel.object));
  } else if (report.outcome.kind != sandbox::OutcomeKind::kExited) {
    text += WhyFailed(report.outcome, options_) + "\n";
  }
  kernel.diagnostics.diagnostics = Trim(std::move(text), options_);
  return kernel;
}

// One run of g++ that also leaves what it compiled after preprocessing, and which files it read: what is checked is what was
// compiled, not the outcome of a second run.
sandbox::RunSpec KernelCompiler::SpecFor(const Candidate& candidate, const std::string& stem) const {
  sandbox::RunSpec spec = SpecOf(options_);
  spec.argv = {options_.compiler};
  for (const std::string& flag : Flags()) spec.argv.push_back(flag);
  spec.argv.insert(spec.argv.end(), {"-save-temps=cwd", "-dumpbase", "kernel", "-dumpbase-ext", "", "-MD", "-MF",
                                     kDependencies, "-I" + options_.include_dir.native(), "-o", kObject, stem + ".cc"});
  for (const CandidateFile& file : candidate.files) {
    if (file.name == stem + ".cc" || file.name.ends_with(".h")) spec.inputs.push_back({file.name, file.bytes});
  }
  spec.outputs = {kObject, kDependencies, "kernel-" + stem + ".ii"};
  return spec;
}

// Checks what the compiler left and takes the object if nothing is wrong. Returns what is to be told besides.
std::string KernelCompiler::TakeProducts(const sandbox::RunReport& report, CompiledKernel* kernel) const {
  for (const sandbox::Artefact& artefact : report.artefacts) {
    if (!artefact.bytes) return artefact.name + ": " + artefact.problem + "\n";
  }
  const std::string& object = *report.artefacts[0].bytes;
  if (object.size() > kMaxObjectBytes) {
    return "the shared object has " + std::to_string(object.size()) + " bytes, limit " + std::to_string(kMaxObjectBytes) + "\n";
  }
  const KernelProducts products{kernel->diagnostics.file, *report.artefacts[2].bytes, *report.artefacts[1].bytes, object};
  if (options_.check_products) kernel->findings = TextOf(CheckKernel(products, header_folders_));
  if (!kernel->findings.empty()) return kernel->findings + "\n";
  kernel->object = object;
  kernel->diagnostics.ok = true;
  return "";
}

Result<std::vector<CompiledKernel>> KernelCompiler::Compile(const Candidate& candidate, Deadline deadline) const {
  std::vector<CompiledKernel> kernels;
  for (const std::string& stem : candidate.kernels) {
    ASSIGN_OR_RETURN(CompiledKernel kernel, CompileOne(candidate, stem, deadline));
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

}  // namespace passnet::evaluator
