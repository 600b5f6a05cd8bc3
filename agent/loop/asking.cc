#include "agent/loop/asking.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/loop/payloads.h"
#include "base/log.h"
#include "dialects/dialect.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::OutcomeClass;
using dialects::RawReply;
using trajectories::EventDraft;
using trajectories::EventKind;

constexpr int64_t kBytesPerToken = 4;  // of English and code, roughly; only for the gate's allowance

// Refusals are not billed; whatever was sent and not refused may be.
bool MayBeBilled(const AttemptOutcome& outcome, bool sent) {
  if (IsModelBehaviour(outcome.outcome)) return true;
  return sent && (outcome.outcome == OutcomeClass::kTransport || outcome.outcome == OutcomeClass::kCancelled);
}

dialects::ChatRequest RequestOf(const SamplingOptions& sampling, const std::vector<dialects::ChatMessage>& messages) {
  dialects::ChatRequest request;
  request.model = sampling.model;
  request.messages = messages;
  request.max_tokens = sampling.max_tokens;
  request.max_completion_tokens = sampling.max_completion_tokens;
  request.temperature = sampling.temperature;
  request.seed = sampling.seed;
  request.stream = sampling.stream;
  request.extra_json = sampling.extra_json;
  return request;
}

}  // namespace

Task<Status> Asking::Advance() {
  const TrajectoryFold& fold = trajectory_.fold();
  const auto& open = fold.open_call();
  if (open && open->raw) co_return co_await SettleReceived();
  if (open && open->in_flight) {
    // The attempt left in an earlier life of the daemon and may have been billed.
    JournalEntry lost = *EndOfOpenCall();
    co_return co_await trajectory_.Append(std::move(lost));
  }
  if (fold.lost_in_round() > trajectory_.options().rounds.lost_calls) {
    std::string label = "infra_llm";
    std::string error = std::to_string(fold.lost_in_round()) + " calls of this round were lost";
    co_return co_await trajectory_.GiveUp(std::move(label), std::move(error));
  }
  if (!open) co_return co_await Open();
  co_return co_await Send();
}

std::optional<JournalEntry> Asking::EndOfOpenCall() const {
  const auto& open = trajectory_.fold().open_call();
  if (!open) return std::nullopt;
  JournalEntry end = EntryOfCall(open->in_flight ? EventKind::kLlmLost : EventKind::kLlmOutcome);
  if (open->in_flight) {
    SpendReservation(&end.event);
  } else {
    end.event.label = "cancelled";
  }
  return end;
}

// Renders the request, reserves what the call may cost and writes the intent; nothing is sent yet.
Task<Status> Asking::Open() {
  const RefineOptions& options = trajectory_.options();
  const LoopPorts& ports = trajectory_.ports();
  const dialects::Dialect& dialect = ports.client->dialect();
  Result<std::string> body = dialect.RenderRequest(RequestOf(options.sampling, trajectory_.fold().messages()));
  if (!body) {
    std::string label = "infra_llm";
    std::string error = body.error().context;
    co_return co_await trajectory_.GiveUp(std::move(label), std::move(error));
  }
  std::string call_id = trajectory_.plan().trajectory_id + "/call-" + std::to_string(trajectory_.fold().calls() + 1);
  Amount amount = UpperBound(body.value().size(), options.sampling.max_tokens, options.prices);
  if (std::string limit = trajectory_.LimitReached(amount); !limit.empty()) {
    JournalEntry refusal = Refusal(call_id, limit);
    co_return co_await trajectory_.Append(std::move(refusal));
  }
  std::stop_token waits_no_more = trajectory_.waiting().get_token();
  Status reserved = co_await ports.budget->Reserve(call_id, amount, waits_no_more);
  if (!reserved) {
    std::optional<std::string> reason = RefusalIn(reserved.error());
    if (!reason) co_return reserved.error();
    JournalEntry refusal = Refusal(call_id, *reason);
    co_return co_await trajectory_.Append(std::move(refusal));
  }
  JournalEntry intent = trajectory_.NewEntry(EventKind::kLlmIntent);
  intent.event.subject = call_id;
  intent.event.payload = IntentPayload({dialect.name(), trajectory_.plan().endpoint, options.sampling.model, amount});
  intent.contents["request"] = std::move(body).value();
  Status written = co_await trajectory_.Append(std::move(intent));
  if (!written) ports.budget->Release(call_id);
  co_return written;
}

