#include "evaluator/compile/triton_compiler.h"

#include <string_view>
#include <system_error>
#include <utility>

#include "base/fields.h"
#include "base/file.h"
#include "base/sha256.h"
#include "evaluator/compile/triton_pack.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTritonBox = "/box";
constexpr size_t kMaxResultBytes = 4u << 20;  // 1024 notes of at most 2 KiB and an error of 16 KiB
constexpr size_t kMaxNotes = 1024;
constexpr size_t kMaxNoteBytes = 2048;
constexpr size_t kMaxReason = 1000;
constexpr uint64_t kScratchBytes = 512ull << 20;  // Triton's intermediate texts too
constexpr const char* kJob = "job.json";
constexpr const char* kResult = "result.json";
constexpr const char* kPack = "kernels.pack";

// What an interpreter of the system needs: it, its library, and the loader's. What is not named is not there, a shell and a
// compiler among it.
sandbox::RootSpec RootOf(const TritonCompilerOptions& options) {
  sandbox::RootSpec root;
  root.read_only = {options.worker_dir.native()};
  for (const fs::path& folder : options.folders) root.read_only.push_back(folder.native());
  std::error_code failed;
  const fs::path real = fs::canonical(options.python, failed);
  if (!failed && real.native().starts_with("/usr/bin/")) {
    root.read_only.push_back(real.native());
    root.read_only_if_present.push_back("/usr/lib/" + real.filename().native());
  } else if (!failed) {
    root.read_only.push_back(real.parent_path().parent_path().native());
  }
  for (const char* part : {"/lib/x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2", "/lib/aarch64-linux-gnu",
                           "/lib/ld-linux-aarch64.so.1", "/etc/ld.so.cache"}) {
    root.read_only_if_present.push_back(part);
  }
  root.tmp_bytes = 256ull << 20;
  return root;
}

std::string JobOf(const std::string& architecture, const Json& files, const std::vector<TritonGraph>& graphs) {
  Json list = Json::MakeArray();
  for (const TritonGraph& graph : graphs) {
    list.Push({{"path", graph.path}, {"source", graph.source}, {"module", graph.module}, {"inputs", graph.inputs},
               {"plan", graph.plan}});
  }
  return Json{{"architecture", architecture}, {"files", files}, {"graphs", list}}.Dump();
}

struct TritonResult {
  std::vector<TritonNote> kernels, autotuned;
  Json error;
};

