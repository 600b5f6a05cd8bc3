#include "tests/chaos/journal_account.h"

#include <utility>

#include "agent/campaign/launch.h"
#include "base/json.h"

namespace passnet::chaos {
namespace {

using trajectories::Event;
using trajectories::EventKind;

Result<Json> PayloadOf(const Event& event) {
  return ParseJsonObject(event.body.payload.empty() ? "{}" : event.body.payload,
                         "journal row " + std::to_string(event.row_id));
}

std::optional<Sha256Digest> RefOf(const Event& event, std::string_view name) {
  for (const auto& ref : event.body.refs) {
    if (ref.name == name) return ref.sha256;
  }
  return std::nullopt;
}

// One trajectory's events, in order.
class ChainReader {
 public:
  explicit ChainReader(JournalAccount* account) : account_(*account) {}

  Status Take(const Event& event) {
    ++account_.rows;
    account_.microusd += event.body.cost_microusd.value_or(0);
    switch (event.body.kind) {
      case EventKind::kLlmIntent: return Intent(event);
      case EventKind::kLlmAttempt: return Attempt(event);
      case EventKind::kLlmAttemptEnd: return event.body.label == "received" ? Received(event) : Settled(event);
      case EventKind::kLlmOutcome: return Outcome(event);
      case EventKind::kLlmLost: return Lost(event);
      case EventKind::kEvaluationIntent: purposes_[event.body.subject] = event.body.label; return OkStatus();
      case EventKind::kEvaluationReport: return Report(event);
      case EventKind::kTrajectoryFinished: ++account_.finished[event.body.label]; return OkStatus();
      default: return OkStatus();
    }
  }

 private:
  CallRecord& CallOf(const Event& event) { return account_.calls[event.body.subject]; }
  // The newest one of the chain; nullptr before the first.
  AttemptRecord* Newest(const Event& event) {
    const bool any = !account_.attempts.empty() && account_.attempts.back().call == event.body.subject;
    return any ? &account_.attempts.back() : nullptr;
  }
  Result<AttemptRecord*> Attempted(const Event& event) {
    AttemptRecord* attempt = Newest(event);
    if (attempt == nullptr) return DataCorrupt("journal row " + std::to_string(event.row_id) + ": nothing was attempted");
    return attempt;
  }

  Status Intent(const Event& event) {
    CallOf(event) = {event.body.trajectory_id, event.body.round.value_or(0), 0, ""};
    request_ = RefOf(event, "request").value_or(Sha256Digest{});
    return OkStatus();
  }

  Status Attempt(const Event& event) {
    ASSIGN_OR_RETURN(const Json payload, PayloadOf(event));
    AttemptRecord attempt;
    attempt.call = event.body.subject;
    attempt.number = payload["attempt"].Integer();
    attempt.request = request_;
    account_.attempts.push_back(std::move(attempt));
    return OkStatus();
  }

  Status Received(const Event& event) {
    ASSIGN_OR_RETURN(AttemptRecord* attempt, Attempted(event));
    ASSIGN_OR_RETURN(const Json payload, PayloadOf(event));
    ASSIGN_OR_RETURN(const Json facts, ParseJsonObject(payload["facts"].Text(), "facts"));
    attempt->received = true;
    attempt->sent = facts["sent"].Flag();
    attempt->asked_on_fresh = facts["asked_on_fresh"].Flag();
    attempt->request_id = facts["headers"]["x-request-id"].Text();
    attempt->end = facts["end"].Text();
    attempt->reply = RefOf(event, "reply");
    return OkStatus();
  }

  Status Settled(const Event& event) {
    ASSIGN_OR_RETURN(AttemptRecord* attempt, Attempted(event));
    ASSIGN_OR_RETURN(const Json payload, PayloadOf(event));
    // Of another attempt than the newest: then this one has no end, which is found.
    if (payload["attempt"].Integer() != attempt->number) return OkStatus();
    ++attempt->settled;
    attempt->outcome = event.body.label;
    attempt->usage_source = payload["usage_source"].Text();
    TakeUsage(event, attempt);
    return OkStatus();
  }

  Status Outcome(const Event& event) {
    CallRecord& call = CallOf(event);
    ++call.ends;
    // The end of a call whose attempts have all been settled names none.
    if (event.body.payload.empty()) return OkStatus();
    RETURN_IF_ERROR(Settled(event));
    if (event.body.label == "accepted") call.accepted = Newest(event)->request_id;
    return OkStatus();
  }

  Status Lost(const Event& event) {
    ++CallOf(event).ends;
    ASSIGN_OR_RETURN(AttemptRecord* attempt, Attempted(event));
    ++attempt->settled;
    attempt->outcome = "lost";
    attempt->usage_source = "reserved";
    TakeUsage(event, attempt);
    return OkStatus();
  }

  static void TakeUsage(const Event& event, AttemptRecord* attempt) {
    attempt->tokens = {event.body.prompt_tokens.value_or(0), event.body.completion_tokens.value_or(0)};
    attempt->microusd = event.body.cost_microusd.value_or(0);
  }

  Status Report(const Event& event) {
    ReportRecord report;
    report.row_id = event.row_id;
    report.trajectory = event.body.trajectory_id;
    report.evaluation = event.body.subject;
    report.purpose = purposes_[event.body.subject];
    report.round = event.body.round.value_or(0);
    report.grade = {event.body.label, event.body.score.value_or(-1)};
    account_.reports.push_back(std::move(report));
    return OkStatus();
  }

  JournalAccount& account_;
  Sha256Digest request_{};                       // of the newest intent
  std::map<std::string, std::string> purposes_;  // by evaluation id
};

}  // namespace

Result<JournalAccount> ReadAccount(trajectories::Reader& reader) {
  JournalAccount account;
  ASSIGN_OR_RETURN(const auto campaigns, agent::AllCampaigns(reader));
  for (const auto& campaign : campaigns) {
    ASSIGN_OR_RETURN(const auto trajectories, agent::AllTrajectories(reader, campaign.campaign_id));
    for (const auto& trajectory : trajectories) {
      ++account.trajectories;
      ASSIGN_OR_RETURN(const auto events, reader.Chain(campaign.campaign_id, trajectory.trajectory_id));
      ChainReader chain(&account);
      for (const Event& event : events) RETURN_IF_ERROR(chain.Take(event));
    }
  }
  return account;
}

}  // namespace passnet::chaos
