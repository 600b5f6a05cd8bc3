#include "evaluator/lane/prepare.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "evaluator/candidate/candidate.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kTraceLimit{30};  // a pattern traces in milliseconds; beyond it, it hangs
constexpr std::chrono::seconds kScreenLimit{30};
constexpr std::chrono::minutes kCompileLimit{10};  // each unit has a limit of its own
constexpr uint32_t kMaxScreenBytes = 4u << 20;
constexpr uint32_t kMaxTraceBytes = 16u << 20;
constexpr size_t kMaxReasonBytes = 2000;
// As passnet_worker/trace.py writes them: PATTERN_LIMIT, NAME and encoding.MAX_STRING.
constexpr size_t kMaxPasses = 100;
constexpr size_t kMaxPassNameBytes = 128;
constexpr size_t kMaxNodeTextBytes = 4096;
constexpr size_t kMaxOutputShown = 8u << 10;

Json FilesOf(const Candidate& candidate) {
  Json files = Json::MakeObject();
  for (const CandidateFile& file : candidate.files) files.Set(file.name, file.bytes);
  return files;
}

// A throw-away child that gets the candidate's files with its first frame.
ForkSpec ReaderOf(const Json& files, const std::string& role) {
  ForkSpec spec;
  spec.role = role;
  spec.plan = "reader";
  spec.first_frame = Json{{"files", files}}.Dump();
  return spec;
}

struct Finding {
  std::string file, rule, text;
  int64_t line = 0;
};

void VisitFinding(FieldVisitor& fields, Finding& finding) {
  fields.Required("file");
  fields.Text("file", &finding.file);
  fields.Required("rule");
  fields.Text("rule", &finding.rule);
  fields.Text("text", &finding.text);
  fields.Integer("line", &finding.line, 0, std::numeric_limits<int32_t>::max());
}

std::string TextOf(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += (text.empty() ? "" : "; ") + finding.file + ":" + std::to_string(finding.line);
    text += " [" + finding.rule + "] " + finding.text;
    if (text.size() > kMaxReasonBytes) break;
  }
  return text;
}

// What the screen found, as one line; empty when there is nothing to find fault with.
Result<std::string> ReadScreen(std::string_view frame) {
  constexpr const char* kWho = "the screen";
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame, kWho));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kWho));
  if (words) return Internal("the screen failed: " + integrity::LastLine(*words));
  std::vector<Finding> findings;
  RETURN_IF_ERROR(ReadAnswer(answer, kWho, [&](FieldVisitor& fields) {
    fields.Required("findings");
    VisitList(fields, "findings", &findings, VisitFinding);
  }));
  return TextOf(findings);
}

