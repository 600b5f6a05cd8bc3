#include "tests/fakes/fake_lane.h"

#include <list>
#include <optional>
#include <semaphore>
#include <type_traits>

#include "base/check.h"
#include "base/json.h"

namespace passnet::fakes {
namespace {

using evaluator::GraphStatus;
using evaluator::Verdict;

std::optional<Error> TakeFirst(std::vector<Error>* errors) {
  if (errors->empty()) return std::nullopt;
  Error error = errors->front();
  errors->erase(errors->begin());
  return error;
}

GraphStatus StatusOf(Verdict verdict) {
  if (verdict == Verdict::kMiss) return GraphStatus::kPassMiss;
  if (verdict == Verdict::kCompile) return GraphStatus::kCompileFail;
  return verdict == Verdict::kIncorrect ? GraphStatus::kAccuracy : GraphStatus::kCorrect;
}

evaluator::GraphReport Graph(Verdict verdict, double speedup) {
  evaluator::GraphReport graph;
  graph.path = "graphs/a";
  graph.dtype = "float32";
  graph.verdict = verdict;
  graph.status = StatusOf(verdict);
  graph.speedup_call = speedup;
  graph.eager_us = 10;
  graph.candidate_us = 10 / speedup;
  if (verdict == Verdict::kIncorrect) {
    graph.max_abs_diff = 0.5;
  } else {
    for (int t = -7; t <= 4; ++t) graph.tolerances_ok.push_back(t);
  }
  return graph;
}

// Forever when there is none.
void HangUntil(const std::vector<std::stop_token>& ends) {
  std::counting_semaphore<> ended(0);
  const auto release = [&ended] { ended.release(); };
  std::list<std::stop_callback<std::decay_t<decltype(release)>>> heard;
  for (const std::stop_token& end : ends) heard.emplace_back(end, release);
  ended.acquire();
}

void Judge(const evaluator::EvaluateRequest& request, evaluator::EvaluationReport* report) {
  double speedup = 1.5;
  report->verdict = Verdict::kOk;
  for (const auto& file : request.files) {
    if (file.name != "plan.json") continue;
    auto plan = ParseJson(file.bytes);
    CHECK(bool(plan));
    speedup = plan.value()["speedup"].Number(1.5);
    std::string wanted = plan.value()["verdict"].TextOr("OK");
    for (int i = 0; i <= static_cast<int>(Verdict::kOk); ++i) {
      auto verdict = static_cast<Verdict>(i);
      if (wanted == evaluator::VerdictName(verdict)) report->verdict = verdict;
    }
  }
  bool ok = report->verdict == Verdict::kOk;
  report->aggregated_score = ok ? speedup : 0.1;
  report->graphs.push_back(Graph(report->verdict, speedup));
  if (report->verdict == Verdict::kCompile) {
    report->compile.push_back({"k.cc", false, false, 0.1, "k.cc:1:1: error: 'x' was not declared"});
  }
}

}  // namespace

Result<evaluator::EvaluationReport> FakeLane::Evaluate(const evaluator::EvaluateRequest& request, Deadline,
                                                       const evaluator::ProgressFn&) {
  std::unique_lock lock(log_->mutex);
  ++log_->evaluations[request.evaluation_id];
  if (log_->hang_evaluations) {
    lock.unlock();
    HangUntil(log_->deaf ? std::vector<std::stop_token>() : std::vector<std::stop_token>{stop_, cancelled_});
    return Error{ErrorCode::kCancelled, "the request was cancelled"};
  }
  log_->time_caps[request.purpose] = request.time_cap;
  if (auto error = TakeFirst(&log_->fail_next)) return *error;
  if (auto error = TakeFirst(&log_->fail_evaluations)) return *error;
  evaluator::EvaluationReport report;
  report.evaluation_id = request.evaluation_id;
  report.task = request.task.path;
  report.profile = request.profile;
  report.device = request.device;
  report.environment = log_->environment;
  Judge(request, &report);
  return report;
}

Result<evaluator::BaselineReport> FakeLane::Baseline(const evaluator::BaselineRequest& request, Deadline,
                                                     const evaluator::ProgressFn&) {
  std::lock_guard lock(log_->mutex);
  log_->time_caps["baseline"] = request.time_cap;
  if (auto error = TakeFirst(&log_->fail_next)) return *error;
  evaluator::BaselineReport report;
  report.task = request.task.path;
  report.device = request.device;
  report.aggregated_score = 1.2;
  report.graphs.push_back(Graph(Verdict::kOk, 1.2));
  return report;
}

Result<evaluator::TaskDescription> FakeLane::DescribeTask(const evaluator::DescribeTaskRequest& request, Deadline) {
  std::lock_guard lock(log_->mutex);
  if (auto error = TakeFirst(&log_->fail_next)) return *error;
  evaluator::TaskDescription task;
  task.task = request.task.path;
  evaluator::GraphDescription graph;
  graph.path = "graphs/a";
  graph.dtype = "float32";
  graph.model_source = "import torch\n";
  graph.eager_us = 10;
  task.graphs.push_back(graph);
  return task;
}

Result<std::map<std::string, std::string>> FakeLane::Environment(Deadline) {
  std::lock_guard lock(log_->mutex);
  auto failure = log_->fail_environments.find(++log_->environments);
  if (failure != log_->fail_environments.end()) return failure->second;
  return log_->environment;
}

Result<std::unique_ptr<evaluator::LaneClient>> StartFakeLane(std::shared_ptr<FakeLane::Log> log, std::stop_token stop) {
  {
    std::unique_lock lock(log->mutex);
    ++log->starts;
    if (auto error = TakeFirst(&log->fail_starts)) return *error;
    if (log->hang_starts_from > 0 && log->starts >= log->hang_starts_from) {
      lock.unlock();
      HangUntil({stop});
    }
  }
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "the start was cancelled"};
  return std::unique_ptr<evaluator::LaneClient>(std::make_unique<FakeLane>(std::move(log), std::move(stop)));
}

std::string ReplyWith(const std::string& verdict, double speedup) {
  std::string plan = "{\\\"verdict\\\": \\\"" + verdict + "\\\", \\\"speedup\\\": " + std::to_string(speedup) + "}";
  return "Here it is.\\n#### FILE: sorted_output_pass_rule_names.json\\n```json\\n[\\\"A\\\"]\\n```\\n"
         "#### FILE: A.py\\n```python\\nimport torch\\n```\\n#### FILE: plan.json\\n```json\\n" +
         plan + "\\n```\\n";
}

}  // namespace passnet::fakes
