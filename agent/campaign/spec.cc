#include "agent/campaign/spec.h"

#include <algorithm>

#include "agent/llm/url.h"
#include "dialects/dialect.h"
#include "evaluator/api/device_name.h"

namespace passnet::agent {
namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kMaxSamples = 1000;
constexpr double kYear = 366.0 * kDay;

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

void VisitBudget(FieldVisitor& fields, CampaignSpec& spec) {
  fields.Enter("budget");
  fields.Integer("total_tokens", &spec.budget.total_tokens, 1, INT64_MAX);
  fields.Number("total_usd", &spec.budget.total_usd, 0, 1e9);
  fields.Number("wall_s", &spec.wall_s, 1, kYear);
  fields.Integer("trajectory_tokens", &spec.refine.budget.tokens, 1, INT64_MAX);
  fields.Number("trajectory_usd", &spec.refine.budget.usd, 0, 1e9);
  fields.Number("trajectory_wall_s", &spec.refine.budget.wall_s, 1, kYear);
  fields.Leave();
}

}  // namespace

const char* RestartKindName(RestartKind kind) {
  switch (kind) {
    case RestartKind::kFresh: return "fresh";
    case RestartKind::kBest: return "best";
  }
  return "fresh";
}

void VisitFields(FieldVisitor& fields, CampaignSpec& spec) {
  fields.Text("name", &spec.name);
  fields.Text("prompts", &spec.prompts);
  fields.Integer("samples", &spec.samples, 1, kMaxSamples);
  fields.Integer("stop_after_solved", &spec.stop_after_solved, 0, kMaxSamples);
  VisitEnum(fields, "restart", &spec.restart, RestartKind::kBest, RestartKindName);
  fields.Integer("concurrency", &spec.concurrency, 1, 1000);
  fields.Integer("priority", &spec.priority, -100, 100);
  fields.Number("infra_limit_percent", &spec.infra_limit_percent, 0, 100);
  fields.Enter("tasks");
  VisitFields(fields, spec.tasks);
  fields.Leave();
  fields.Enter("endpoint");
  fields.Text("name", &spec.endpoint.name);
  fields.Text("base_url", &spec.endpoint.base_url);
  fields.Text("api_key_env", &spec.endpoint.api_key_env);
  fields.Text("ca_file", &spec.endpoint.ca_file);
  fields.Text("dialect", &spec.endpoint.dialect);
  fields.Leave();
  VisitSampling(fields, spec.refine.sampling);
  fields.Enter("rounds");
  fields.Integer("limit", &spec.refine.rounds.rounds, 1, 1000);
  fields.Integer("plateau_rounds", &spec.refine.rounds.plateau_rounds, 1, 1000);
  fields.Number("plateau_percent", &spec.refine.rounds.plateau_percent, 0, 1000);
  fields.Leave();
  VisitScoring(fields, spec.refine.scoring);
  VisitBudget(fields, spec);
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
  for (FieldProblem& problem : Check(spec.tasks)) problems.push_back(std::move(problem));
  require("stop_after_solved", spec.stop_after_solved <= spec.samples, "is more than there are samples");
  require("sampling.model", !spec.refine.sampling.model.empty(), "is required: the model's name at the endpoint (--model)");
  const EndpointSpec& endpoint = spec.endpoint;
  require("endpoint.name", endpoint.name.empty() || IsEndpointName(endpoint.name),
          "has letters, digits, - and _, at most 64");
  require("endpoint.name", !endpoint.name.empty() || !endpoint.base_url.empty(),
          "is required: one of the [endpoints.NAME] in passnetd's configuration (--endpoint NAME), or base_url of a server "
          "on this machine (--endpoint URL)");
  auto url = ParseUrl(endpoint.base_url, Credentials::kRefused);
  require("endpoint.base_url", endpoint.base_url.empty() || url, url ? "" : url.error().context);
  auto dialect = dialects::DialectNamed(spec.endpoint.dialect);
  require("endpoint.dialect", bool(dialect), dialect ? "" : dialect.error().context);
  if (dialect) {
    dialects::ChatRequest trial;  // what the dialect has no place for is found before a campaign meets it
    trial.seed = spec.refine.sampling.seed;
    trial.extra_json = spec.refine.sampling.extra_json;
    auto rendered = dialect.value()->RenderRequest(trial);
    require("sampling", bool(rendered), rendered ? "" : rendered.error().context);
  }
  auto device = evaluator::ParseDeviceName(spec.refine.scoring.device);
  require("scoring.device", bool(device), device ? "" : device.error().context);
  require("budget.total_usd", !spec.budget.total_usd || spec.refine.prices.known(),
          "needs prices.prompt_usd_per_million and prices.completion_usd_per_million");
  require("budget.trajectory_usd", !spec.refine.budget.usd || spec.refine.prices.known(),
          "needs prices.prompt_usd_per_million and prices.completion_usd_per_million");
  return problems;
}

std::vector<FieldProblem> CheckLaunch(const CampaignSpec& spec) {
  std::vector<FieldProblem> problems = Check(spec);
  const EndpointSpec& endpoint = spec.endpoint;
  const std::string instead = ": write it into passnetd's configuration, as [endpoints.NAME] with base_url and "
                              "api_key_env, and name = \"NAME\" here";
  if (!endpoint.base_url.empty() && !endpoint.name.empty()) {
    problems.push_back({"endpoint.base_url", "the name alone says it; remove one of both"});
  } else if (!endpoint.base_url.empty() && !IsLocalUrl(endpoint.base_url)) {
    problems.push_back({"endpoint.base_url", "a campaign may give the URL of a server on 127.0.0.1, [::1] or localhost "
                                             "only" + instead});
  }
  if (!endpoint.api_key_env.empty()) {
    problems.push_back({"endpoint.api_key_env", "a campaign does not choose a key of the daemon's" + instead});
  }
  if (!endpoint.ca_file.empty()) {
    problems.push_back({"endpoint.ca_file", "a campaign does not choose whom the daemon trusts" + instead});
  }
  return problems;
}

bool IsEndpointName(const std::string& name) {
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return clean && !name.empty() && name.size() <= 64;
}

bool IsLocalUrl(const std::string& base_url) {
  auto url = ParseUrl(base_url, Credentials::kRefused);
  if (!url) return false;
  const std::string& host = url.value().host;
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

Json ToJsonValue(const CampaignSpec& spec) {
  CampaignSpec copy = spec;
  return WriteFields([&](FieldVisitor& fields) { VisitFields(fields, copy); });
}

std::string ToJson(const CampaignSpec& spec) { return ToJsonValue(spec).Dump(); }

Result<CampaignSpec> CampaignSpecFromJson(std::string_view json) {
  CampaignSpec spec;
  auto problems = FieldsFromJson(json, [&](FieldVisitor& fields) { VisitFields(fields, spec); });
  if (problems.empty()) problems = CheckLaunch(spec);
  if (!problems.empty()) return InvalidArgument("campaign spec: " + ToString(problems));
  return spec;
}

RefineOptions OptionsOfSample(const CampaignSpec& spec, int64_t sample) {
  RefineOptions options = spec.refine;
  // Wraps around at the end of the range, as no sum of signed numbers may.
  if (auto& seed = options.sampling.seed) {
    seed = static_cast<int64_t>(static_cast<uint64_t>(*seed) + static_cast<uint64_t>(sample - 1));
  }
  return options;
}

}  // namespace passnet::agent
