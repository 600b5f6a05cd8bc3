#include "agent/llm/call.h"

#include <stop_token>
#include <utility>

namespace passnet::agent {

Task<Result<CallResult>> CallModel(CallPorts ports, dialects::WireRequest request, CallOptions options,
                                   std::stop_token cancel) {
  CallResult result;
  result.counts = options.before;
  for (;;) {
    Result<AdaptiveLimiter::Permit> permit = co_await ports.limiter->Acquire(cancel);
    if (!permit) co_return permit.error();
    const int attempt = ++result.counts.made;
    Status intent = co_await ports.observer->BeforeSend(attempt);
    if (!intent) co_return intent.error();

    result.raw = co_await ports.client->Send(request, options.limits, cancel);

    Status stored = co_await ports.observer->AfterReply(attempt, &result.raw);
    if (!stored) co_return stored.error();
    result.outcome = result.raw.read ? *result.raw.read : request.dialect->Interpret(result.raw);
    permit.value().Settle(result.outcome.outcome);
    if (result.outcome.outcome == dialects::OutcomeClass::kTransport) ++result.counts.lost;
    RetryDecision decision =
        DecideRetry(options.retry, result.raw, result.outcome, result.counts, ports.clock->UtcMicros(), ports.jitter());
    Status told = co_await ports.observer->AfterDecision(attempt, &result.outcome, &decision);
    if (!told) co_return told.error();

    if (!decision.retry) {
      result.ended = std::move(decision.reason);
      co_return result;
    }
    Deadline until = Deadline::After(decision.wait, *ports.clock);
    bool rested = co_await ports.sleeper->SleepUntil(until, cancel);
    if (!rested) co_return Error{ErrorCode::kCancelled, "cancelled while waiting to ask the model again"};
  }
}

}  // namespace passnet::agent
