#include "evaluator/api/json.h"

#include <nlohmann/json.hpp>

namespace passnet::evaluator {
namespace {

using Json = nlohmann::ordered_json;

// Reading with the field's name in every complaint; a missing field keeps the default unless it is required.
class Reader {
 public:
  explicit Reader(const Json& object, std::string where = "") : object_(object), where_(std::move(where)) {}

  const Json* Find(const char* key) const {
    auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }

  template <typename T>
  void Take(const char* key, T* to, bool required = false) {
    const Json* value = Find(key);
    if (value == nullptr) {
      if (required) Complain(key, "is missing");
      return;
    }
    try {
      *to = value->get<T>();
    } catch (const nlohmann::json::exception&) {
      Complain(key, std::string("has the wrong type (") + value->type_name() + ")");
    }
  }

  template <typename T>
  void Take(const char* key, std::optional<T>* to) {
    T value{};
    if (Find(key) == nullptr) return;
    Take(key, &value);
    *to = value;
  }

  // An enum by name: tries every value from `first` to `last`.
  template <typename E>
  void TakeEnum(const char* key, E* to, E first, E last, const char* (*name)(E)) {
    std::string text;
    if (Find(key) == nullptr) return;
    Take(key, &text);
    for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
      if (text == name(static_cast<E>(i))) {
        *to = static_cast<E>(i);
        return;
      }
    }
    Complain(key, "has the unknown value \"" + text + "\"");
  }

  void Complain(const std::string& key, const std::string& what) {
    if (error_.empty()) error_ = where_ + key + " " + what;
  }

  bool failed() const { return !error_.empty(); }
  Error error() const { return InvalidArgument(error_); }

 private:
  const Json& object_;
  std::string where_;
  std::string error_;
};

Result<Json> ParseObject(std::string_view text, const char* what) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return InvalidArgument(std::string(what) + ": not a JSON object");
  return Result<Json>(boost::system::in_place_value, std::move(json));
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string Dump(const Json& json) {
  // Candidate bytes may hold anything: invalid UTF-8 is replaced, never thrown at.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json EsToJson(const std::map<int, double>& es) {
  Json json = Json::object();
  for (const auto& [t, value] : es) json[std::to_string(t)] = value;
  return json;
}

void EsFromJson(const Json* json, std::map<int, double>* es) {
  if (json == nullptr || !json->is_object()) return;
  for (const auto& [key, value] : json->items()) {
    if (value.is_number()) (*es)[std::atoi(key.c_str())] = value.get<double>();
  }
}

Json GraphToJson(const GraphReport& graph) {
  Json json;
  json["path"] = graph.path;
  json["dtype"] = graph.dtype;
  json["status"] = GraphStatusName(graph.status);
  json["verdict"] = VerdictName(graph.verdict);
  json["reason"] = graph.reason;
  json["speedup_call"] = OrNull(graph.speedup_call);
  json["speedup_upstream"] = OrNull(graph.speedup_upstream);
  json["speedup_device"] = OrNull(graph.speedup_device);
  json["eager_us"] = OrNull(graph.eager_us);
  json["candidate_us"] = OrNull(graph.candidate_us);
  json["noise"] = OrNull(graph.noise);
  json["matched_nodes"] = graph.matched_nodes;
  json["coverage"] = OrNull(graph.coverage);
  json["max_abs_diff"] = OrNull(graph.max_abs_diff);
  json["tolerances_ok"] = graph.tolerances_ok;
  json["output_dtypes"] = graph.output_dtypes;
  json["timed_calls"] = graph.timed_calls;
  json["capped"] = graph.capped;
  return json;
}

Result<GraphReport> GraphFromJson(const Json& json, const std::string& where) {
  if (!json.is_object()) return InvalidArgument(where + "an object is expected");
  GraphReport graph;
  Reader reader(json, where);
  reader.Take("path", &graph.path, true);
  reader.Take("dtype", &graph.dtype);
  reader.TakeEnum("status", &graph.status, GraphStatus::kCorrect, GraphStatus::kUnsupportedLane, GraphStatusName);
  reader.TakeEnum("verdict", &graph.verdict, Verdict::kInfra, Verdict::kOk, VerdictName);
  reader.Take("reason", &graph.reason);
  reader.Take("speedup_call", &graph.speedup_call);
  reader.Take("speedup_upstream", &graph.speedup_upstream);
  reader.Take("speedup_device", &graph.speedup_device);
  reader.Take("eager_us", &graph.eager_us);
  reader.Take("candidate_us", &graph.candidate_us);
  reader.Take("noise", &graph.noise);
  reader.Take("matched_nodes", &graph.matched_nodes);
  reader.Take("coverage", &graph.coverage);
  reader.Take("max_abs_diff", &graph.max_abs_diff);
  reader.Take("tolerances_ok", &graph.tolerances_ok);
  reader.Take("output_dtypes", &graph.output_dtypes);
  reader.Take("timed_calls", &graph.timed_calls);
  reader.Take("capped", &graph.capped);
  if (reader.failed()) return reader.error();
  return graph;
}

Status GraphsFromJson(const Json& object, std::vector<GraphReport>* graphs) {
  auto it = object.find("graphs");
  if (it == object.end() || !it->is_array()) return InvalidArgument("graphs: an array is expected");
  for (size_t i = 0; i < it->size(); ++i) {
    ASSIGN_OR_RETURN(GraphReport graph, GraphFromJson((*it)[i], "graphs[" + std::to_string(i) + "]."));
    graphs->push_back(std::move(graph));
  }
  return OkStatus();
}

}  // namespace

