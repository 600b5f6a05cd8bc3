#include "evaluator/lane/prepare.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "evaluator/candidate/candidate.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/answers.h"
#include "evaluator/lane/clean_end.h"
#include "evaluator/lane/reader_child.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::minutes kCompileLimit{10};  // each unit has a limit of its own
constexpr uint32_t kMaxScreenBytes = 4u << 20;
constexpr uint32_t kMaxTraceBytes = 16u << 20;
constexpr size_t kMaxOutputShown = 8u << 10;
constexpr const char* kCpuDevice = "cpu";

// Why what needs `part` of a CUDA lane is not scored here.
std::string NotHere(const Workshop& workshop, const std::string& what, const std::string& part) {
  if (workshop.device == kCpuDevice) return what + ", which needs a GPU lane; this lane is cpu, so it is not scored";
  return what + ", and this lane (" + workshop.device + ") has no " + part + ", so it is not scored";
}

void Fail(Verdict verdict, const std::string& reason, EvaluationReport* report) {
  report->verdict = verdict;
  report->reason = reason;
}

Json FilesOf(const Candidate& candidate) {
  Json files = Json::MakeObject();
  for (const CandidateFile& file : candidate.files) files.Set(file.name, file.bytes);
  return files;
}

// False when the screen found something: every graph then has R.STATIC.
Result<bool> Screen(const Workshop& workshop, const Json& files, EvaluationReport* report) {
  if (workshop.ablation.Omits(Layer::kScreen)) return true;
  ReaderQuestion question;
  question.role = "screen";
  question.first_frame = {{"files", files}};
  question.harmless = {{"files", Json::MakeObject()}};
  question.limit = workshop.screen_limit;
  question.max_bytes = kMaxScreenBytes;
  question.kept = workshop.kept;
  std::string findings;
  const auto read = [&findings](std::string_view frame) -> Status {
    ASSIGN_OR_RETURN(findings, ReadScreen(frame));
    return OkStatus();
  };
  ASSIGN_OR_RETURN(std::optional<NoAnswer> none, AskReader(workshop.zygote, question, read));
  if (none) {
    Fail(none->timed_out ? Verdict::kTimeout : Verdict::kCrash, "while its files were screened: " + none->how, report);
    return false;
  }
  if (findings.empty()) return true;
  Fail(Verdict::kStatic, findings, report);
  return false;
}

// False when a kernel does not compile, breaks a rule that only the compiler's products show, or is another lane's.
Result<bool> Compile(const Workshop& workshop, const Candidate& candidate, PreparedCandidate* prepared,
                     EvaluationReport* report) {
  const bool has_nvcc = workshop.device != kCpuDevice && !workshop.compiler->cuda_version().empty();
  if (!candidate.cuda_kernels.empty() && !has_nvcc) {
    Fail(Verdict::kUnsupported, NotHere(workshop, "the kernel " + candidate.cuda_kernels[0] + ".cu is CUDA's", "nvcc"), report);
    return false;
  }
  if (candidate.kernels.empty() && candidate.cuda_kernels.empty()) return true;
  ASSIGN_OR_RETURN(prepared->kernels, workshop.compiler->Compile(candidate, Deadline::After(kCompileLimit)));
  std::string broken, findings;
  for (const CompiledKernel& kernel : prepared->kernels) {
    report->compile.push_back(kernel.diagnostics);
    if (!kernel.findings.empty()) findings += (findings.empty() ? "" : "; ") + kernel.findings;
    if (!kernel.diagnostics.ok) broken += (broken.empty() ? "" : ", ") + kernel.diagnostics.file;
  }
  if (broken.empty()) return true;
  if (!findings.empty()) {
    report->verdict = Verdict::kStatic;
    report->reason = findings.substr(0, kMaxReasonBytes);
    return false;
  }
  report->verdict = Verdict::kCompile;
  report->reason = broken + " did not compile";
  return false;
}

// The trace child gave no frame: died, hung, or wrote something that is none.
CallFailure SilentTrace(const Error& error, WorkerProcess& process) {
  CallFailure failure{CallFailureKind::kDied, error.context, {}};
  if (error.code == ErrorCode::kDeadlineExceeded) failure.kind = CallFailureKind::kTimeout;
  if (error.code == ErrorCode::kDataCorrupt) failure.kind = CallFailureKind::kProtocol;
  if (failure.kind == CallFailureKind::kDied) failure.end = process.End();
  return failure;
}

// Passes that could not be loaded, as diagnostics and as one line.
std::string NotePassErrors(const std::vector<PassError>& errors, EvaluationReport* report) {
  std::string line;
  for (const PassError& error : errors) {
    const std::string file = error.pass + ".py";
    const std::string what = error.what.substr(0, kMaxReasonBytes);
    report->compile.push_back({file, false, false, 0, what});
    line += (line.empty() ? "" : "; ") + file + ": " + what;
  }
  return line.substr(0, kMaxReasonBytes);
}

