#include "agent/llm/gate.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/sha256.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::OutcomeClass;
using dialects::RawReply;

// 2^20 first waits are beyond every longest one; more would overflow.
Nanos Doubled(Nanos first, int times, Nanos longest) {
  return std::min(first * (int64_t{1} << std::clamp(times, 0, 20)), longest);
}

}  // namespace

Gate::Gate(std::string endpoint, GateOptions options, const Clock* clock, Sleeper* sleeper)
    : endpoint_(std::move(endpoint)),
      options_(options),
      clock_(clock),
      sleeper_(sleeper),
      limit_(std::clamp(options.start, options.floor, options.ceiling)),
      breaker_(options.breaker, clock),
      requests_(options.limits.requests_per_minute, 1, clock->Now()),
      tokens_(options.limits.tokens_per_minute, 1, clock->Now()) {}

// ---- who waits

Task<Result<Gate::Permit>> Gate::Acquire(GateTurn turn, std::stop_token cancel) {
  auto self = shared_from_this();
  if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled before the request was sent"};
  std::shared_ptr<Waiter> waiter = Join(std::move(turn));
  LetThrough();
  while (!waiter->granted && !cancel.stop_requested()) {
    if (!timekeeper_) timekeeper_ = waiter;
    if (timekeeper_ == waiter) {
      co_await KeepTime(waiter, cancel);
      LetThrough();
    } else {
      co_await waiter->called.Wait(cancel);
    }
  }
  if (!waiter->granted) Leave(waiter);
  // Also when it was called to keep the time and leaves instead: somebody must.
  if (!timekeeper_ || timekeeper_ == waiter) HandTimeOver();
  if (!waiter->granted) co_return Error{ErrorCode::kCancelled, "cancelled while waiting for the endpoint"};
  Permit permit(self, std::move(waiter->grant));
  // Granted and cancelled in the same turn of the loop: the permit's destructor passes the place on.
  if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled while waiting for the endpoint"};
  co_return permit;
}

std::shared_ptr<Gate::Waiter> Gate::Join(GateTurn turn) {
  auto waiter = std::make_shared<Waiter>();
  auto line = std::find_if(lines_.begin(), lines_.end(),
                           [&turn](const Line& known) { return known.campaign == turn.campaign; });
  if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{turn.campaign, turn.priority, {}});
  line->priority = turn.priority;
  waiter->grant.turn = std::move(turn);
  line->waiters.push_back(waiter);
  return waiter;
}

void Gate::Leave(const std::shared_ptr<Waiter>& waiter) {
  auto line = std::find_if(lines_.begin(), lines_.end(), [&waiter](const Line& known) {
    return known.campaign == waiter->grant.turn.campaign;
  });
  if (line == lines_.end()) return;
  std::erase(line->waiters, waiter);
  if (line->waiters.empty()) lines_.erase(line);
}

// Lines stand in the order of their turns: whoever was served goes to the end.
std::list<Gate::Line>::iterator Gate::NextLine() {
  return std::max_element(lines_.begin(), lines_.end(),
                          [](const Line& left, const Line& right) { return left.priority < right.priority; });
}

SteadyTime Gate::OpensAt(const GateTurn& turn, SteadyTime now) const {
  if (in_flight() >= limit_) return SteadyTime::max();
  const auto tokens = static_cast<double>(turn.tokens);
  const SteadyTime failing = breaker_.open() ? breaker_.next_try().at() : now;
  return std::max({now, silent_until_, failing, pace_.FreeAt(now), requests_.FreeAt(1, now),
                   tokens_.FreeAt(tokens, now), request_window_.FreeAt(1, now), token_window_.FreeAt(tokens, now)});
}

void Gate::LetThrough() {
  while (!lines_.empty()) {
    const SteadyTime now = clock_->Now();
    auto line = NextLine();
    std::shared_ptr<Waiter> waiter = line->waiters.front();
    if (OpensAt(waiter->grant.turn, now) > now) break;
    line->waiters.pop_front();
    lines_.splice(lines_.end(), lines_, line);
    if (line->waiters.empty()) lines_.erase(line);
    const auto tokens = static_cast<double>(waiter->grant.turn.tokens);
    requests_.Take(1, now);
    tokens_.Take(tokens, now);
    request_window_.Take(1);
    token_window_.Take(tokens);
    waiter->grant.try_number = breaker_.Begin();
    waiter->grant.episode = episode_;
    waiter->grant.paced = pace_.Sent(now);
    waiter->granted = true;
    ++facts_.in_flight;
    if (waiter->grant.turn.again) ++facts_.retries;
    waiter->called.NotifyAll();
  }
  if (!timekeeper_) return;
  // What it waits for may have become another.
  wake_.request_stop();
  timekeeper_->called.NotifyAll();
}