std::string ToJson(const EvaluateRequest& request) {
  Json json;
  json["evaluation_id"] = request.evaluation_id;
  json["purpose"] = request.purpose;
  json["task"] = request.task.path;
  json["files"] = Json::array();
  for (const CandidateFile& file : request.files) {
    // Candidate files are text: candidate/ refuses anything that is not UTF-8 before it comes here.
    json["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
  }
  json["profile"] = ProfileName(request.profile);
  json["call_path"] = CallPathName(request.call_path);
  json["matching"] = MatchingName(request.matching);
  json["interpretation"] = InterpretationName(request.interpretation);
  json["p"] = request.p;
  json["b"] = request.b;
  json["device"] = request.device;
  json["time_cap_ms"] = request.time_cap.count();
  return Dump(json);
}

Result<EvaluateRequest> EvaluateRequestFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "Evaluate"));
  EvaluateRequest request;
  Reader reader(json);
  int64_t cap = 0;
  reader.Take("evaluation_id", &request.evaluation_id, true);
  reader.Take("purpose", &request.purpose);
  reader.Take("task", &request.task.path, true);
  reader.TakeEnum("profile", &request.profile, Profile::kPassbench, Profile::kQuick, ProfileName);
  reader.TakeEnum("call_path", &request.call_path, CallPath::kDynamo, CallPath::kDirect, CallPathName);
  reader.TakeEnum("matching", &request.matching, Matching::kUpstream, Matching::kNormalised, MatchingName);
  reader.TakeEnum("interpretation", &request.interpretation, Interpretation::kDefault,
                  Interpretation::kMismatchExtended, InterpretationName);
  reader.Take("p", &request.p);
  reader.Take("b", &request.b);
  reader.Take("device", &request.device);
  reader.Take("time_cap_ms", &cap);
  request.time_cap = std::chrono::milliseconds(cap);
  if (reader.failed()) return reader.error();
  const Json* files = reader.Find("files");
  if (files == nullptr || !files->is_array()) return InvalidArgument("files: an array is expected");
  for (size_t i = 0; i < files->size(); ++i) {
    if (!(*files)[i].is_object()) return InvalidArgument("files[" + std::to_string(i) + "]: an object is expected");
    CandidateFile file;
    Reader entry((*files)[i], "files[" + std::to_string(i) + "].");
    entry.Take("name", &file.name, true);
    entry.Take("bytes", &file.bytes, true);
    if (entry.failed()) return entry.error();
    request.files.push_back(std::move(file));
  }
  return request;
}

std::string ToJson(const BaselineRequest& request) {
  Json json;
  json["evaluation_id"] = request.evaluation_id;
  json["task"] = request.task.path;
  json["compiler"] = BaselineCompilerName(request.compiler);
  json["profile"] = ProfileName(request.profile);
  json["device"] = request.device;
  json["p"] = request.p;
  json["b"] = request.b;
  json["time_cap_ms"] = request.time_cap.count();
  json["use_cache"] = request.use_cache;
  return Dump(json);
}

Result<BaselineRequest> BaselineRequestFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "Baseline"));
  BaselineRequest request;
  Reader reader(json);
  reader.Take("evaluation_id", &request.evaluation_id);
  reader.Take("task", &request.task.path, true);
  reader.TakeEnum("compiler", &request.compiler, BaselineCompiler::kEager, BaselineCompiler::kInductor,
                  BaselineCompilerName);
  reader.TakeEnum("profile", &request.profile, Profile::kPassbench, Profile::kQuick, ProfileName);
  reader.Take("device", &request.device);
  reader.Take("p", &request.p);
  reader.Take("b", &request.b);
  reader.Take("use_cache", &request.use_cache);
  int64_t cap = 0;
  reader.Take("time_cap_ms", &cap);
  request.time_cap = std::chrono::milliseconds(cap);
  if (reader.failed()) return reader.error();
  return request;
}