Task<Status> Asking::Send() {
  const LoopPorts& borrowed = trajectory_.ports();
  CallPorts ports;
  ports.client = borrowed.client;
  ports.gate = borrowed.gate;
  ports.sleeper = borrowed.sleeper;
  ports.observer = this;
  ports.clock = borrowed.clock;
  ports.jitter = borrowed.jitter;
  CallOptions options;
  options.limits = trajectory_.options().limits;
  options.retry = trajectory_.options().retry;
  options.before = call().counts;
  options.failing_since_utc_us = call().failing_since_utc_us;
  options.turn.campaign = trajectory_.plan().campaign_id;
  options.turn.priority = trajectory_.plan().priority;
  options.turn.call = call().id;
  dialects::WireRequest request = call().request;
  options.turn.tokens =
      static_cast<int64_t>(request.body->size()) / kBytesPerToken + trajectory_.options().sampling.max_tokens;
  options.pause = trajectory_.waiting().get_token();
  std::stop_token hang_up = trajectory_.hang_up().get_token();
  Result<CallResult> called = co_await CallModel(std::move(ports), std::move(request), std::move(options), hang_up);
  if (called && called.value().outcome.outcome != OutcomeClass::kCancelled) co_return OkStatus();
  Error error{ErrorCode::kCancelled, "the call was cancelled"};
  if (!called) error = called.error();
  std::optional<std::string> refusal = RefusalIn(error);
  if (refusal) co_return co_await EndForBudget(std::move(*refusal));
  if (error.code != ErrorCode::kDeadlineExceeded) co_return error;
  co_return co_await EndForTime(std::move(error.context));
}

std::optional<std::string> Asking::RefusalIn(const Error& error) const {
  if (error.code == ErrorCode::kResourceExhausted) return error.context;
  if (trajectory_.IsLate(error)) return trajectory_.TimeIsOver();
  return std::nullopt;
}

// BeforeSend refused a further attempt, since what earlier ones may have cost has used the budget up, or the time was
// over while the call waited for one.
Task<Status> Asking::EndForBudget(std::string reason) {
  std::vector<JournalEntry> entries;
  entries.push_back(EndOfIdleCall());
  entries.push_back(Refusal(call().id, reason));
  co_return co_await trajectory_.Append(std::move(entries));
}

Task<Status> Asking::EndForTime(std::string reason) {
  JournalEntry end = EndOfIdleCall();
  Status written = co_await trajectory_.Append(std::move(end));
  if (!written) co_return written.error();
  std::string label = "infra_llm";
  co_return co_await trajectory_.GiveUp(std::move(label), std::move(reason));
}

// Of a call whose attempts have all ended without settling it.
JournalEntry Asking::EndOfIdleCall() const {
  JournalEntry outcome = EntryOfCall(EventKind::kLlmOutcome);
  outcome.event.label = "cancelled";
  return outcome;
}

Task<Status> Asking::BeforeSend(int attempt) {
  if (attempt > 1 && trajectory_.ports().budget->overdrawn()) {
    co_return Error{ErrorCode::kResourceExhausted, "earlier attempts have used up the campaign's budget"};
  }
  // Also of the first attempt: it may have waited for days for its turn.
  if (std::string limit = trajectory_.LimitReached({}); !limit.empty()) {
    co_return Error{ErrorCode::kResourceExhausted, std::move(limit)};
  }
  log::Debug("agent", "an attempt is made", {{"call_id", call().id}, {"attempt", int64_t{attempt}}});
  JournalEntry entry = EntryOfCall(EventKind::kLlmAttempt);
  entry.event.payload = AttemptPayload(attempt);
  co_return co_await trajectory_.Append(std::move(entry));
}

Task<Status> Asking::AfterReply(int attempt, const RawReply* reply) {
  JournalEntry entry = EntryOfCall(EventKind::kLlmAttemptEnd);
  entry.event.label = "received";
  entry.event.payload = ReceivedPayload(attempt, *reply);
  if (!reply->body.empty()) entry.contents["reply"] = reply->body;
  co_return co_await trajectory_.Append(std::move(entry));
}

