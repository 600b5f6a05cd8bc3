#include "agent/campaign/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "agent/campaign/report.h"
#include "agent/campaign/spec.h"
#include "agent/campaign/statistics.h"
#include "base/text.h"

namespace passnet::agent {
namespace {

// A score of 0 (b = 0 allows it) has no logarithm; chosen far below any score that is measured.
constexpr double kLeastScore = 1e-6;
constexpr size_t kMaxNamed = 12;  // of differences in one message
constexpr const char* kConditions[] = {"profile", "call_path", "matching", "device", "time_cap_ms", "p", "b"};

struct ComparedTask {
  std::string task;
  double graphs = 1;
  double a = 0;
  double b = 0;
  double solved_a = 0;  // share of the scored samples
  double solved_b = 0;
  double log_ratio = 0;
  double noise = 0;  // of log_ratio: half its 95 % interval
};

using TasksByName = std::map<std::string, const Json*>;

TasksByName TasksOf(const Json& report) {
  TasksByName tasks;
  for (const Json& task : report["by_task"].Items()) tasks[task["task"].Text()] = &task;
  return tasks;
}

bool HasScore(const Json& task) { return task["score"].is_number() && task["scored"].Integer() > 0; }

ComparedTask CompareTask(const std::string& name, const Json& a, const Json& b) {
  auto share = [](const Json& task) {
    return static_cast<double>(task["solved"].Integer()) / static_cast<double>(task["scored"].Integer(1));
  };
  ComparedTask one;
  one.task = name;
  one.graphs = std::max(1.0, a["graphs"].Number(1));
  one.a = a["score"].Number();
  one.b = b["score"].Number();
  one.solved_a = share(a);
  one.solved_b = share(b);
  one.log_ratio = std::log(std::max(one.b, kLeastScore)) - std::log(std::max(one.a, kLeastScore));
  one.noise = std::hypot(a["noise"].Number(), b["noise"].Number());
  return one;
}

std::string Named(const Json& value) { return OneLine(value.is_text() ? value.Text() : value.Dump(), 100); }

// What makes two reports incomparable, whatever is forced.
std::vector<std::string> DifferentConditions(const Json& a, const Json& b) {
  std::vector<std::string> differ;
  for (const char* key : kConditions) {
    if (a[key] == b[key]) continue;
    differ.push_back(std::string(key) + " is " + Named(a[key]) + " in A and " + Named(b[key]) + " in B");
  }
  return differ;
}

std::vector<std::string> DifferentHosts(const Json& a, const Json& b) {
  std::vector<std::string> differ;
  for (const auto& [key, value] : a["environment"].Members()) {
    const Json& other = b["environment"][key];
    if (value == other) continue;
    differ.push_back("environment " + OneLine(key, 100) + " is " + Named(value) + " in A and " + Named(other) + " in B");
  }
  for (const auto& [key, value] : b["environment"].Members()) {
    if (!a["environment"].Has(key)) differ.push_back("environment " + OneLine(key, 100) + " is not told in A");
  }
  return differ;
}

// Reports from before a campaign could say it have no such key.
std::string RestartOf(const Json& report) { return report["restart"].TextOr(RestartKindName(RestartKind::kFresh)); }

// Samples that start from the best are no draws of the same, so that their mean is another figure.
std::vector<std::string> DifferentSampling(const Json& a, const Json& b) {
  if (RestartOf(a) == RestartOf(b)) return {};
  return {"restart is " + OneLine(RestartOf(a), 100) + " in A and " + OneLine(RestartOf(b), 100) + " in B"};
}

std::vector<std::string> DifferentTasks(const TasksByName& a, const TasksByName& b) {
  std::vector<std::string> differ;
  for (const auto& [name, task] : a) {
    auto other = b.find(name);
    if (other == b.end()) {
      differ.push_back("task " + OneLine(name, 100) + " is not in B");
    } else if ((*task)["hash"] != (*other->second)["hash"]) {
      differ.push_back("task " + OneLine(name, 100) + " has other files in B");
    }
  }
  for (const auto& [name, task] : b) {
    if (!a.contains(name)) differ.push_back("task " + OneLine(name, 100) + " is not in A");
  }
  return differ;
}

std::string Listed(const std::vector<std::string>& texts) {
  std::string list;
  for (size_t i = 0; i < std::min(texts.size(), kMaxNamed); ++i) list += (i > 0 ? "; " : "") + texts[i];
  if (texts.size() > kMaxNamed) list += "; and " + std::to_string(texts.size() - kMaxNamed) + " more";
  return list;
}

Status CheckReport(const Json& report, const char* which) {
  if (IsCampaignReport(report)) return OkStatus();
  return InvalidArgument(std::string(which) + " is no " + kCampaignReportSchema +
                         " with by_task; make it with this version of passnet");
}

Json IntervalJson(const std::optional<Interval>& interval) {
  if (!interval) return Json();
  return {{"value", interval->value}, {"low", OrNull(interval->low)}, {"high", OrNull(interval->high)}};
}

const char* ResultOf(const ComparedTask& task) {
  if (std::abs(task.log_ratio) <= task.noise) return "tie";
  return task.log_ratio > 0 ? "win" : "loss";
}

Json SideJson(const Json& report) {
  Json side = Json::MakeObject();
  for (const char* key : {"campaign_id", "name", "model", "state", "samples"}) side.Set(key, report[key]);
  side.Set("restart", RestartOf(report));
  return side;
}

// AS, its ratio and the solved shares over the compared tasks.
void SetFigures(const std::vector<ComparedTask>& tasks, Json* json) {
  std::vector<Cluster> a, b, ratio, solved_a, solved_b, difference;
  for (const ComparedTask& task : tasks) {
    a.push_back({std::log(std::max(task.a, kLeastScore)) * task.graphs, task.graphs});
    b.push_back({std::log(std::max(task.b, kLeastScore)) * task.graphs, task.graphs});
    ratio.push_back({task.log_ratio * task.graphs, task.graphs});
    solved_a.push_back({task.solved_a, 1});
    solved_b.push_back({task.solved_b, 1});
    difference.push_back({task.solved_b - task.solved_a, 1});
  }
  json->Set("aggregated_score", {{"a", IntervalJson(MeanOverTasks(a, Scale::kLog))},
                                 {"b", IntervalJson(MeanOverTasks(b, Scale::kLog))},
                                 {"ratio", IntervalJson(MeanOverTasks(ratio, Scale::kLog))}});
  json->Set("solved", {{"a", IntervalJson(MeanOverTasks(solved_a, Scale::kLinear))},
                       {"b", IntervalJson(MeanOverTasks(solved_b, Scale::kLinear))},
                       {"difference", IntervalJson(MeanOverTasks(difference, Scale::kLinear))}});
}

void SetTasks(const std::vector<ComparedTask>& tasks, Json* json) {
  std::map<std::string, int64_t> counts{{"win", 0}, {"loss", 0}, {"tie", 0}};
  Json rows = Json::MakeArray();
  for (const ComparedTask& task : tasks) {
    ++counts[ResultOf(task)];
    rows.Push({{"task", task.task},
               {"a", task.a},
               {"b", task.b},
               {"ratio", std::exp(task.log_ratio)},
               {"noise", task.noise},
               {"result", ResultOf(task)}});
  }
  json->Set("wins", counts["win"]);
  json->Set("losses", counts["loss"]);
  json->Set("ties", counts["tie"]);
  json->Set("tasks", std::move(rows));
}

}  // namespace

bool IsCampaignReport(const Json& json) {
  return json["schema"].Text() == kCampaignReportSchema && json["by_task"].is_array();
}

Result<Json> CompareReports(const Json& a, const Json& b, bool force) {
  RETURN_IF_ERROR(CheckReport(a, "A"));
  RETURN_IF_ERROR(CheckReport(b, "B"));
  auto differ = DifferentConditions(a, b);
  if (!differ.empty()) return InvalidArgument("the two were measured in other ways: " + Listed(differ));
  const TasksByName tasks_a = TasksOf(a);
  const TasksByName tasks_b = TasksOf(b);
  std::vector<std::string> forced = DifferentHosts(a, b);
  for (std::string& text : DifferentSampling(a, b)) forced.push_back(std::move(text));
  for (std::string& text : DifferentTasks(tasks_a, tasks_b)) forced.push_back(std::move(text));
  if (!forced.empty() && !force) {
    return InvalidArgument("the two do not compare: " + Listed(forced) +
                           ". With --force the tasks that both have are compared all the same");
  }
  std::vector<ComparedTask> tasks;
  int64_t unscored = 0;
  for (const auto& [name, task] : tasks_a) {
    auto other = tasks_b.find(name);
    if (other == tasks_b.end() || (*task)["hash"] != (*other->second)["hash"]) continue;
    const bool both = HasScore(*task) && HasScore(*other->second);
    unscored += !both;
    if (both) tasks.push_back(CompareTask(name, *task, *other->second));
  }
  if (tasks.empty()) return InvalidArgument("no task is scored in both: there is nothing to compare");
  Json json = {{"schema", "passnet.campaign_comparison/1"}, {"a", SideJson(a)}, {"b", SideJson(b)}};
  Json& conditions = json.Set("conditions", Json::MakeObject());
  for (const char* key : kConditions) conditions.Set(key, a[key]);
  json.Set("forced", forced);
  json.Set("n_compared", tasks.size());
  json.Set("n_unscored", unscored);
  SetFigures(tasks, &json);
  SetTasks(tasks, &json);
  return json;
}

}  // namespace passnet::agent