std::string ToJson(const DescribeTaskRequest& request) {
  Json json;
  json["task"] = request.task.path;
  json["device"] = request.device;
  return Dump(json);
}

Result<DescribeTaskRequest> DescribeTaskRequestFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "DescribeTask"));
  DescribeTaskRequest request;
  Reader reader(json);
  reader.Take("task", &request.task.path, true);
  reader.Take("device", &request.device);
  if (reader.failed()) return reader.error();
  return request;
}

std::string ToJson(const EvaluationReport& report) {
  Json json;
  json["schema"] = "passnet.evaluation/1";
  json["evaluation_id"] = report.evaluation_id;
  json["task"] = report.task;
  json["profile"] = ProfileName(report.profile);
  json["device"] = report.device;
  json["call_path"] = CallPathName(report.call_path);
  json["matching"] = MatchingName(report.matching);
  json["verdict"] = VerdictName(report.verdict);
  json["reason"] = report.reason;
  json["aggregated_score"] = OrNull(report.aggregated_score);
  json["upstream_score"] = OrNull(report.upstream_score);
  json["es"] = EsToJson(report.es);
  json["graphs"] = Json::array();
  for (const GraphReport& graph : report.graphs) json["graphs"].push_back(GraphToJson(graph));
  json["compile"] = Json::array();
  for (const CompileDiagnostics& unit : report.compile) {
    json["compile"].push_back({{"file", unit.file},
                               {"ok", unit.ok},
                               {"cached", unit.cached},
                               {"seconds", unit.seconds},
                               {"diagnostics", unit.diagnostics}});
  }
  json["candidate_output"] = report.candidate_output;
  json["sandbox"] = {{"tier", report.sandbox.tier}, {"layers", report.sandbox.layers}};
  json["environment"] = report.environment;
  json["timings_ms"] = report.timings_ms;
  return Dump(json);
}

Result<EvaluationReport> EvaluationReportFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "passnet.evaluation/1"));
  EvaluationReport report;
  Reader reader(json);
  std::string schema;
  reader.Take("schema", &schema, true);
  if (schema != "passnet.evaluation/1") reader.Complain("schema", "is not passnet.evaluation/1");
  reader.Take("evaluation_id", &report.evaluation_id);
  reader.Take("task", &report.task, true);
  reader.TakeEnum("profile", &report.profile, Profile::kPassbench, Profile::kQuick, ProfileName);
  reader.Take("device", &report.device);
  reader.TakeEnum("call_path", &report.call_path, CallPath::kDynamo, CallPath::kDirect, CallPathName);
  reader.TakeEnum("matching", &report.matching, Matching::kUpstream, Matching::kNormalised, MatchingName);
  reader.TakeEnum("verdict", &report.verdict, Verdict::kInfra, Verdict::kOk, VerdictName);
  reader.Take("reason", &report.reason);
  reader.Take("aggregated_score", &report.aggregated_score);
  reader.Take("upstream_score", &report.upstream_score);
  EsFromJson(reader.Find("es"), &report.es);
  reader.Take("candidate_output", &report.candidate_output);
  reader.Take("environment", &report.environment);
  reader.Take("timings_ms", &report.timings_ms);
  if (reader.failed()) return reader.error();
  RETURN_IF_ERROR(GraphsFromJson(json, &report.graphs));
  if (const Json* units = reader.Find("compile"); units != nullptr && units->is_array()) {
    for (const Json& item : *units) {
      if (!item.is_object()) return InvalidArgument("compile: objects are expected");
      CompileDiagnostics unit;
      Reader entry(item, "compile.");
      entry.Take("file", &unit.file, true);
      entry.Take("ok", &unit.ok);
      entry.Take("cached", &unit.cached);
      entry.Take("seconds", &unit.seconds);
      entry.Take("diagnostics", &unit.diagnostics);
      if (entry.failed()) return entry.error();
      report.compile.push_back(std::move(unit));
    }
  }
  if (const Json* sandbox = reader.Find("sandbox"); sandbox != nullptr && sandbox->is_object()) {
    Reader entry(*sandbox, "sandbox.");
    entry.Take("tier", &report.sandbox.tier);
    entry.Take("layers", &report.sandbox.layers);
    if (entry.failed()) return entry.error();
  }
  return report;
}

