#include "agent/replay/tape_ports.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "base/sha256.h"
#include "evaluator/api/json.h"

namespace passnet::agent {
namespace {

using dialects::ExchangeEnd;
using dialects::RawReply;
using trajectories::Event;
using trajectories::EventDraft;
using trajectories::EventKind;

constexpr size_t kShownBefore = 60;
constexpr size_t kShownAfter = 120;

Error NotStored() { return {ErrorCode::kCancelled, "nothing stored answers this"}; }

// What came from outside: the loop was given it, so it has nothing to say about its bytes.
bool IsGiven(const Event& stored) {
  const EventDraft& body = stored.body;
  return body.kind == EventKind::kEvaluationReport || body.kind == EventKind::kEvaluationInfra ||
         body.kind == EventKind::kBaseline || (body.kind == EventKind::kLlmAttemptEnd && body.label == "received");
}

std::string Shown(const std::optional<int64_t>& number) { return number ? std::to_string(*number) : "null"; }
std::string Shown(const std::optional<double>& number) { return number ? Json(*number).Dump() : "null"; }

std::string RefNames(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// "code: context", as Measuring stored it.
Error ErrorFrom(const std::string& payload) {
  auto json = ParseJson(payload);
  const std::string text = json ? json.value()["error"].Text() : std::string();
  const size_t end = text.find(": ");
  if (end == std::string::npos) return {ErrorCode::kUnavailable, text};
  return {ErrorCodeByName(text.substr(0, end)), text.substr(end + 2)};
}

}  // namespace

ReplayDifference DifferenceAt(const Event& stored, std::string field, std::string_view stored_text,
                              std::string_view replayed_text) {
  ReplayDifference difference;
  difference.seq = stored.seq;
  difference.kind = EventKindName(stored.body.kind);
  difference.field = std::move(field);
  auto parted = std::mismatch(stored_text.begin(), stored_text.end(), replayed_text.begin(), replayed_text.end());
  difference.at = static_cast<size_t>(parted.first - stored_text.begin());
  const size_t from = difference.at > kShownBefore ? difference.at - kShownBefore : 0;
  difference.stored = stored_text.substr(std::min(from, stored_text.size()), kShownBefore + kShownAfter);
  difference.replayed = replayed_text.substr(std::min(from, replayed_text.size()), kShownBefore + kShownAfter);
  return difference;
}

Task<Status> TapeJournal::Append(JournalEntries entries, std::stop_token) {
  Error stop{ErrorCode::kCancelled, "the stored events part from the loop here"};
  auto compared = CompareAll(*entries);
  if (!compared) {
    failure_ = compared.error();
    co_return stop;
  }
  difference_ = std::move(compared).value();
  if (difference_ || tape_.Peek(entries->size() - 1) == nullptr) co_return stop;
  for (const JournalEntry& entry : *entries) {
    requests_ += entry.event.kind == EventKind::kLlmIntent;
    Status advanced = tape_.Advance();
    if (!advanced) {
      failure_ = advanced.error();
      co_return stop;
    }
  }
  co_return OkStatus();
}

Result<std::optional<ReplayDifference>> TapeJournal::CompareAll(const std::vector<JournalEntry>& entries) const {
  for (size_t i = 0; i < entries.size(); ++i) {
    const Event* stored = tape_.Peek(i);
    if (stored == nullptr) break;
    ASSIGN_OR_RETURN(auto difference, Compare(entries[i], *stored));
    if (difference) return difference;
  }
  return std::optional<ReplayDifference>();
}

Result<std::optional<ReplayDifference>> TapeJournal::Compare(const JournalEntry& entry, const Event& stored) const {
  const EventDraft& made = entry.event;
  const EventDraft& kept = stored.body;
  const std::vector<std::tuple<const char*, std::string, std::string>> fields = {
      {"kind", std::string(EventKindName(kept.kind)), std::string(EventKindName(made.kind))},
      {"subject", kept.subject, made.subject},
      {"label", kept.label, made.label},
      {"round", Shown(kept.round), Shown(made.round)},
      {"score", Shown(kept.score), Shown(made.score)},
      {"prompt_tokens", Shown(kept.prompt_tokens), Shown(made.prompt_tokens)},
      {"completion_tokens", Shown(kept.completion_tokens), Shown(made.completion_tokens)},
      {"cost_microusd", Shown(kept.cost_microusd), Shown(made.cost_microusd)},
  };
  for (const auto& [name, kept_text, made_text] : fields) {
    if (kept_text != made_text) return std::optional(DifferenceAt(stored, name, kept_text, made_text));
  }
  std::set<std::string> kept_names;
  std::set<std::string> made_names;
  for (const auto& ref : kept.refs) kept_names.insert(ref.name);
  for (const auto& [name, bytes] : entry.contents) made_names.insert(name);
  if (kept_names != made_names) {
    return std::optional(DifferenceAt(stored, "contents", RefNames(kept_names), RefNames(made_names)));
  }
  for (const auto& ref : kept.refs) {
    const std::string& bytes = entry.contents.at(ref.name);
    if (Sha256Of(bytes) == ref.sha256) continue;
    ASSIGN_OR_RETURN(std::string kept_bytes, tape_.Content(stored, ref.name));
    return std::optional(DifferenceAt(stored, "content " + ref.name, kept_bytes, bytes));
  }
  if (!IsGiven(stored) && kept.payload != made.payload) {
    return std::optional(DifferenceAt(stored, "payload", kept.payload, made.payload));
  }
  return std::optional<ReplayDifference>();
}

Task<Result<evaluator::EvaluationReport>> TapePort::Evaluate(Asker, evaluator::EvaluateRequest request,
                                                             std::stop_token) {
  const Event* next = tape_.Peek();
  if (next != nullptr && next->body.kind == EventKind::kCompile) next = tape_.Peek(1);
  if (next == nullptr || next->body.subject != request.evaluation_id) co_return NotStored();
  if (next->body.kind == EventKind::kEvaluationInfra) co_return ErrorFrom(next->body.payload);
  if (next->body.kind != EventKind::kEvaluationReport) co_return NotStored();
  co_return evaluator::EvaluationReportFromJson(next->body.payload);
}

Task<Result<evaluator::BaselineReport>> TapePort::Baseline(Asker, evaluator::BaselineRequest, std::stop_token) {
  const Event* next = tape_.Peek();
  if (next == nullptr || next->body.kind != EventKind::kBaseline) co_return NotStored();
  auto report = evaluator::BaselineReportFromJson(next->body.payload);
  if (report) co_return report;
  co_return ErrorFrom(next->body.payload);
}

Task<Result<evaluator::TaskDescription>> TapePort::DescribeTask(Asker, evaluator::DescribeTaskRequest,
                                                               std::stop_token) {
  const Event* next = tape_.Peek();
  if (next == nullptr || next->body.kind != EventKind::kPromptRendered) co_return NotStored();
  auto text = tape_.Content(*next, "description");
  if (!text) co_return NotStored();
  co_return evaluator::FromJson<evaluator::TaskDescription>(text.value());
}

Task<Result<std::map<std::string, std::string>>> TapePort::Environment(std::stop_token) { co_return NotStored(); }

Task<RawReply> TapeClient::Send(dialects::WireRequest, AttemptLimits, std::stop_token) {
  RawReply none;
  none.end = ExchangeEnd::kCancelled;
  const Event* next = tape_.Peek();
  const bool received =
      next != nullptr && next->body.kind == EventKind::kLlmAttemptEnd && next->body.label == "received";
  if (!received) co_return none;
  std::string body;
  for (const auto& ref : next->body.refs) {
    if (ref.name != "reply") continue;
    auto bytes = tape_.Content(*next, ref.name);
    if (!bytes) co_return none;
    body = std::move(bytes).value();
  }
  auto payload = ParseJson(next->body.payload);
  if (!payload) co_return none;
  auto reply = dialects::ReplyFromStored(payload.value()["facts"].Text(), std::move(body));
  co_return reply ? std::move(reply).value() : none;
}

int64_t GateTime::UtcMicros() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()).count();
}

Task<bool> GateTime::SleepUntil(Deadline until, std::stop_token cancel) {
  if (until.at() != SteadyTime::max()) now_ = std::max(now_, until.at());
  co_return !cancel.stop_requested();
}

// What comes behind the stored reply settles the attempt.
bool TapeGate::IsOwnFailure(const Grant& grant, dialects::OutcomeClass outcome) const {
  const bool guess = Gate::IsOwnFailure(grant, outcome);
  const Event* settled = tape_.Peek();
  if (settled == nullptr || settled->body.subject != grant.turn.call) return guess;
  auto payload = ParseJson(settled->body.payload);
  return payload ? payload.value()["own"].Flag(guess) : guess;
}

Task<bool> NoSleep::SleepUntil(Deadline, std::stop_token cancel) { co_return !cancel.stop_requested(); }

}  // namespace passnet::agent
