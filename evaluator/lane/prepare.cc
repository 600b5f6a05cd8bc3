#include "evaluator/lane/prepare.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "evaluator/candidate/candidate.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {
namespace {

// Ordered: keyword arguments of a traced node keep their order on the way through.
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kTraceLimit{30};  // a pattern traces in milliseconds; beyond it, it hangs
constexpr std::chrono::seconds kScreenLimit{30};
constexpr std::chrono::minutes kCompileLimit{10};  // each unit has a limit of its own
constexpr uint32_t kMaxScreenBytes = 4u << 20;
constexpr uint32_t kMaxTraceBytes = 16u << 20;
constexpr size_t kMaxReasonBytes = 2000;
constexpr size_t kMaxOutputShown = 8u << 10;

std::string FilesJson(const Candidate& candidate) {
  Json files = Json::object();
  for (const CandidateFile& file : candidate.files) files[file.name] = file.bytes;
  return files.dump();
}

// A throw-away child that gets the candidate's files with its first frame.
ForkSpec ReaderOf(const Candidate& candidate, const std::string& role) {
  ForkSpec spec;
  spec.role = role;
  spec.plan = "reader";
  spec.first_frame = "{\"files\":" + FilesJson(candidate) + "}";
  return spec;
}

std::string FindingsText(const Json& findings) {
  std::string text;
  for (const Json& finding : findings) {
    text += (text.empty() ? "" : "; ") + finding.value("file", "?") + ":" + std::to_string(finding.value("line", 0));
    text += " [" + finding.value("rule", "?") + "] " + finding.value("text", "");
    if (text.size() > kMaxReasonBytes) break;
  }
  return text;
}

// False when the screen found something: every graph then has R.STATIC.
Result<bool> Screen(const Workshop& workshop, const Candidate& candidate, EvaluationReport* report) {
  Deadline deadline = Deadline::After(kScreenLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(workshop.zygote, ReaderOf(candidate, "screen"), deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, process->channel().ReceiveFrame(deadline, kMaxScreenBytes));
  Json reply = Json::parse(frame.json, nullptr, false);
  if (!reply.is_object()) return DataCorrupt("the screen sent nonsense");
  if (reply.contains("error")) {
    return Internal("the screen failed: " + integrity::LastLine(reply["error"].get<std::string>()));
  }
  report->reason = FindingsText(reply["findings"]);
  if (report->reason.empty()) return true;
  report->verdict = Verdict::kStatic;
  return false;
}

// False when a kernel does not compile.
Result<bool> Compile(const Workshop& workshop, const Candidate& candidate, PreparedCandidate* prepared,
                     EvaluationReport* report) {
  ASSIGN_OR_RETURN(prepared->kernels, workshop.compiler->Compile(candidate, Deadline::After(kCompileLimit)));
  std::string broken;
  for (const CompiledKernel& kernel : prepared->kernels) {
    report->compile.push_back(kernel.diagnostics);
    if (!kernel.diagnostics.ok) broken += (broken.empty() ? "" : ", ") + kernel.diagnostics.file;
  }
  if (broken.empty()) return true;
  report->verdict = Verdict::kCompile;
  report->reason = broken + " did not compile";
  return false;
}

void Fail(Verdict verdict, const std::string& reason, EvaluationReport* report) {
  report->verdict = verdict;
  report->reason = reason;
}

// The trace child gave no frame: died, hung, or wrote something that is none.
void FailSilentTrace(const Error& error, WorkerProcess& process, EvaluationReport* report) {
  CallFailure failure{CallFailureKind::kDied, error.context, {}};
  if (error.code == ErrorCode::kDeadlineExceeded) failure.kind = CallFailureKind::kTimeout;
  if (error.code == ErrorCode::kDataCorrupt) failure.kind = CallFailureKind::kProtocol;
  if (failure.kind == CallFailureKind::kDied) failure.end = process.End();
  GraphReport fate;
  fate.verdict = Verdict::kOk;
  integrity::JudgeFailure(failure, &fate);
  Fail(fate.verdict, "while its patterns were traced: " + fate.reason, report);
}

bool IsTraceAnswer(const Json& reply) {
  if (!reply.is_object()) return false;
  if (reply.contains("error")) return true;
  return reply.contains("passes") && reply["passes"].is_array() && reply.contains("errors") &&
         reply["errors"].is_array();
}

std::string TextOr(const Json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

// Passes that could not be loaded, as diagnostics and as one line; `is_static` when one of them breaks a static rule.
std::string NotePassErrors(const Json& errors, bool* is_static, EvaluationReport* report) {
  std::string line;
  for (const Json& error : errors) {
    if (!error.is_object()) continue;
    *is_static |= error.contains("static") && error["static"] == true;
    const std::string file = TextOr(error, "pass") + ".py", what = TextOr(error, "what");
    report->compile.push_back({file, false, false, 0, what});
    line += (line.empty() ? "" : "; ") + file + ": " + what;
  }
  return line;
}

// False when the candidate's own code failed. The reply is a candidate's bytes: nothing in it is taken for granted.
bool JudgeTrace(const Workshop& workshop, const Json& reply, EvaluationReport* report) {
  if (!IsTraceAnswer(reply)) {
    Fail(Verdict::kTamper, "while its patterns were traced: it wrote bytes that are no answer", report);
    return false;
  }
  if (reply.contains("error")) {
    Fail(Verdict::kCrash, "while its patterns were traced: " + integrity::LastLine(TextOr(reply, "error")), report);
    return false;
  }
  bool is_static = false;
  const std::string errors = NotePassErrors(reply["errors"], &is_static, report);
  if ((reply.contains("uses_triton") && reply["uses_triton"] == true) || reply.contains("unsupported_lane")) {
    Fail(Verdict::kUnsupported,
         "the pass uses triton, which needs a GPU lane; this lane is " + workshop.device + ", so it is not scored", report);
    return false;
  }
  if (is_static) {
    Fail(Verdict::kStatic, errors, report);
    return false;
  }
  if (reply["passes"].empty()) {
    Fail(Verdict::kCompile, errors.empty() ? "no pass could be loaded" : errors, report);
    return false;
  }
  return true;
}

// The traced passes as JSON, or nothing when the candidate's own code failed.
Result<std::optional<std::string>> Trace(const Workshop& workshop, const Candidate& candidate,
                                         EvaluationReport* report) {
  Deadline deadline = Deadline::After(kTraceLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(workshop.zygote, ReaderOf(candidate, "trace"), deadline));
  auto frame = process->channel().ReceiveFrame(deadline, kMaxTraceBytes);
  report->candidate_output = process->Output(kMaxOutputShown);
  if (!frame) {
    FailSilentTrace(frame.error(), *process, report);
    return std::optional<std::string>();
  }
  Json reply = Json::parse(frame.value().json, nullptr, false);
  if (!JudgeTrace(workshop, reply, report)) return std::optional<std::string>();
  return std::optional(reply.dump());
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
  ASSIGN_OR_RETURN(bool clean, Screen(workshop, candidate.value(), report));
  watch.Lap("screen");
  if (!clean) return none;
  PreparedCandidate prepared;
  ASSIGN_OR_RETURN(bool compiled, Compile(workshop, candidate.value(), &prepared, report));
  watch.Lap("compile");
  if (!compiled) return none;
  ASSIGN_OR_RETURN(std::optional<std::string> traced, Trace(workshop, candidate.value(), report));
  watch.Lap("trace");
  if (!traced) return none;
  prepared.traced_json = *traced;
  prepared.files_json = FilesJson(candidate.value());
  return std::optional(std::move(prepared));
}

}  // namespace passnet::evaluator