// Cut to `max_bytes`, where no character is cut.
void Cut(std::string* text, size_t max_bytes) {
  if (text->size() <= max_bytes) return;
  while (max_bytes > 0 && (static_cast<unsigned char>((*text)[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  text->resize(max_bytes);
}

struct AutotuneNote {
  std::string graph, kernel, choice;
  bool measured = false;
};

Result<TritonResult> ReadResult(const std::string& text) {
  const JsonLimits limits{.max_bytes = kMaxResultBytes, .max_depth = 8, .max_values = 8 * kMaxNotes};
  ASSIGN_OR_RETURN(const Json json, ParseJsonObject(text, kResult, limits));
  TritonResult result;
  std::vector<AutotuneNote> autotuned;
  FieldReader fields(json, UnknownKeys::kIgnored);
  VisitList(fields, "kernels", &result.kernels, [](FieldVisitor& of, TritonNote& note) {
    of.Text("graph", &note.graph);
    of.Text("what", &note.what);
  });
  VisitList(fields, "autotuned", &autotuned, [](FieldVisitor& of, AutotuneNote& note) {
    of.Text("graph", &note.graph);
    of.Text("kernel", &note.kernel);
    of.Text("choice", &note.choice);
    of.Flag("measured", &note.measured);
  });
  fields.Any("error", &result.error);
  RETURN_IF_ERROR(fields.Check(kResult));
  if (result.kernels.size() > kMaxNotes || autotuned.size() > kMaxNotes) return DataCorrupt(std::string(kResult) + ": too long");
  for (AutotuneNote& note : autotuned) {
    result.autotuned.push_back({std::move(note.graph), note.kernel + ": " + note.choice + (note.measured ? "" : " (not measured)")});
  }
  for (auto* notes : {&result.kernels, &result.autotuned}) {
    for (TritonNote& note : *notes) Cut(&note.graph, kMaxNoteBytes), Cut(&note.what, kMaxNoteBytes);
  }
  return result;
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const size_t begin = text.rfind('\n');
  std::string line(begin == std::string_view::npos ? text : text.substr(begin + 1));
  Cut(&line, kMaxReason);
  return line;
}

}  // namespace

sandbox::RunSpec TritonCompiler::Spec() const {
  sandbox::RunSpec spec;
  spec.environment = {{"PATH", "/nowhere"},  // Triton knows where its tools are
                      {"HOME", "/tmp"},
                      {"LANG", "C.UTF-8"},
                      {"PYTHONPATH", options_.worker_dir.native()},
                      {"PYTHONDONTWRITEBYTECODE", "1"},
                      {"PYTHONHASHSEED", "0"},
                      {"OMP_NUM_THREADS", "1"},
                      {"MKL_NUM_THREADS", "1"}};
  spec.root = RootOf(options_);
  spec.scratch = kTritonBox;
  spec.scratch_bytes = kScratchBytes;
  spec.limits.wall = options_.wall;
  spec.limits.cpu = options_.cpu;
  spec.limits.memory_bytes = options_.memory_bytes;
  spec.limits.processes = 32;
  spec.limits.output_bytes = 64u << 10;
  spec.limits.file_bytes = kMaxTritonBytes + (1u << 20);
  spec.output_file_bytes = kMaxTritonBytes + (1u << 20);
  spec.cores = options_.cores;
  return spec;
}

Result<TritonCompiler> TritonCompiler::Create(TritonCompilerOptions options, Deadline deadline) {
  TritonCompiler compiler(std::move(options));
  sandbox::RunSpec spec = compiler.Spec();
  spec.argv = {compiler.options_.python.native(), "-s", "-c",
               "import sys, torch, triton, passnet_worker.triton_compile\n"
               "print('python', sys.version, 'torch', torch.__version__, 'triton', triton.__version__)"};
  ASSIGN_OR_RETURN(const sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (!report.outcome.Ok()) {
    return Error{ErrorCode::kUnavailable, "the compile jail cannot run " + compiler.options_.python.native() + " with torch and "
                                          "Triton: " + report.outcome.reason + " " + LastLine(report.err.Text())};
  }
  compiler.version_ = report.out.Text();
  std::error_code failed;
  fs::create_directories(compiler.options_.cache_dir, failed);
  if (failed) return Error::FromErrno("mkdir", compiler.options_.cache_dir.native(), failed.value());
  return compiler;
}

Result<TritonCompilation> TritonCompiler::Compile(const Json& files, const std::vector<TritonGraph>& graphs,
                                                  Deadline deadline) const {
  TritonCompilation compilation;
  compilation.diagnostics.file = "Triton";
  const std::string job = JobOf(options_.architecture, files, graphs);
  Sha256 hash;
  hash.UpdateField("passnet.triton/1").UpdateField(version_).UpdateField(job);
  const fs::path kept = options_.cache_dir / ToHex(hash.Finish());
  if (TakeKept(kept, &compilation)) return compilation;
  sandbox::RunSpec spec = Spec();
  spec.argv = {options_.python.native(), "-s", "-m", "passnet_worker.triton_compile"};
  spec.inputs = {{kJob, job}};
  spec.outputs = {kResult, kPack};
  ASSIGN_OR_RETURN(const sandbox::RunReport report, sandbox::Run(spec, deadline));
  if (report.outcome.kind == sandbox::OutcomeKind::kSetupFailed) {
    return Error{ErrorCode::kUnavailable, "the compile jail could not be set up: " + report.outcome.reason};
  }
  compilation.diagnostics.seconds = std::chrono::duration<double>(report.accounting.wall).count();
  if (report.outcome.Ok()) {
    RETURN_IF_ERROR(TakeProducts(report, kept, &compilation));
  } else {
    TakeFailure(report, &compilation);
  }
  compilation.diagnostics.ok = compilation.verdict == Verdict::kOk;
  return compilation;
}

// A child's answer that was found good before: checked like a fresh one.
bool TritonCompiler::TakeKept(const fs::path& kept, TritonCompilation* compilation) const {
  auto text = ReadFile(kept.native() + ".json", kMaxResultBytes);
  auto pack = ReadFile(kept.native() + ".pack", 2 * kMaxTritonBytes);
  if (!text || !pack) return false;
  auto result = ReadResult(text.value());
  if (!result || !ReadTritonPack(pack.value(), options_.architecture)) return false;
  compilation->kernels = std::move(result.value().kernels);
  compilation->autotuned = std::move(result.value().autotuned);
  compilation->pack = std::move(pack).value();
  compilation->diagnostics.ok = compilation->diagnostics.cached = true;
  return true;
}

Status TritonCompiler::TakeProducts(const sandbox::RunReport& report, const fs::path& kept,
                                    TritonCompilation* compilation) const {
  const auto tampered = [&](const std::string& reason) {
    compilation->verdict = Verdict::kTamper;
    compilation->reason = "while its kernels were compiled: " + reason;
    return OkStatus();
  };
  for (const sandbox::Artefact& artefact : report.artefacts) {
    if (!artefact.bytes) return tampered(artefact.name + ": " + artefact.problem);
  }
  auto result = ReadResult(*report.artefacts[0].bytes);
  if (!result) return tampered(result.error().context);
  compilation->kernels = std::move(result.value().kernels);
  compilation->autotuned = std::move(result.value().autotuned);
  if (const Json& error = result.value().error; !error.is_null()) {
    compilation->verdict = Verdict::kCompile;
    compilation->diagnostics.diagnostics = Trim(error["text"].Text());
    std::string graph = error["graph"].Text();
    Cut(&graph, kMaxReason);
    compilation->reason = "its kernels could not be compiled" + (graph.empty() ? "" : " for " + graph) + ": " +
                          LastLine(compilation->diagnostics.diagnostics);
    return OkStatus();
  }
  const std::string& pack = *report.artefacts[1].bytes;
  if (auto files = ReadTritonPack(pack, options_.architecture); !files) return tampered(files.error().context);
  RETURN_IF_ERROR(WriteFileAtomic(kept.native() + ".pack", pack));
  RETURN_IF_ERROR(WriteFileAtomic(kept.native() + ".json", *report.artefacts[0].bytes));
  compilation->pack = pack;
  return OkStatus();
}

void TritonCompiler::TakeFailure(const sandbox::RunReport& report, TritonCompilation* compilation) const {
  compilation->diagnostics.diagnostics = Trim(report.err.Text() + report.out.Text());
  std::string what = report.outcome.reason;
  switch (report.outcome.kind) {
    case sandbox::OutcomeKind::kWallTimeout:
    case sandbox::OutcomeKind::kCpuTimeout:
      compilation->verdict = Verdict::kTimeout;
      what = "not done within " + std::to_string(options_.wall.count()) + " s, or " + std::to_string(options_.cpu.count()) +
             " s of CPU time";
      break;
    case sandbox::OutcomeKind::kMemory:
      compilation->verdict = Verdict::kOutOfMemory;
      what = "needs more than " + std::to_string(options_.memory_bytes >> 20) + " MiB";
      break;
    case sandbox::OutcomeKind::kSyscall:
      compilation->verdict = Verdict::kTamper;
      break;
    default:
      compilation->verdict = Verdict::kCrash;
  }
  compilation->reason = "while its kernels were compiled: " + what;
}

// With the jail's paths taken off, cut to the bound; the end tells what went wrong.
std::string TritonCompiler::Trim(std::string text) const {
  for (const std::string_view prefix : {"/tmp/passnet-candidate/pass_dir/", "/box/"}) {
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at)) text.erase(at, prefix.size());
  }
  if (text.size() <= options_.max_text_bytes) return text;
  size_t begin = text.find('\n', text.size() - options_.max_text_bytes);
  begin = begin == std::string::npos ? text.size() - options_.max_text_bytes : begin + 1;
  return "… the beginning was left out\n" + text.substr(begin);
}

}  // namespace passnet::evaluator
