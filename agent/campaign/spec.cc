#include "agent/campaign/spec.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "agent/llm/url.h"
#include "base/sha256.h"
#include "passbench/task.h"

namespace passnet::agent {
namespace {

constexpr int64_t kDay = 86400;

void VisitSeconds(FieldVisitor& fields, std::string_view key, Nanos* value, double longest = kDay) {
  double seconds = std::chrono::duration<double>(*value).count();
  fields.Number(key, &seconds, 0.001, longest);
  *value = std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
}

void VisitInt(FieldVisitor& fields, std::string_view key, int* value, int64_t min, int64_t max) {
  int64_t number = *value;
  fields.Integer(key, &number, min, max);
  *value = static_cast<int>(number);
}

void VisitSampling(FieldVisitor& fields, SamplingOptions& sampling) {
  fields.Enter("sampling");
  fields.Text("model", &sampling.model);
  fields.Integer("max_tokens", &sampling.max_tokens, 1, 10'000'000);
  fields.Flag("max_completion_tokens", &sampling.max_completion_tokens);
  fields.Number("temperature", &sampling.temperature, 0, 2);
  fields.Integer("seed", &sampling.seed, INT64_MIN, INT64_MAX);
  fields.Flag("stream", &sampling.stream);
  fields.Text("extra_json", &sampling.extra_json);
  fields.Leave();
}

void VisitScoring(FieldVisitor& fields, ScoringOptions& scoring) {
  using namespace evaluator;
  fields.Enter("scoring");
  VisitEnum(fields, "refine_profile", &scoring.refine_profile, Profile::kQuick, ProfileName);
  VisitEnum(fields, "final_profile", &scoring.final_profile, Profile::kQuick, ProfileName);
  fields.Integer("refine_time_cap_ms", &scoring.refine_time_cap_ms, 0, 3'600'000);
  fields.Integer("final_time_cap_ms", &scoring.final_time_cap_ms, 0, 3'600'000);
  VisitEnum(fields, "call_path", &scoring.call_path, CallPath::kDirect, CallPathName);
  VisitEnum(fields, "matching", &scoring.matching, Matching::kNormalised, MatchingName);
  fields.Text("device", &scoring.device);
  fields.Number("p", &scoring.p, 0, 100);
  fields.Number("b", &scoring.b, 0, 1);
  fields.Flag("baseline", &scoring.baseline);
  fields.Leave();
}

void VisitRetry(FieldVisitor& fields, RefineOptions& refine) {
  fields.Enter("retry");
  VisitSeconds(fields, "give_up_after_s", &refine.retry.give_up_after, 366 * kDay);
  VisitInt(fields, "max_attempts", &refine.retry.max_attempts, 1, 100);
  VisitInt(fields, "max_lost", &refine.retry.max_lost, 0, 100);
  VisitSeconds(fields, "first_backoff_s", &refine.retry.first_backoff);
  VisitSeconds(fields, "connect_limit_s", &refine.limits.connect);
  VisitSeconds(fields, "first_byte_limit_s", &refine.limits.first_byte);
  VisitSeconds(fields, "idle_limit_s", &refine.limits.idle);
  VisitSeconds(fields, "total_limit_s", &refine.limits.total);
  fields.Integer("lost_calls_a_round", &refine.rounds.lost_calls, 0, 100);
  fields.Integer("infra_attempts", &refine.rounds.infra_attempts, 1, 100);
  fields.Leave();
}

// A launch request may not name just any variable of the daemon's environment and have it sent somewhere.
bool IsKeyVariable(const std::string& name) {
  bool clean = std::all_of(name.begin(), name.end(),
                           [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  return clean && name.ends_with("_API_KEY");
}

std::string HashOfTask(const passbench::Task& task) {
  Sha256 sha;
  for (const auto& graph : task.graphs) {
    sha.UpdateField(graph.path).UpdateField(graph.model_source()).UpdateField(graph.weight_meta_source);
  }
  return ToHex(sha.Finish());
}

}  // namespace

void VisitFields(FieldVisitor& fields, CampaignSpec& spec) {
  fields.Text("name", &spec.name);
  fields.Integer("concurrency", &spec.concurrency, 1, 1000);
  fields.Integer("priority", &spec.priority, -100, 100);
  fields.Number("infra_limit_percent", &spec.infra_limit_percent, 0, 100);
  fields.Enter("tasks");
  fields.Text("path", &spec.tasks.path);
  fields.Texts("include", &spec.tasks.include);
  fields.Leave();
  fields.Enter("endpoint");
  fields.Text("base_url", &spec.endpoint.base_url);
  fields.Text("api_key_env", &spec.endpoint.api_key_env);
  fields.Text("ca_file", &spec.endpoint.ca_file);
  fields.Leave();
  VisitSampling(fields, spec.refine.sampling);
  fields.Enter("rounds");
  fields.Integer("limit", &spec.refine.rounds.rounds, 1, 1000);
  fields.Integer("plateau_rounds", &spec.refine.rounds.plateau_rounds, 1, 1000);
  fields.Number("plateau_percent", &spec.refine.rounds.plateau_percent, 0, 1000);
  fields.Leave();
  VisitScoring(fields, spec.refine.scoring);
  fields.Enter("budget");
  fields.Integer("total_tokens", &spec.budget.total_tokens, 1, INT64_MAX);
  fields.Number("total_usd", &spec.budget.total_usd, 0, 1e9);
  fields.Leave();
  fields.Enter("prices");
  fields.Number("prompt_usd_per_million", &spec.refine.prices.prompt_usd_per_million, 0, 1e6);
  fields.Number("completion_usd_per_million", &spec.refine.prices.completion_usd_per_million, 0, 1e6);
  fields.Leave();
  VisitRetry(fields, spec.refine);
}

std::vector<FieldProblem> Check(const CampaignSpec& spec) {
  std::vector<FieldProblem> problems;
  auto require = [&](const char* key, bool good, std::string text) {
    if (!good) problems.push_back({key, std::move(text)});
  };
  require("name", !spec.name.empty() && spec.name.size() <= 200, "is required, at most 200 bytes");
  require("tasks.path", !spec.tasks.path.empty(), "is required: a task folder or a folder of task folders");
  require("sampling.model", !spec.refine.sampling.model.empty(), "is required: the model's name at the endpoint");
  auto url = ParseUrl(spec.endpoint.base_url, Credentials::kRefused);
  require("endpoint.base_url", bool(url), url ? "" : url.error().context);
  require("endpoint.api_key_env", spec.endpoint.api_key_env.empty() || IsKeyVariable(spec.endpoint.api_key_env),
          "is no name like OPENAI_API_KEY (capital letters, digits, _, ending in _API_KEY)");
  require("budget.total_usd", !spec.budget.total_usd || spec.refine.prices.known(),
          "needs prices.prompt_usd_per_million and prices.completion_usd_per_million");
  return problems;
}

Json ToJsonValue(const CampaignSpec& spec) {
  CampaignSpec copy = spec;
  return WriteFields([&](FieldVisitor& fields) { VisitFields(fields, copy); });
}

std::string ToJson(const CampaignSpec& spec) { return ToJsonValue(spec).Dump(); }

Result<CampaignSpec> CampaignSpecFromJson(std::string_view json) {
  CampaignSpec spec;
  auto problems = FieldsFromJson(json, [&](FieldVisitor& fields) { VisitFields(fields, spec); });
  if (problems.empty()) problems = Check(spec);
  if (!problems.empty()) return InvalidArgument("campaign spec: " + ToString(problems));
  return spec;
}

Result<std::vector<CampaignTask>> ResolveTasks(const TaskSource& source) {
  ASSIGN_OR_RETURN(auto folders, passbench::FindTasks(source.path));
  std::vector<CampaignTask> tasks;
  std::set<std::string> names;
  std::set<std::string> wanted(source.include.begin(), source.include.end());
  for (const auto& folder : folders) {
    std::string name = folder.filename().native();
    if (!source.include.empty() && wanted.erase(name) == 0) continue;
    if (!names.insert(name).second) return InvalidArgument(source.path + ": two tasks are called " + name);
    ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(folder));
    tasks.push_back({name, std::filesystem::absolute(folder).lexically_normal().native(), HashOfTask(task)});
  }
  if (!wanted.empty()) return InvalidArgument(source.path + ": no task is called " + *wanted.begin());
  if (tasks.empty()) return InvalidArgument(source.path + ": no task folder (one with graph_list.txt) is there");
  return tasks;
}

}  // namespace passnet::agent
