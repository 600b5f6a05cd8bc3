// A journal in memory that keeps every step, and can "die" after a number of appends, as the process would; and a lane
// port straight over a LaneClient.
// Threads: loop-only.
#pragma once

#include <stop_token>
#include <utility>
#include <vector>

#include "agent/loop/ports.h"
#include "agent/loop/progress.h"
#include "evaluator/client/lane_client.h"

namespace passnet::fakes {

class MemoryJournal : public agent::Journal {
 public:
  Task<Status> Append(agent::Steps steps, std::stop_token) override {
    bool dies = left_ > 0 && --left_ == 0;
    if (!dies || last_is_durable_) {
      for (const auto& step : *steps) steps_.push_back(step);
    }
    if (dies) co_return Error{ErrorCode::kCancelled, "killed"};
    co_return OkStatus();
  }

  // The process ends with this append: just after it became durable, or just before.
  void DieWith(int append, bool durable) {
    left_ = append;
    last_is_durable_ = durable;
  }
  void Live() { left_ = -1; }
  const std::vector<agent::Step>& steps() const { return steps_; }

  int Count(trajectories::EventKind kind) const {
    int count = 0;
    for (const auto& step : steps_) count += step.event.kind == kind;
    return count;
  }
  // The last event of a kind; its steps must exist.
  const trajectories::EventDraft& Last(trajectories::EventKind kind) const {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
      if (step->event.kind == kind) return step->event;
    }
    static const trajectories::EventDraft none;
    return none;
  }
  Result<agent::Progress> Fold() const {
    agent::Progress progress;
    for (const auto& step : steps_) {
      auto content = [&step](const std::string& name) -> Result<std::string> { return step.contents.at(name); };
      RETURN_IF_ERROR(progress.Apply(step.event, content));
    }
    return progress;
  }

 private:
  int left_ = -1;  // appends until the end; negative: none
  bool last_is_durable_ = true;
  std::vector<agent::Step> steps_;
};

class DirectLane : public agent::Lane {
 public:
  explicit DirectLane(evaluator::LaneClient* client) : client_(client) {}
  Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request, std::stop_token) override {
    co_return client_->Evaluate(request, Deadline::Never(), {});
  }
  Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request, std::stop_token) override {
    co_return client_->Baseline(request, Deadline::Never(), {});
  }
  Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request, std::stop_token) override {
    co_return client_->DescribeTask(request, Deadline::Never());
  }
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token) override {
    co_return client_->Environment(Deadline::Never());
  }

 private:
  evaluator::LaneClient* const client_;
};

}  // namespace passnet::fakes
