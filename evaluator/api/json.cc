#include "evaluator/api/json.h"

#include <limits>

#include "base/fields.h"
#include "passbench/tolerances.h"

namespace passnet::evaluator {
namespace {

constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxTimeCapMs = 24 * 3600 * 1000;  // chosen: a day; a cap beyond it is a mistake

const char* DocumentName(const EvaluateRequest&) { return "evaluate request"; }
const char* DocumentName(const BaselineRequest&) { return "baseline request"; }
const char* DocumentName(const DescribeTaskRequest&) { return "describe-task request"; }
const char* DocumentName(const EvaluationReport&) { return "passnet.evaluation/1"; }
const char* DocumentName(const BaselineReport&) { return "passnet.baseline/1"; }
const char* DocumentName(const TaskDescription&) { return "passnet.task_description/1"; }

void VisitNumber(FieldVisitor& fields, const char* key, double* value) {
  fields.Number(key, value, -kAnyNumber, kAnyNumber);
}
void VisitNumber(FieldVisitor& fields, const char* key, std::optional<double>* value) {
  fields.Number(key, value, -kAnyNumber, kAnyNumber);
}

void VisitTask(FieldVisitor& fields, std::string* task) {
  fields.Required("task");
  fields.Text("task", task);
}
void VisitTask(FieldVisitor& fields, TaskRef* task) {
  VisitTask(fields, &task->path);
  fields.Text("task_hash", &task->hash);
}

void VisitScoring(FieldVisitor& fields, double* p, double* b) {
  fields.Number("p", p, 0, kAnyNumber);
  fields.Number("b", b, 0, 1);
}

void VisitTimeCap(FieldVisitor& fields, std::chrono::milliseconds* cap) {
  VisitInteger(fields, "time_cap_ms", cap, 0, kMaxTimeCapMs);
}

void VisitProfile(FieldVisitor& fields, Profile* profile) {
  VisitEnum(fields, "profile", profile, Profile::kQuick, ProfileName);
}

void VisitVerdict(FieldVisitor& fields, Verdict* verdict) {
  VisitEnum(fields, "verdict", verdict, Verdict::kOk, VerdictName);
}

// Tolerance levels, which are ints in the structs.
void VisitLevels(FieldVisitor& fields, const char* key, std::vector<int>* levels) {
  std::vector<int64_t> wide(levels->begin(), levels->end());
  fields.Integers(key, &wide, passbench::kMinT, passbench::kMaxT);
  levels->assign(wide.begin(), wide.end());
}

// ES by level; in JSON the levels are keys, thus texts.
void VisitEs(FieldVisitor& fields, std::map<int, double>* es) {
  std::map<std::string, double> by_name;
  for (const auto& [t, value] : *es) by_name[std::to_string(t)] = value;
  fields.NumberMap("es", &by_name);
  es->clear();
  for (int t = passbench::kMinT; t <= passbench::kMaxT; ++t) {
    if (auto found = by_name.find(std::to_string(t)); found != by_name.end()) (*es)[t] = found->second;
  }
}

// Its bytes travel beside the document: evaluator/api/lane_protocol.h.
void VisitFile(FieldVisitor& fields, CandidateFile& file) {
  fields.Required("name");
  fields.Text("name", &file.name);
}

void VisitElementMismatch(FieldVisitor& fields, ElementMismatch& element) {
  fields.Text("index", &element.index);
  fields.Text("expected", &element.expected);
  fields.Text("got", &element.got);
}

void VisitMismatch(FieldVisitor& fields, OutputMismatch& mismatch) {
  fields.Text("what", &mismatch.what);
  VisitInteger(fields, "elements", &mismatch.elements, 0, std::numeric_limits<int64_t>::max());
  VisitInteger(fields, "wrong", &mismatch.wrong, 0, std::numeric_limits<int64_t>::max());
  VisitList(fields, "told", &mismatch.told, VisitElementMismatch);
}

void VisitKernelUse(FieldVisitor& fields, KernelUse& kernel) {
  fields.Text("name", &kernel.name);
  VisitNumber(fields, "launches", &kernel.launches);
  VisitNumber(fields, "device_us", &kernel.device_us);
  fields.Flag("own", &kernel.own);
}

void VisitMoment(FieldVisitor& fields, DeviceMoment& moment) {
  fields.Integer("core_mhz", &moment.core_mhz, 0, kMaxCount);
  fields.Integer("memory_mhz", &moment.memory_mhz, 0, kMaxCount);
  fields.Integer("celsius", &moment.celsius, 0, kMaxCount);
  fields.Integer("uncorrected_errors", &moment.uncorrected_errors, 0, std::numeric_limits<int64_t>::max());
  fields.Integer("processes", &moment.processes, 0, kMaxCount);
  fields.Texts("slowed_by", &moment.slowed_by);
  fields.Flag("repeated", &moment.repeated);
}

void VisitGraph(FieldVisitor& fields, GraphReport& graph) {
  fields.Required("path");
  fields.Text("path", &graph.path);
  fields.Text("dtype", &graph.dtype);
  VisitEnum(fields, "status", &graph.status, GraphStatus::kUnsupportedLane, GraphStatusName);
  VisitVerdict(fields, &graph.verdict);
  fields.Text("reason", &graph.reason);
  VisitNumber(fields, "speedup_call", &graph.speedup_call);
  VisitNumber(fields, "speedup_upstream", &graph.speedup_upstream);
  VisitNumber(fields, "speedup_device", &graph.speedup_device);
  VisitNumber(fields, "eager_us", &graph.eager_us);
  VisitNumber(fields, "candidate_us", &graph.candidate_us);
  VisitNumber(fields, "noise", &graph.noise);
  VisitNumber(fields, "control", &graph.control);
  VisitNumber(fields, "control_noise", &graph.control_noise);
  VisitNumber(fields, "floor_us", &graph.floor_us);
  VisitInteger(fields, "matched_nodes", &graph.matched_nodes, 0, kMaxCount);
  VisitNumber(fields, "coverage", &graph.coverage);
  VisitNumber(fields, "max_abs_diff", &graph.max_abs_diff);
  VisitLevels(fields, "tolerances_ok", &graph.tolerances_ok);
  VisitList(fields, "mismatches", &graph.mismatches, VisitMismatch);
  VisitList(fields, "kernels", &graph.kernels, VisitKernelUse);
  fields.Texts("output_dtypes", &graph.output_dtypes);
  VisitInteger(fields, "timed_calls", &graph.timed_calls, 0, kMaxCount);
  VisitInteger(fields, "pairs", &graph.pairs, 0, kMaxCount);
  fields.Flag("capped", &graph.capped);
  VisitList(fields, "device_moments", &graph.device_moments, VisitMoment);
}

void VisitGraphs(FieldVisitor& fields, std::vector<GraphReport>* graphs) {
  fields.Required("graphs");
  VisitList(fields, "graphs", graphs, VisitGraph);
}

void VisitCompiled(FieldVisitor& fields, CompileDiagnostics& unit) {
  fields.Required("file");
  fields.Text("file", &unit.file);
  fields.Flag("ok", &unit.ok);
  fields.Flag("cached", &unit.cached);
  VisitNumber(fields, "seconds", &unit.seconds);
  fields.Text("diagnostics", &unit.diagnostics);
}

void VisitSandbox(FieldVisitor& fields, SandboxFacts* sandbox) {
  fields.Enter("sandbox");
  fields.Text("tier", &sandbox->tier);
  fields.Texts("layers", &sandbox->layers);
  fields.Leave();
}

void VisitDescribedGraph(FieldVisitor& fields, GraphDescription& graph) {
  fields.Required("path");
  fields.Text("path", &graph.path);
  fields.Text("dtype", &graph.dtype);
  fields.Text("model_source", &graph.model_source);
  fields.Texts("inputs", &graph.inputs);
  fields.Texts("outputs", &graph.outputs);
  VisitList(fields, "ops", &graph.ops, [](FieldVisitor& item, OpRecord& op) { VisitFields(item, op); });
  VisitNumber(fields, "eager_us", &graph.eager_us);
  VisitInteger(fields, "bytes_touched", &graph.bytes_touched, 0, std::numeric_limits<int64_t>::max());
  VisitNumber(fields, "floor_us", &graph.floor_us);
}

}  // namespace

void VisitFields(FieldVisitor& fields, EvaluateRequest& request) {
  fields.Required("evaluation_id");
  fields.Text("evaluation_id", &request.evaluation_id);
  fields.Text("purpose", &request.purpose);
  VisitTask(fields, &request.task);
  fields.Required("files");
  VisitList(fields, "files", &request.files, VisitFile);
  VisitProfile(fields, &request.profile);
  VisitEnum(fields, "call_path", &request.call_path, CallPath::kDirect, CallPathName);
  VisitEnum(fields, "matching", &request.matching, Matching::kNormalised, MatchingName);
  VisitEnum(fields, "interpretation", &request.interpretation, Interpretation::kMismatchExtended,
            passbench::InterpretationName);
  VisitScoring(fields, &request.p, &request.b);
  fields.Text("device", &request.device);
  VisitTimeCap(fields, &request.time_cap);
}

void VisitFields(FieldVisitor& fields, BaselineRequest& request) {
  fields.Text("evaluation_id", &request.evaluation_id);
  VisitTask(fields, &request.task);
  VisitEnum(fields, "compiler", &request.compiler, BaselineCompiler::kInductor, BaselineCompilerName);
  VisitProfile(fields, &request.profile);
  fields.Text("device", &request.device);
  VisitScoring(fields, &request.p, &request.b);
  VisitTimeCap(fields, &request.time_cap);
  fields.Flag("use_cache", &request.use_cache);
}

void VisitFields(FieldVisitor& fields, DescribeTaskRequest& request) {
  VisitTask(fields, &request.task);
  fields.Text("device", &request.device);
}

void VisitFields(FieldVisitor& fields, EvaluationReport& report) {
  VisitSchema(fields, "passnet.evaluation/1");
  fields.Text("evaluation_id", &report.evaluation_id);
  VisitTask(fields, &report.task);
  VisitProfile(fields, &report.profile);
  fields.Text("device", &report.device);
  VisitEnum(fields, "call_path", &report.call_path, CallPath::kDirect, CallPathName);
  VisitEnum(fields, "matching", &report.matching, Matching::kNormalised, MatchingName);
  VisitVerdict(fields, &report.verdict);
  fields.Text("reason", &report.reason);
  VisitNumber(fields, "aggregated_score", &report.aggregated_score);
  VisitNumber(fields, "upstream_score", &report.upstream_score);
  VisitEs(fields, &report.es);
  VisitGraphs(fields, &report.graphs);
  VisitList(fields, "compile", &report.compile, VisitCompiled);
  fields.Text("candidate_output", &report.candidate_output);
  VisitSandbox(fields, &report.sandbox);
  fields.TextMap("environment", &report.environment);
  fields.NumberMap("timings_ms", &report.timings_ms);
}

void VisitFields(FieldVisitor& fields, BaselineReport& report) {
  VisitSchema(fields, "passnet.baseline/1");
  VisitTask(fields, &report.task);
  VisitEnum(fields, "compiler", &report.compiler, BaselineCompiler::kInductor, BaselineCompilerName);
  fields.Text("device", &report.device);
  VisitNumber(fields, "aggregated_score", &report.aggregated_score);
  VisitEs(fields, &report.es);
  VisitGraphs(fields, &report.graphs);
  fields.TextMap("environment", &report.environment);
  fields.NumberMap("timings_ms", &report.timings_ms);
  fields.Flag("cached", &report.cached);
}

void VisitFields(FieldVisitor& fields, OpRecord& op) {
  fields.Required("name");
  fields.Text("name", &op.name);
  fields.Text("op", &op.op);
  fields.Text("target", &op.target);
  fields.Text("arguments", &op.arguments);
  fields.Text("output", &op.output);
  fields.Flag("matchable", &op.matchable);
  VisitNumber(fields, "eager_share", &op.eager_share);
}

void VisitFields(FieldVisitor& fields, TaskDescription& description) {
  VisitSchema(fields, "passnet.task_description/1");
  VisitTask(fields, &description.task);
  fields.Required("graphs");
  VisitList(fields, "graphs", &description.graphs, VisitDescribedGraph);
  fields.TextMap("environment", &description.environment);
}

template <typename T>
Json ToJsonValue(const T& document) {
  T copy = document;  // a visitor may write, so it wants what is not const
  return WriteFields([&](FieldVisitor& fields) { VisitFields(fields, copy); });
}

template <typename T>
std::string ToJson(const T& document) {
  return ToJsonValue(document).Dump();
}

template <typename T>
Result<T> FromJsonValue(const Json& json) {
  T document;
  const char* name = DocumentName(document);
  if (!json.is_object()) {
    return InvalidArgument(std::string(name) + ": expected an object, found " + json.TypeName());
  }
  FieldReader fields(json, UnknownKeys::kIgnored);
  VisitFields(fields, document);
  RETURN_IF_ERROR(fields.Check(name));
  return document;
}

template <typename T>
Result<T> FromJson(std::string_view text) {
  auto json = ParseJson(text);
  if (!json) return std::move(json).error().Prefixed(DocumentName(T()));
  return FromJsonValue<T>(json.value());
}

#define PASSNET_INSTANTIATE(T)                       \
  template Json ToJsonValue<T>(const T&);            \
  template std::string ToJson<T>(const T&);          \
  template Result<T> FromJsonValue<T>(const Json&);  \
  template Result<T> FromJson<T>(std::string_view);
PASSNET_INSTANTIATE(EvaluateRequest)
PASSNET_INSTANTIATE(BaselineRequest)
PASSNET_INSTANTIATE(DescribeTaskRequest)
PASSNET_INSTANTIATE(EvaluationReport)
PASSNET_INSTANTIATE(BaselineReport)
PASSNET_INSTANTIATE(TaskDescription)
#undef PASSNET_INSTANTIATE

}  // namespace passnet::evaluator
