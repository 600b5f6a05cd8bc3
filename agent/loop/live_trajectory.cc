#include "agent/loop/live_trajectory.h"

#include <memory>
#include <utility>

#include "agent/loop/commit_failpoints.h"
#include "agent/loop/payloads.h"
#include "base/log.h"

namespace passnet::agent {

using trajectories::EventKind;

LiveTrajectory::LiveTrajectory(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts,
                               LoopPorts ports, TrajectoryFold fold)
    : plan_(std::move(plan)), options_(options), texts_(texts), ports_(std::move(ports)), fold_(std::move(fold)) {}

JournalEntry LiveTrajectory::NewEntry(EventKind kind) const {
  JournalEntry entry;
  entry.event.campaign_id = plan_.campaign_id;
  entry.event.trajectory_id = plan_.trajectory_id;
  entry.event.kind = kind;
  if (fold_.round() > 0) entry.event.round = fold_.round();
  return entry;
}

Task<Status> LiveTrajectory::Append(JournalEntry entry) {
  std::vector<JournalEntry> entries;
  entries.push_back(std::move(entry));
  co_return co_await Append(std::move(entries));
}

Task<Status> LiveTrajectory::Append(std::vector<JournalEntry> entries) {
  // The fold goes by the events' references; the store fills in the digests from the same list.
  for (JournalEntry& entry : entries) {
    for (const auto& [name, bytes] : entry.contents) entry.event.refs.push_back({name, {}});
  }
  auto shared = std::make_shared<const std::vector<JournalEntry>>(std::move(entries));
  Status written = co_await ports_.journal->Append(shared, ports_.hang_up);
  if (!written) co_return written.error();
  for (const JournalEntry& entry : *shared) {
    FailpointAfter(entry.event.kind);
    ports_.budget->Apply(entry.event);
    auto content = [&entry](const std::string& name) -> Result<std::string> {
      auto found = entry.contents.find(name);
      if (found == entry.contents.end()) return Internal("entry without the content " + name);
      return found->second;
    };
    Status applied = fold_.Apply(entry.event, content, entry.outcome.get(), ports_.clock->UtcMicros());
    if (!applied) co_return applied.error();
  }
  co_return OkStatus();
}

std::string LiveTrajectory::LimitReached(const Amount& next) const {
  const TrajectoryLimits& limits = options_->budget;
  const Amount& spent = fold_.spent();
  if (limits.tokens && spent.tokens() + next.tokens() > *limits.tokens) {
    return "budget.trajectory_tokens: " + std::to_string(spent.tokens()) + " are used of " +
           std::to_string(*limits.tokens) + ", the next call may take " + std::to_string(next.tokens());
  }
  const int64_t microusd = spent.microusd.value_or(0) + next.microusd.value_or(0);
  if (limits.usd && static_cast<double>(microusd) > *limits.usd * 1e6) {
    return "budget.trajectory_usd: " + std::to_string(spent.microusd.value_or(0)) +
           " micro-dollars are spent, the next call may cost " + std::to_string(next.microusd.value_or(0));
  }
  const bool late = plan_.wall && ports_.clock->UtcMicros() >= plan_.wall->until_utc_us;
  return late ? TimeIsOver() : "";
}

bool LiveTrajectory::IsLate(const Error& error) const {
  return error.code == ErrorCode::kCancelled && time_is_over().stop_requested() && !interrupt_.stop_requested();
}

Task<Status> LiveTrajectory::GiveUp(std::string label, std::string error) {
  log::Warning("agent", "trajectory ends for a failure on our side",
               {{"trajectory_id", plan_.trajectory_id}, {"class", label}, {"error", error}});
  JournalEntry entry = NewEntry(EventKind::kInfra);
  entry.event.label = std::move(label);
  entry.event.payload = ErrorPayload(error);
  co_return co_await Append(std::move(entry));
}

void LiveTrajectory::EndAll() {
  interrupt_.request_stop();
  hang_up_.request_stop();
}

Task<void> LiveTrajectory::Rest(Nanos span) {
  Deadline until = Deadline::After(span, *ports_.clock);
  std::stop_token interrupted = interrupt_.get_token();
  co_await ports_.sleeper->SleepUntil(until, interrupted);
}

}  // namespace passnet::agent