std::string ToJson(const BaselineReport& report) {
  Json json;
  json["schema"] = "passnet.baseline/1";
  json["task"] = report.task;
  json["compiler"] = BaselineCompilerName(report.compiler);
  json["device"] = report.device;
  json["aggregated_score"] = OrNull(report.aggregated_score);
  json["es"] = EsToJson(report.es);
  json["graphs"] = Json::array();
  for (const GraphReport& graph : report.graphs) json["graphs"].push_back(GraphToJson(graph));
  json["environment"] = report.environment;
  json["timings_ms"] = report.timings_ms;
  json["cached"] = report.cached;
  return Dump(json);
}

Result<BaselineReport> BaselineReportFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "passnet.baseline/1"));
  BaselineReport report;
  Reader reader(json);
  reader.Take("task", &report.task, true);
  reader.TakeEnum("compiler", &report.compiler, BaselineCompiler::kEager, BaselineCompiler::kInductor,
                  BaselineCompilerName);
  reader.Take("device", &report.device);
  reader.Take("aggregated_score", &report.aggregated_score);
  EsFromJson(reader.Find("es"), &report.es);
  reader.Take("environment", &report.environment);
  reader.Take("timings_ms", &report.timings_ms);
  reader.Take("cached", &report.cached);
  if (reader.failed()) return reader.error();
  RETURN_IF_ERROR(GraphsFromJson(json, &report.graphs));
  return report;
}

std::string ToJson(const TaskDescription& description) {
  Json json;
  json["schema"] = "passnet.task_description/1";
  json["task"] = description.task;
  json["graphs"] = Json::array();
  for (const GraphDescription& graph : description.graphs) {
    Json item;
    item["path"] = graph.path;
    item["dtype"] = graph.dtype;
    item["model_source"] = graph.model_source;
    item["inputs"] = graph.inputs;
    item["outputs"] = graph.outputs;
    item["ops"] = Json::array();
    for (const OpRecord& op : graph.ops) {
      item["ops"].push_back({{"name", op.name},
                             {"op", op.op},
                             {"target", op.target},
                             {"arguments", op.arguments},
                             {"output", op.output},
                             {"matchable", op.matchable},
                             {"eager_share", op.eager_share}});
    }
    item["eager_us"] = graph.eager_us;
    item["bytes_touched"] = graph.bytes_touched;
    item["floor_us"] = graph.floor_us;
    json["graphs"].push_back(std::move(item));
  }
  json["environment"] = description.environment;
  return Dump(json);
}

Result<TaskDescription> TaskDescriptionFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(Json json, ParseObject(text, "passnet.task_description/1"));
  TaskDescription description;
  Reader reader(json);
  reader.Take("task", &description.task, true);
  reader.Take("environment", &description.environment);
  if (reader.failed()) return reader.error();
  const Json* graphs = reader.Find("graphs");
  if (graphs == nullptr || !graphs->is_array()) return InvalidArgument("graphs: an array is expected");
  for (const Json& item : *graphs) {
    if (!item.is_object()) return InvalidArgument("graphs: objects are expected");
    GraphDescription graph;
    Reader entry(item, "graphs.");
    entry.Take("path", &graph.path, true);
    entry.Take("dtype", &graph.dtype);
    entry.Take("model_source", &graph.model_source);
    entry.Take("inputs", &graph.inputs);
    entry.Take("outputs", &graph.outputs);
    entry.Take("eager_us", &graph.eager_us);
    entry.Take("bytes_touched", &graph.bytes_touched);
    entry.Take("floor_us", &graph.floor_us);
    if (entry.failed()) return entry.error();
    if (const Json* ops = entry.Find("ops"); ops != nullptr && ops->is_array()) {
      for (const Json& op_json : *ops) {
        if (!op_json.is_object()) return InvalidArgument("graphs.ops: objects are expected");
        OpRecord op;
        Reader op_reader(op_json, "graphs.ops.");
        op_reader.Take("name", &op.name, true);
        op_reader.Take("op", &op.op);
        op_reader.Take("target", &op.target);
        op_reader.Take("arguments", &op.arguments);
        op_reader.Take("output", &op.output);
        op_reader.Take("matchable", &op.matchable);
        op_reader.Take("eager_share", &op.eager_share);
        if (op_reader.failed()) return op_reader.error();
        graph.ops.push_back(std::move(op));
      }
    }
    description.graphs.push_back(std::move(graph));
  }
  return description;
}

}  // namespace passnet::evaluator
