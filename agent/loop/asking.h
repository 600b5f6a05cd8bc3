// A round's question to the model. The request is rendered once, when its call opens; what is sent is what the journal
// holds, at every attempt and after a restart. Each attempt is durable before it leaves, each reply before anything
// reads it.
// Threads: loop-only. Borrows: the trajectory.
// Errors: the trajectory's, and kCancelled (interrupted: the call goes on later under its id).
#pragma once

#include <optional>
#include <string>

#include "agent/llm/call.h"
#include "agent/loop/live_trajectory.h"

namespace passnet::agent {

class Asking : private AttemptObserver {
 public:
  explicit Asking(LiveTrajectory* trajectory) : trajectory_(*trajectory) {}

  // The next step towards a settled reply: opens a call, sends it, or settles what an earlier life of the daemon left.
  Task<Status> Advance();

  // What ends the open call for good, if there is one: nothing will ever be asked under its id again.
  std::optional<JournalEntry> EndOfOpenCall() const;

 private:
  Task<Status> Open();
  Task<Status> Send();
  Task<Status> SettleReceived();
  Task<Status> Settle(AttemptCounts counts, dialects::AttemptOutcome outcome, bool call_goes_on);
  // Why no further attempt may be made, where that is what the error says.
  std::optional<std::string> RefusalIn(const Error& error) const;
  Task<Status> EndForBudget(std::string reason);
  Task<Status> EndForTime(std::string reason);
  JournalEntry EndOfIdleCall() const;
  void TellRetry(const AttemptCounts& counts, const dialects::AttemptOutcome& outcome,
                 const RetryDecision& decision) const;

  Task<Status> BeforeSend(int attempt) override;
  Task<Status> AfterReply(int attempt, const dialects::RawReply* reply) override;
  Task<Status> AfterDecision(const AttemptCounts* counts, const dialects::AttemptOutcome* outcome,
                             const RetryDecision* decision) override;

  const TrajectoryFold::OpenCall& call() const { return *trajectory_.fold().open_call(); }
  JournalEntry EntryOfCall(trajectories::EventKind kind) const;
  JournalEntry Refusal(const std::string& call_id, const std::string& reason) const;
  void SpendReservation(trajectories::EventDraft* event) const;
  std::string FillUsage(const dialects::AttemptOutcome& outcome, trajectories::EventDraft* event) const;

  LiveTrajectory& trajectory_;
};

}  // namespace passnet::agent
