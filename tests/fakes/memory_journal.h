// A journal in memory that keeps every step, and can "die" after a number of appends, as the process would; and a lane
// port straight over a LaneClient.
// Threads: loop-only.
#pragma once

#include <stop_token>
#include <utility>
#include <vector>

#include "agent/loop/ports.h"
#include "agent/loop/trajectory_fold.h"
#include "evaluator/client/lane_client.h"

namespace passnet::fakes {

class MemoryJournal : public agent::Journal {
 public:
  Task<Status> Append(agent::JournalEntries entries, std::stop_token) override {
    bool dies = left_ > 0 && --left_ == 0;
    if (!dies || last_is_durable_) {
      for (const auto& entry : *entries) entries_.push_back(entry);
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
  const std::vector<agent::JournalEntry>& entries() const { return entries_; }

  int Count(trajectories::EventKind kind) const {
    int count = 0;
    for (const auto& entry : entries_) count += entry.event.kind == kind;
    return count;
  }
  // The last event of a kind; its entries must exist.
  const trajectories::EventDraft& Last(trajectories::EventKind kind) const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if (entry->event.kind == kind) return entry->event;
    }
    static const trajectories::EventDraft none;
    return none;
  }
  Result<agent::TrajectoryFold> Fold() const {
    agent::TrajectoryFold fold;
    for (const auto& entry : entries_) {
      auto content = [&entry](const std::string& name) -> Result<std::string> { return entry.contents.at(name); };
      RETURN_IF_ERROR(fold.Apply(entry.event, content));
    }
    return fold;
  }

 private:
  int left_ = -1;  // appends until the end; negative: none
  bool last_is_durable_ = true;
  std::vector<agent::JournalEntry> entries_;
};

class DirectLane : public agent::EvaluationPort {
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
