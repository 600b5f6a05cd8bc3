#include "agent/llm/call.h"

#include <algorithm>
#include <optional>
#include <stop_token>
#include <utility>

namespace passnet::agent {
namespace {

// Earlier lives count once this one has tried for so long. Chosen: a host that was off for days finds its network later
// than that only where something is wrong.
constexpr Nanos kOfThisLife = std::chrono::minutes(10);

// For how long a call has failed: since its first attempt that did.
class Failing {
 public:
  Failing(const Clock* clock, int64_t since_utc_us) : clock_(*clock), since_utc_us_(since_utc_us) {}

  // A good one ends the call.
  void AttemptEnded() {
    if (!here_) here_ = clock_.Now();
  }
  // 0 until an attempt of this life has failed: each life tries once at least.
  Nanos span() const {
    if (!here_) return Nanos(0);
    const Nanos here = clock_.Now() - *here_;
    if (since_utc_us_ <= 0 || here < kOfThisLife) return here;
    return std::max<Nanos>(here, std::chrono::microseconds(clock_.UtcMicros() - since_utc_us_));
  }

 private:
  const Clock& clock_;
  const int64_t since_utc_us_;
  std::optional<SteadyTime> here_;
};

// What is told of a request whose stop came while its intent was made durable.
dialects::RawReply Unsent() {
  dialects::RawReply reply;
  reply.end = dialects::ExchangeEnd::kCancelled;
  return reply;
}

}  // namespace

Task<Result<CallResult>> CallModel(CallPorts ports, dialects::WireRequest request, CallOptions options,
                                   std::stop_token cancel) {
  CallResult result;
  result.counts = options.before;
  std::stop_source waiting;
  std::stop_callback cancelled(cancel, [&waiting] { waiting.request_stop(); });
  std::stop_callback paused(options.pause, [&waiting] { waiting.request_stop(); });
  std::stop_token ends = waiting.get_token();
  Failing failing(ports.clock, options.failing_since_utc_us);
  GateTurn turn = std::move(options.turn);
  for (;;) {
    turn.answered_before = ports.gate->answered();
    turn.again = result.counts.made > 0;
    Result<Gate::Permit> permit = co_await ports.gate->Acquire(turn, ends);
    if (!permit) co_return permit.error();
    if (failing.span() >= options.retry.give_up_after) {
      co_return Error{ErrorCode::kDeadlineExceeded,
                      "the endpoint did not answer in time; the last attempt: " +
                          std::string(OutcomeClassName(result.outcome.outcome)) + ": " + result.outcome.detail};
    }
    const int attempt = ++result.counts.made;
    Status intent = co_await ports.observer->BeforeSend(attempt);
    if (!intent) co_return intent.error();

    if (ends.stop_requested()) {
      result.raw = Unsent();
    } else {
      result.raw = co_await ports.client->Send(request, options.limits, cancel);
    }

    Status stored = co_await ports.observer->AfterReply(attempt, &result.raw);
    if (!stored) co_return stored.error();
    result.outcome = result.raw.read ? *result.raw.read : request.dialect->Interpret(result.raw);
    const bool own = permit.value().Settle(result.outcome, result.raw);
    Count(result.raw, result.outcome.outcome, own, &result.counts);
    failing.AttemptEnded();
    const Moment moment{ports.clock->UtcMicros(), failing.span(), ports.jitter()};
    RetryDecision decision = DecideRetry(options.retry, result.raw, result.outcome, result.counts, moment);
    Status told = co_await ports.observer->AfterDecision(&result.counts, &result.outcome, &decision);
    if (!told) co_return told.error();

    result.ended = std::move(decision.reason);
    if (!decision.retry) co_return result;
    // While the gate is shut, the place to wait is the line before it.
    if (ports.gate->outage() || decision.wait <= Nanos(0)) continue;
    Deadline until = Deadline::After(decision.wait, *ports.clock);
    bool rested = co_await ports.sleeper->SleepUntil(until, ends);
    if (!rested) co_return Error{ErrorCode::kCancelled, "cancelled while waiting to ask the model again"};
  }
}

}  // namespace passnet::agent