Task<Status> Asking::AfterDecision(const AttemptCounts* counts, const AttemptOutcome* outcome,
                                   const RetryDecision* decision) {
  if (decision->retry) TellRetry(*counts, *outcome, *decision);
  const bool thrown_away = outcome->outcome == OutcomeClass::kCancelled && call().raw->sent;
  if (thrown_away) {
    log::Info("agent", "a reply on its way is thrown away; it may be billed",
              {{"call_id", call().id}, {"attempt", int64_t{counts->made}}});
  }
  // A call that we stopped goes on later under the same id, as after a wait.
  bool goes_on = decision->retry || outcome->outcome == OutcomeClass::kCancelled;
  co_return co_await Settle(*counts, *outcome, goes_on);
}

// What the endpoint said is in the journal, not here: it may hold what a model wrote.
void Asking::TellRetry(const AttemptCounts& counts, const AttemptOutcome& outcome,
                       const RetryDecision& decision) const {
  log::Info("agent", "the model is asked again",
            {{"call_id", call().id},
             {"attempt", int64_t{counts.made}},
             {"class", std::string(OutcomeClassName(outcome.outcome))},
             {"reason", decision.reason},
             {"wait_ms", int64_t{std::chrono::duration_cast<Millis>(decision.wait).count()}}});
}

// A reply that arrived before a crash: what follows from it is decided now.
Task<Status> Asking::SettleReceived() {
  const LoopPorts& ports = trajectory_.ports();
  const RawReply raw = *call().raw;
  AttemptCounts counts = call().counts;
  AttemptOutcome outcome = call().request.dialect->Interpret(raw);
  // Whether others failed with it is forgotten: what may have been billed counts as its own.
  const bool own = outcome.outcome == OutcomeClass::kTransport;
  Count(raw, outcome.outcome, own, &counts);
  const Moment moment{ports.clock->UtcMicros(), Nanos(0), ports.jitter()};
  RetryDecision decision = DecideRetry(trajectory_.options().retry, raw, outcome, counts, moment);
  bool goes_on = decision.retry || outcome.outcome == OutcomeClass::kCancelled;
  co_return co_await Settle(counts, std::move(outcome), goes_on);
}

Task<Status> Asking::Settle(AttemptCounts counts, AttemptOutcome outcome, bool call_goes_on) {
  const RawReply& raw = *call().raw;
  const bool own = counts.own > call().counts.own;
  JournalEntry entry = EntryOfCall(call_goes_on ? EventKind::kLlmAttemptEnd : EventKind::kLlmOutcome);
  entry.event.label = OutcomeClassName(outcome.outcome);
  std::string usage_source = FillUsage(outcome, &entry.event);
  entry.event.payload =
      SettledPayload({call_goes_on, counts.made, own, call().request.dialect->name(), usage_source}, raw, outcome);
  if (!raw.body.empty()) entry.contents["reply"] = raw.body;
  entry.outcome = std::make_shared<const AttemptOutcome>(std::move(outcome));
  co_return co_await trajectory_.Append(std::move(entry));
}

// What the attempt costs, into the event; where the figure comes from.
std::string Asking::FillUsage(const AttemptOutcome& outcome, EventDraft* event) const {
  if (outcome.reply.usage.known) {
    Amount amount = AmountOf(outcome.reply.usage, trajectory_.options().prices);
    event->prompt_tokens = amount.prompt_tokens;
    event->completion_tokens = amount.completion_tokens;
    event->cost_microusd = amount.microusd;
    return "provider";
  }
  if (!MayBeBilled(outcome, call().raw->sent)) return "none";
  SpendReservation(event);
  return "reserved";
}

void Asking::SpendReservation(EventDraft* event) const {
  event->completion_tokens = std::min(call().reserved_tokens, trajectory_.options().sampling.max_tokens);
  event->prompt_tokens = call().reserved_tokens - *event->completion_tokens;
  event->cost_microusd = call().reserved_microusd;
}

JournalEntry Asking::EntryOfCall(EventKind kind) const {
  JournalEntry entry = trajectory_.NewEntry(kind);
  entry.event.subject = call().id;
  return entry;
}

JournalEntry Asking::Refusal(const std::string& call_id, const std::string& reason) const {
  JournalEntry refusal = trajectory_.NewEntry(EventKind::kBudget);
  refusal.event.subject = call_id;
  refusal.event.label = "refuse";
  refusal.event.payload = ReasonPayload(reason);
  return refusal;
}

}  // namespace passnet::agent
