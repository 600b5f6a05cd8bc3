// A lane that measures nothing: what it answers is written in the candidate. A file `plan.json` in the candidate
// ({"verdict": "OK", "speedup": 1.5}) decides the report; faults are injected by `fail_next`. Implements the product's
// LaneClient, so that everything above it is the real thing.
// Threads: thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "evaluator/client/lane_client.h"
#include "passbench/score.h"

namespace passnet::fakes {

class FakeLane : public evaluator::LaneClient {
 public:
  struct Log {
    std::mutex mutex;
    std::map<std::string, int> evaluations;  // by evaluation id
    std::map<std::string, std::chrono::milliseconds> time_caps;  // of the last request, by purpose or "baseline"
    std::vector<Error> fail_next;            // taken from the front, by any request
    std::vector<Error> fail_evaluations;     // likewise, by evaluations alone
    std::map<std::string, std::string> environment{{"cpu", "fake"}, {"torch", "none"}};
  };
  explicit FakeLane(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline,
                                               const evaluator::ProgressFn&) override {
    std::lock_guard lock(log_->mutex);
    ++log_->evaluations[request.evaluation_id];
    log_->time_caps[request.purpose] = request.time_cap;
    if (auto error = NextFailure()) return *error;
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

  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline,
                                             const evaluator::ProgressFn&) override {
    std::lock_guard lock(log_->mutex);
    log_->time_caps["baseline"] = request.time_cap;
    if (auto error = NextFailure()) return *error;
    evaluator::BaselineReport report;
    report.task = request.task.path;
    report.device = request.device;
    report.aggregated_score = 1.2;
    report.graphs.push_back(Graph(evaluator::Verdict::kOk, 1.2));
    return report;
  }

  Result<evaluator::TaskDescription> DescribeTask(const evaluator::DescribeTaskRequest& request, Deadline) override {
    std::lock_guard lock(log_->mutex);
    if (auto error = NextFailure()) return *error;
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

  Result<std::map<std::string, std::string>> Environment(Deadline) override {
    std::lock_guard lock(log_->mutex);
    return log_->environment;
  }

  void Cancel() override {}

 private:
  std::optional<Error> NextFailure() { return TakeFirst(&log_->fail_next); }

  static std::optional<Error> TakeFirst(std::vector<Error>* errors) {
    if (errors->empty()) return std::nullopt;
    Error error = errors->front();
    errors->erase(errors->begin());
    return error;
  }

  static evaluator::GraphReport Graph(evaluator::Verdict verdict, double speedup) {
    using evaluator::GraphStatus;
    using evaluator::Verdict;
    evaluator::GraphReport graph;
    graph.path = "graphs/a";
    graph.dtype = "float32";
    graph.verdict = verdict;
    graph.status = verdict == Verdict::kMiss      ? GraphStatus::kPassMiss
                   : verdict == Verdict::kCompile ? GraphStatus::kCompileFail
                   : verdict == Verdict::kIncorrect ? GraphStatus::kAccuracy
                                                    : GraphStatus::kCorrect;
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

  static void Judge(const evaluator::EvaluateRequest& request, evaluator::EvaluationReport* report) {
    double speedup = 1.5;
    report->verdict = evaluator::Verdict::kOk;
    for (const auto& file : request.files) {
      if (file.name != "plan.json") continue;
      auto plan = ParseJson(file.bytes);
      CHECK(bool(plan));
      speedup = plan.value()["speedup"].Number(1.5);
      std::string wanted = plan.value()["verdict"].TextOr("OK");
      for (int i = 0; i <= static_cast<int>(evaluator::Verdict::kOk); ++i) {
        auto verdict = static_cast<evaluator::Verdict>(i);
        if (wanted == evaluator::VerdictName(verdict)) report->verdict = verdict;
      }
    }
    bool ok = report->verdict == evaluator::Verdict::kOk;
    report->aggregated_score = ok ? speedup : 0.1;
    report->graphs.push_back(Graph(report->verdict, speedup));
    if (report->verdict == evaluator::Verdict::kCompile) {
      report->compile.push_back({"k.cc", false, false, 0.1, "k.cc:1:1: error: 'x' was not declared"});
    }
  }

  const std::shared_ptr<Log> log_;
};

// A reply whose candidate gets this verdict and speed-up, as JSON-escaped content of a chat completion.
inline std::string ReplyWith(const std::string& verdict, double speedup) {
  std::string plan = "{\\\"verdict\\\": \\\"" + verdict + "\\\", \\\"speedup\\\": " + std::to_string(speedup) + "}";
  return "Here it is.\\n#### FILE: sorted_output_pass_rule_names.json\\n```json\\n[\\\"A\\\"]\\n```\\n"
         "#### FILE: A.py\\n```python\\nimport torch\\n```\\n#### FILE: plan.json\\n```json\\n" +
         plan + "\\n```\\n";
}

}  // namespace passnet::fakes
