#include "evaluator/lane/answers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/launch_list.h"
#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kScreenChild = "the screen";
constexpr const char* kTraceChild = "the process that traces them";
constexpr const char* kMatchChild = "the match child";
constexpr const char* kCandidate = "the candidate's process";

// As passnet_worker/screen.py and trace.py write them: MAX_FINDINGS, PATTERN_LIMIT, NAME and encoding.MAX_STRING.
constexpr size_t kMaxFindings = 200;
constexpr size_t kMaxPasses = 100;
constexpr size_t kMaxPassNameBytes = 128;
constexpr size_t kMaxNodeTextBytes = 4096;

// As evaluator/worker/native/observer.cc counts: kMostNames, kMostNameBytes.
constexpr size_t kMaxCounted = 256;
constexpr size_t kMaxCountedNameBytes = 128;

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
  return text.substr(0, kMaxReasonBytes);
}

struct TracedNode {
  std::string name, op, target;
};

struct TracedPass {
  std::string name;
  std::vector<TracedNode> nodes;
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

// Before they are read one by one: a frame holds millions of empty ones.
Status CheckCounts(const Json& json) {
  const size_t passes = json["passes"].size(), errors = json["errors"].size();
  if (passes > kMaxPasses) return DataCorrupt("it names " + std::to_string(passes) + " passes");
  if (errors > kMaxPasses + 1) return DataCorrupt("it names " + std::to_string(errors) + " errors");
  return OkStatus();
}

// Every text of it that goes into a report or a match child's answer has a bound, whoever wrote it.
Status CheckNames(const std::vector<TracedPass>& passes, const std::vector<PassError>& errors) {
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

void VisitCounted(FieldVisitor& fields, Counted& counted) {
  fields.Required("name");
  fields.Text("name", &counted.name);
  fields.Required("count");
  VisitInteger(fields, "count", &counted.count, 1, std::numeric_limits<int64_t>::max());
}

void VisitKernelTime(FieldVisitor& fields, KernelTime& kernel) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  fields.Required("name");
  fields.Text("name", &kernel.name);
  fields.Required("count");
  VisitInteger(fields, "count", &kernel.count, 1, kMost);
  VisitInteger(fields, "ns", &kernel.nanoseconds, 0, kMost);
}

// `One`: something with a name.
template <typename One>
Status CheckCounted(const std::vector<One>& counted) {
  for (const One& one : counted) {
    if (one.name.size() > kMaxCountedNameBytes) return DataCorrupt("the witness tells a name that it could not have kept");
  }
  return OkStatus();
}

// The pattern that came furthest: what a model can use.
Result<std::string> MissReason(const Json& plan) {
  const std::string text = "no pattern matched";
  const Json& mismatch = plan["first_mismatch"];
  if (mismatch.is_null()) return text;
  std::string pass, what;
  RETURN_IF_ERROR(ReadAnswer(plan, kMatchChild, [&](FieldVisitor& fields) {
    fields.Enter("first_mismatch");
    fields.Required("pass");
    fields.Text("pass", &pass);
    fields.Text("what", &what);
    fields.Leave();
  }));
  const std::string& node = mismatch["pattern_node"].Text();  // null where no single node shows it
  std::string reason = text + ": pass " + pass + ": ";
  if (!node.empty()) reason += "pattern node " + node + " did not line up: ";
  return (reason + what).substr(0, kMaxReasonBytes);
}

}  // namespace

Result<std::string> ReadScreen(std::string_view frame) {
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame, kScreenChild));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kScreenChild));
  if (words) return Internal("the screen failed: " + integrity::LastLine(*words));
  const size_t count = answer["findings"].size();
  if (count > kMaxFindings) return DataCorrupt("the screen names " + std::to_string(count) + " findings");
  std::vector<Finding> findings;
  RETURN_IF_ERROR(ReadAnswer(answer, kScreenChild, [&](FieldVisitor& fields) {
    fields.Required("findings");
    VisitList(fields, "findings", &findings, VisitFinding);
  }));
  return TextOf(findings);
}