Task<void> Gate::KeepTime(std::shared_ptr<Waiter> keeper, std::stop_token cancel) {
  const SteadyTime opens = OpensAt(NextLine()->waiters.front()->grant.turn, clock_->Now());
  if (opens == SteadyTime::max()) {
    co_await keeper->called.Wait(cancel);
    co_return;
  }
  std::stop_source wake;
  wake_ = wake;
  std::stop_callback cancelled(cancel, [&wake] { wake.request_stop(); });
  Deadline until = Deadline::At(opens);
  std::stop_token woken = wake.get_token();
  co_await sleeper_->SleepUntil(until, woken);
}

void Gate::HandTimeOver() {
  timekeeper_.reset();
  if (!lines_.empty()) NextLine()->waiters.front()->called.NotifyAll();
}

// ---- how requests end

bool Gate::Settle(const Grant& grant, const AttemptOutcome& outcome, const RawReply& reply) {
  const std::optional<Outage> before = outage();
  const bool own = IsOwnFailure(grant, outcome.outcome);
  const RateHeaders headers = ReadRateHeaders(reply, clock_->UtcMicros());
  const SteadyTime now = clock_->Now();
  if (headers.requests) request_window_.Learn(*headers.requests, options_.longest_silence, now);
  if (headers.tokens) token_window_.Learn(*headers.tokens, options_.longest_silence, now);
  const std::string reason = std::string(OutcomeClassName(outcome.outcome)) + ": " + outcome.detail;
  // Too much of an answer is one.
  const OutcomeClass ended =
      reply.end == dialects::ExchangeEnd::kTooLarge ? OutcomeClass::kMalformed : outcome.outcome;
  switch (ended) {
    case OutcomeClass::kRateLimited: Refused(grant, headers, reason); break;
    case OutcomeClass::kOverloaded: Failed(grant, headers, reason, false); break;
    case OutcomeClass::kTransport: Failed(grant, headers, reason, true); break;
    case OutcomeClass::kQuota:
    case OutcomeClass::kAuth: RefusedForGood(grant, reason); break;
    case OutcomeClass::kCancelled:
      ++facts_.cut;
      breaker_.Abandoned(grant.try_number);
      break;
    case OutcomeClass::kBadRequest:
      if (reply.end == dialects::ExchangeEnd::kPeerUntrusted) {
        RefusedForGood(grant, reason);
        break;
      }
      [[fallthrough]];
    case OutcomeClass::kAccepted:
    case OutcomeClass::kTruncated:
    case OutcomeClass::kRefused:
    case OutcomeClass::kMalformed:
    case OutcomeClass::kContextOverflow: Answered(grant); break;
  }
  TellIfChanged(before);
  return own;
}

bool Gate::IsOwnFailure(const Grant& grant, OutcomeClass outcome) const {
  if (outcome == OutcomeClass::kQuota || outcome == OutcomeClass::kAuth) return false;
  // Perhaps billed: with nobody else's failure beside it, it must not be asked for again and again.
  const bool others_fail = several_failed_ || (!failed_call_.empty() && failed_call_ != grant.turn.call);
  if (outcome == OutcomeClass::kTransport) return !others_fail;
  return facts_.answered > grant.turn.answered_before;
}

void Gate::Answered(const Grant& grant) {
  ++facts_.answered;
  breaker_.Succeeded(grant.try_number);
  refusals_ = 0;
  silent_since_utc_us_ = 0;
  failed_call_.clear();
  several_failed_ = false;
  // Requests from before the last shrink tell nothing about what holds now.
  if (grant.episode != episode_) return;
  pace_.Accepted(grant.paced);
  // A limit that nobody reaches has not been tried, so it must not grow. This request still counts as in flight.
  if (in_flight() < limit_) return;
  if (!slow_start_ && ++clean_ < limit_) return;
  limit_ = std::min(options_.ceiling, limit_ + 1);
  clean_ = 0;
}

void Gate::Refused(const Grant& grant, const RateHeaders& headers, const std::string& reason) {
  ++facts_.refused;
  breaker_.Succeeded(grant.try_number);  // it is there
  const bool first = grant.episode == episode_;
  pace_.Refused(clock_->Now(), first);
  if (first) {
    ++episode_;
    ++refusals_;
    limit_ = std::max(options_.floor, limit_ / 2);
    slow_start_ = false;
    clean_ = 0;
  }
  if (headers.retry_after) {
    Silence(*headers.retry_after, reason);
  } else if (headers.requests && headers.requests->remaining < 1) {
    Silence(headers.requests->reset, reason);
  } else if (first) {
    Silence(Doubled(options_.first_silence, refusals_ - 1, options_.longest_own_silence), reason);
  }
}