// False when the screen found something: every graph then has R.STATIC.
Result<bool> Screen(const Workshop& workshop, const Json& files, EvaluationReport* report) {
  if (workshop.ablation.Omits(Layer::kScreen)) return true;
  Deadline deadline = Deadline::After(kScreenLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(workshop.zygote, ReaderOf(files, "screen"), deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, process->channel().ReceiveFrame(deadline, kMaxScreenBytes));
  ASSIGN_OR_RETURN(report->reason, ReadScreen(frame.json));
  if (report->reason.empty()) return true;
  report->verdict = Verdict::kStatic;
  return false;
}

// False when a kernel does not compile.
Result<bool> Compile(const Workshop& workshop, const Candidate& candidate, PreparedCandidate* prepared,
                     EvaluationReport* report) {
  if (candidate.kernels.empty()) return true;
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

// A pass that could not be loaded. Every field is what a candidate's process wrote.
struct PassError {
  std::string pass, what;
  bool breaks_rule = false;
};

struct TracedNode {
  std::string name, op, target;
};

struct TracedPass {
  std::string name;
  std::vector<TracedNode> nodes;
};

struct TraceAnswer {
  std::optional<std::string> error;  // the tracing as a whole failed
  std::vector<PassError> errors;
  bool uses_triton = false;
  bool has_passes = false;
};

// What the match child will take for texts is made sure of here, where a wrong type is still the candidate's own doing.
void VisitNode(FieldVisitor& fields, TracedNode& node) {
  for (auto [key, text] : {std::pair{"name", &node.name}, {"op", &node.op}, {"target", &node.target}}) {
    fields.Required(key);
    fields.Text(key, text);
  }
}

void VisitPass(FieldVisitor& fields, TracedPass& pass) {
  fields.Required("name");
  fields.Text("name", &pass.name);
  fields.Required("nodes");
  VisitList(fields, "nodes", &pass.nodes, VisitNode);
}

void VisitPassError(FieldVisitor& fields, PassError& error) {
  fields.Text("pass", &error.pass);
  fields.Text("what", &error.what);
  fields.Flag("static", &error.breaks_rule);
}

// Every text of it that goes into a report or a match child's answer has a bound, whoever wrote it.
Status CheckSizes(const std::vector<TracedPass>& passes, const std::vector<PassError>& errors) {
  if (passes.size() > kMaxPasses) return DataCorrupt("it names " + std::to_string(passes.size()) + " passes");
  if (errors.size() > kMaxPasses + 1) return DataCorrupt("it names " + std::to_string(errors.size()) + " errors");
  for (const TracedPass& pass : passes) {
    bool fits = pass.name.size() <= kMaxPassNameBytes;
    for (const TracedNode& node : pass.nodes) {
      fits = fits && std::max({node.name.size(), node.op.size(), node.target.size()}) <= kMaxNodeTextBytes;
    }
    if (!fits) return DataCorrupt("a pass or a node has a name that no honest tracer gives it");
  }
  for (const PassError& error : errors) {
    if (error.pass.size() > kMaxPassNameBytes) return DataCorrupt("an error names a pass that no honest tracer names");
  }
  return OkStatus();
}

// An Error here is the candidate's doing, not ours: its code ran in the process that wrote this.
Result<TraceAnswer> ReadTrace(const Json& json) {
  constexpr const char* kWho = "the process that traces them";
  TraceAnswer answer;
  ASSIGN_OR_RETURN(answer.error, ErrorIn(json, kWho));
  if (answer.error) return answer;
  std::string unsupported;
  std::vector<TracedPass> passes;
  RETURN_IF_ERROR(ReadAnswer(json, kWho, [&](FieldVisitor& fields) {
    fields.Required("passes");
    VisitList(fields, "passes", &passes, VisitPass);
    fields.Required("errors");
    VisitList(fields, "errors", &answer.errors, VisitPassError);
    fields.Flag("uses_triton", &answer.uses_triton);
    fields.Text("unsupported_lane", &unsupported);
  }));
  RETURN_IF_ERROR(CheckSizes(passes, answer.errors));
  answer.has_passes = !passes.empty();
  answer.uses_triton |= !unsupported.empty();
  return answer;
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
  if (answer.uses_triton) {
    Fail(Verdict::kUnsupported,
         "the pass uses triton, which needs a GPU lane; this lane is " + workshop.device + ", so it is not scored", report);
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

// The trace child's answer, or nothing when the candidate's own code failed.
Result<std::optional<Json>> Trace(const Workshop& workshop, const Json& files, EvaluationReport* report) {
  const std::optional<Json> none;
  Deadline deadline = Deadline::After(kTraceLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(workshop.zygote, ReaderOf(files, "trace"), deadline));
  auto frame = process->channel().ReceiveFrame(deadline, kMaxTraceBytes);
  report->candidate_output = process->Output(kMaxOutputShown);
  if (!frame) {
    FailSilentTrace(frame.error(), *process, report);
    return none;
  }
  auto json = ParseAnswer(frame.value().json, "the process that traces them");
  auto answer = json ? ReadTrace(json.value()) : Result<TraceAnswer>(json.error());
  if (!answer) {
    Fail(Verdict::kTamper, "while its patterns were traced: it wrote bytes that are no answer: " + answer.error().context,
         report);
    return none;
  }
  if (!JudgeTrace(workshop, answer.value(), report)) return none;
  return std::optional(std::move(json).value());
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
  ASSIGN_OR_RETURN(std::optional<Json> traced, Trace(workshop, prepared.files, report));
  watch.Lap("trace");
  if (!traced) return none;
  prepared.traced = std::move(*traced);
  return std::optional(std::move(prepared));
}

}  // namespace passnet::evaluator