Result<TraceAnswer> ReadTrace(std::string_view frame) {
  TraceAnswer answer;
  ASSIGN_OR_RETURN(answer.traced, ParseAnswer(frame, kTraceChild));
  ASSIGN_OR_RETURN(answer.error, ErrorIn(answer.traced, kTraceChild));
  if (answer.error) return answer;
  RETURN_IF_ERROR(CheckCounts(answer.traced));
  std::string unsupported;
  std::vector<TracedPass> passes;
  RETURN_IF_ERROR(ReadAnswer(answer.traced, kTraceChild, [&](FieldVisitor& fields) {
    fields.Required("passes");
    VisitList(fields, "passes", &passes, VisitPass);
    fields.Required("errors");
    VisitList(fields, "errors", &answer.errors, VisitPassError);
    fields.Flag("uses_triton", &answer.uses_triton);
    fields.Text("unsupported_lane", &unsupported);
  }));
  RETURN_IF_ERROR(CheckNames(passes, answer.errors));
  answer.has_passes = !passes.empty();
  answer.uses_triton |= !unsupported.empty();
  return answer;
}

Result<Match> ReadMatch(std::string_view frame) {
  Match match;
  ASSIGN_OR_RETURN(Json plan, ParseAnswer(frame, kMatchChild));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(plan, kMatchChild));
  if (words) {
    match.miss = "matching failed: " + integrity::LastLine(*words);
    return match;
  }
  std::vector<std::string> refused;
  bool rewrites = false;
  RETURN_IF_ERROR(ReadAnswer(plan, kMatchChild, [&](FieldVisitor& fields) {
    VisitInteger(fields, "matched_nodes", &match.matched_nodes, 0, std::numeric_limits<int>::max());
    fields.Number("coverage", &match.coverage, 0, 1);
    fields.Required("upstream_refuses");
    fields.Texts("upstream_refuses", &refused);
    fields.Required("rewrites");
    // Their content goes on to the candidate's process unread.
    fields.List("rewrites", 0, [&](size_t size) { rewrites = size > 0; }, [](size_t) {});
  }));
  match.upstream_refuses = !refused.empty();
  if (!rewrites) {
    ASSIGN_OR_RETURN(match.miss, MissReason(plan));
  }
  match.plan = std::move(plan);
  return match;
}

Result<std::optional<CallFailure>> ReadInstalled(std::string_view frame) {
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame, kCandidate));
  bool installed = false;
  std::string words = "unknown error";
  RETURN_IF_ERROR(ReadAnswer(answer, kCandidate, [&](FieldVisitor& fields) {
    fields.Required("installed");
    fields.Flag("installed", &installed);
    fields.Text("error", &words);
  }));
  if (installed) return std::optional<CallFailure>();
  return std::optional(CallFailure{CallFailureKind::kException, std::move(words), {}});
}

Result<Witness> ReadWitness(std::string_view frame, uint64_t nonce) {
  constexpr const char* kWho = "the witness";
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame, kWho));
  if (!answer["nonce"].is_integer() || answer["nonce"].Unsigned() != nonce) {
    return DataCorrupt("the witness wrote bytes that are no answer to what it was asked");
  }
  const size_t most = std::max({answer["operations"].size(), answer["kernels"].size(), answer["device_kernels"].size()});
  if (most > kMaxCounted) {
    return DataCorrupt("the witness names more than it could have kept");
  }
  Witness witness;
  RETURN_IF_ERROR(ReadAnswer(answer, kWho, [&](FieldVisitor& fields) {
    for (const char* key : {"functions", "operations", "kernels", "copied", "unexplained", "lost"}) fields.Required(key);
    VisitInteger(fields, "functions", &witness.functions, 0, kMax);
    VisitList(fields, "operations", &witness.operations, VisitCounted);
    VisitList(fields, "kernels", &witness.kernels, VisitCounted);
    VisitInteger(fields, "copied", &witness.copied_bytes, 0, kMax);
    VisitInteger(fields, "unexplained", &witness.unexplained, 0, kMax);
    fields.Flag("lost", &witness.observer_lost);
    VisitList(fields, "device_kernels", &witness.device_kernels, VisitKernelTime);
  }));
  RETURN_IF_ERROR(CheckCounted(witness.operations));
  RETURN_IF_ERROR(CheckCounted(witness.kernels));
  RETURN_IF_ERROR(CheckCounted(witness.device_kernels));
  ASSIGN_OR_RETURN(witness.launches, ReadLaunches(answer["replay"]));
  return witness;
}

}  // namespace passnet::evaluator