void Gate::Failed(const Grant& grant, const RateHeaders& headers, const std::string& reason, bool dear) {
  ++facts_.failed;
  clean_ = 0;
  if (failed_call_.empty()) failed_call_ = grant.turn.call;
  several_failed_ = several_failed_ || failed_call_ != grant.turn.call;
  const bool was_open = breaker_.open();
  if (headers.retry_after) Silence(*headers.retry_after, reason);
  // A reply that was lost on its way may have been billed: such a try is repeated more seldom than one that cost nothing.
  std::optional<Nanos> wait;
  if (dear) wait = Doubled(options_.breaker.first_wait, breaker_.waits(), options_.longest_lasting_wait);
  breaker_.Failed(grant.try_number, {reason, wait, false});
  if (was_open || !breaker_.open()) return;
  // What comes back is not met by all that waited for it at once.
  limit_ = std::min(limit_, std::clamp(options_.start, options_.floor, options_.ceiling));
  slow_start_ = true;
}

void Gate::RefusedForGood(const Grant& grant, const std::string& reason) {
  ++facts_.failed;
  const Nanos wait = Doubled(options_.first_lasting_wait, breaker_.waits(), options_.longest_lasting_wait);
  breaker_.Failed(grant.try_number, {reason, wait, true});
}

void Gate::Silence(Nanos span, const std::string& reason) {
  const SteadyTime until = clock_->Now() + std::min(span, options_.longest_silence);
  if (silent_since_utc_us_ == 0) silent_since_utc_us_ = clock_->UtcMicros();
  if (until <= silent_until_) return;
  silent_until_ = until;
  silence_reason_ = reason;
}

void Gate::GiveBack(const Grant& grant, bool settled) {
  if (!settled) breaker_.Abandoned(grant.try_number);
  --facts_.in_flight;
  LetThrough();
}

// ---- what is told

std::optional<Outage> Gate::outage() const {
  const std::string what = "endpoint " + endpoint_;
  if (auto failing = breaker_.outage(what)) return failing;
  const int64_t until = SilentUntilUtc();
  if (until == 0) return std::nullopt;
  return Outage{what, silence_reason_, silent_since_utc_us_, until};
}

int64_t Gate::SilentUntilUtc() const {
  const SteadyTime now = clock_->Now();
  if (now >= silent_until_) return 0;
  return clock_->UtcMicros() + std::chrono::duration_cast<std::chrono::microseconds>(silent_until_ - now).count();
}

void Gate::TellIfChanged(const std::optional<Outage>& before) {
  const std::optional<Outage> now = outage();
  if (before == now) return;
  changed_.NotifyAll();
  if (now && breaker_.open() && !(before && before->reason == now->reason)) {
    log::Warning("agent", "the endpoint fails: calls wait",
                 {{"endpoint", endpoint_}, {"error", now->reason}, {"next_try", FormatUtc(now->next_try_utc_us)}});
  }
  if (before && !now) log::Info("agent", "the endpoint works again", {{"endpoint", endpoint_}});
}

GateFacts Gate::facts() const {
  GateFacts facts = facts_;
  facts.endpoint = endpoint_;
  facts.limit = limit_;
  for (const Line& line : lines_) facts.waiting += static_cast<int64_t>(line.waiters.size());
  facts.paced_per_second = pace_.per_second();
  facts.silent_until_utc_us = SilentUntilUtc();
  facts.outage = outage();
  return facts;
}

Gate::Permit::~Permit() {
  if (auto gate = std::exchange(gate_, nullptr)) gate->GiveBack(grant_, false);
}

bool Gate::Permit::Settle(const AttemptOutcome& outcome, const RawReply& reply) {
  auto gate = std::exchange(gate_, nullptr);
  const bool own = gate->Settle(grant_, outcome, reply);
  gate->GiveBack(grant_, true);
  return own;
}

std::shared_ptr<Gate> GateRegistry::For(const EndpointOptions& endpoint) {
  Known& known = gates_[endpoint.base_url + " " + Sha256Hex(endpoint.api_key.Reveal())];
  if (known.gate) return known.gate;
  GateOptions options = options_;
  const RateLimits& limits = endpoint.limits;
  if (limits.requests_per_minute) options.limits.requests_per_minute = limits.requests_per_minute;
  if (limits.tokens_per_minute) options.limits.tokens_per_minute = limits.tokens_per_minute;
  known = {endpoint.name, std::make_shared<Gate>(endpoint.base_url, options, clock_, sleeper_)};
  return known.gate;
}

std::vector<GateFacts> GateRegistry::facts() const {
  std::vector<GateFacts> all;
  for (const auto& [key, known] : gates_) {
    all.push_back(known.gate->facts());
    all.back().name = known.name;
  }
  return all;
}

}  // namespace passnet::agent