// False when the candidate's own code failed.
bool JudgeTrace(const Workshop& workshop, const TraceAnswer& answer, EvaluationReport* report) {
  if (answer.error) {
    Fail(Verdict::kCrash, "while its patterns were traced: " + integrity::LastLine(*answer.error), report);
    return false;
  }
  const std::string errors = NotePassErrors(answer.errors, report);
  const bool breaks_rule = std::any_of(answer.errors.begin(), answer.errors.end(),
                                       [](const PassError& error) { return error.breaks_rule; });
  if (answer.uses_triton && !workshop.has_triton) {
    Fail(Verdict::kUnsupported, NotHere(workshop, "the pass uses triton", "Triton"), report);
    return false;
  }
  if (breaks_rule) {
    Fail(Verdict::kStatic, errors, report);
    return false;
  }
  if (!answer.has_passes) {
    Fail(Verdict::kCompile, errors.empty() ? "no pass could be loaded" : errors, report);
    return false;
  }
  return true;
}

struct TraceFrame {
  std::string frame;
  std::optional<CallFailure> failure;  // why there is none
};

Result<TraceFrame> AskForTrace(const Workshop& workshop, const Json& files, EvaluationReport* report) {
  ForkSpec spec;
  spec.role = "trace";
  spec.plan = "reader";
  spec.first_frame = Json{{"files", files}}.Dump();
  const std::string key = AnswerKey(spec.role, spec.first_frame);
  if (const ChildAnswer* known = workshop.kept != nullptr ? workshop.kept->Find(key) : nullptr) {
    report->candidate_output = known->output;
    return TraceFrame{known->frame, {}};
  }
  const Deadline deadline = Deadline::After(workshop.trace_limit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(workshop.zygote, spec, deadline));
  auto frame = process->channel().ReceiveFrame(deadline, kMaxTraceBytes);
  report->candidate_output = process->Output(kMaxOutputShown);
  if (!frame) return TraceFrame{"", SilentTrace(frame.error(), *process)};
  if (auto wrong = WrongAfterAnswer(*process, deadline)) {
    return TraceFrame{"", CallFailure{CallFailureKind::kProtocol, std::move(*wrong), {}}};
  }
  // It ended as an honest one does, and every use reads it with the same checks. What failed is asked again.
  const auto answer = ReadTrace(frame.value().json);
  if (workshop.kept != nullptr && answer && !answer.value().error) {
    workshop.kept->Put(key, {frame.value().json, report->candidate_output});
  }
  return TraceFrame{std::move(frame.value().json), {}};
}

// The trace child's answer, or nothing when the candidate's own code failed.
Result<std::optional<TraceAnswer>> Trace(const Workshop& workshop, const Json& files, EvaluationReport* report) {
  const std::optional<TraceAnswer> none;
  ASSIGN_OR_RETURN(TraceFrame said, AskForTrace(workshop, files, report));
  // A busy machine can make an honest one late or kill it, so it may try again; bytes that are no answer are its own.
  if (said.failure && said.failure->kind != CallFailureKind::kProtocol) {
    ASSIGN_OR_RETURN(said, AskForTrace(workshop, files, report));
  }
  if (said.failure) {
    GraphReport fate;
    fate.verdict = Verdict::kOk;
    integrity::JudgeFailure(*said.failure, &fate);
    Fail(fate.verdict, "while its patterns were traced: " + fate.reason, report);
    return none;
  }
  auto answer = ReadTrace(said.frame);
  if (!answer) {
    Fail(Verdict::kTamper, "while its patterns were traced: it wrote bytes that are no answer: " + answer.error().context,
         report);
    return none;
  }
  if (!JudgeTrace(workshop, answer.value(), report)) return none;
  return std::optional(std::move(answer).value());
}

}  // namespace

Result<std::optional<PreparedCandidate>> PrepareCandidate(const Workshop& workshop, const EvaluateRequest& request,
                                                          EvaluationReport* report) {
  const std::optional<PreparedCandidate> none;
  Stopwatch watch(&report->timings_ms);
  auto candidate = MakeCandidate(request.files);
  if (!candidate) {
    Fail(Verdict::kCompile, candidate.error().context, report);
    return none;
  }
  PreparedCandidate prepared;
  prepared.files = FilesOf(candidate.value());
  ASSIGN_OR_RETURN(bool clean, Screen(workshop, prepared.files, report));
  watch.Lap("screen");
  if (!clean) return none;
  ASSIGN_OR_RETURN(bool compiled, Compile(workshop, candidate.value(), &prepared, report));
  watch.Lap("compile");
  if (!compiled) return none;
  ASSIGN_OR_RETURN(std::optional<TraceAnswer> traced, Trace(workshop, prepared.files, report));
  watch.Lap("trace");
  if (!traced) return none;
  prepared.traced = std::move(traced->traced);
  prepared.uses_triton = traced->uses_triton;
  return std::optional(std::move(prepared));
}

}  // namespace passnet::evaluator
