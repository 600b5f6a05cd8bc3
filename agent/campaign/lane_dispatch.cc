#include "agent/campaign/lane_dispatch.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace passnet::agent {
namespace {

using ProcessState = LaneProcess::State;

// Idle, and its breaker lets something through.
bool MayServe(const LaneProcess& process) {
  return process.state == ProcessState::kIdle && (process.open_try != 0 || process.breaker.MayTry());
}

std::string StateName(const LaneProcess& process) {
  switch (process.state) {
    case ProcessState::kOff: return process.breaker.open() ? "down" : "off";
    case ProcessState::kStarting: return "starting";
    case ProcessState::kIdle: return "idle";
    case ProcessState::kBusy: return "busy";
  }
  return "off";
}

// The request's own mistake: an evaluator that says so works.
bool IsRefusal(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
}

// The evaluator is gone, or its answers can no longer be told apart.
bool HasEnded(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDataCorrupt;
}

bool IsSame(const std::optional<Outage>& left, const std::optional<Outage>& right) {
  if (!left || !right) return left.has_value() == right.has_value();
  return left->what == right->what && left->reason == right->reason && left->next_try_utc_us == right->next_try_utc_us;
}

}  // namespace

LaneDispatch::LaneDispatch(std::vector<LaneSetup> lanes, const LanePoolOptions& options)
    : options_(options),
      own_sleeper_(LoopSleeper()),
      sleeper_(options.sleeper == nullptr ? own_sleeper_.get() : options.sleeper) {
  CHECK(!lanes.empty());
  for (LaneSetup& lane : lanes) {
    for (int64_t i = 1; i <= lane.processes; ++i) {
      LaneFacts facts;
      facts.name = lane.name + "#" + std::to_string(i);
      facts.lane = lane.name;
      facts.timing_core = lane.timing_core;
      processes_.push_back(std::make_unique<LaneProcess>(facts.name, lane.start, options.breaker, options.clock));
      names_.push_back(std::move(facts));
    }
  }
  Publish();
}

void LaneDispatch::End() {
  stopped_ = true;
  retry_cancel_.request_stop();
  for (const auto& process : processes_) {
    process->GiveUp();
    process->Close();
  }
  for (const auto& process : processes_) process->End();
}

void LaneDispatch::Enter(boost::asio::any_io_executor executor, LaneTicketPtr ticket) {
  executor_ = std::move(executor);
  if (stopped_) return Finish(ticket);
  queue_.PushBack(std::move(ticket));
  Dispatch();
}

void LaneDispatch::Leave(const LaneTicketPtr& ticket) {
  ticket->done = true;
  ticket->cancel.request_stop();
  if (queue_.Remove(ticket)) GiveUpStarts();
  Dispatch();
}

bool LaneDispatch::Withdraw(const LaneTicketPtr& ticket) {
  if (!queue_.Remove(ticket)) return false;
  ticket->done = true;
  GiveUpStarts();
  Dispatch();
  return true;
}

PortTally LaneDispatch::tally(const std::string& task) const {
  auto found = ends_of_.find(task);
  const Ends own = found == ends_of_.end() ? Ends() : found->second;
  return {ends_.succeeded, ends_.failed - own.failed, ends_.failed_once_measured - own.failed_once_measured};
}

Task<Result<LaneEnvironment>> LaneDispatch::Environment(std::stop_token cancel) {
  auto self = shared_from_this();
  executor_ = co_await boost::asio::this_coro::executor;
  for (bool waited = false;; waited = true) {
    if (stopped_ || cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "environment was cancelled"};
    if (AnyUp()) co_return *pinned_;
    environment_asked_ = true;
    Dispatch();
    const bool starting = std::any_of(processes_.begin(), processes_.end(),
                                      [](const auto& process) { return process->state == ProcessState::kStarting; });
    std::optional<Outage> broken = outage();
    if (broken && (waited || !starting)) {
      co_return Error{ErrorCode::kUnavailable,
                      broken->what + ": " + broken->reason + "; tried again at " + FormatUtc(broken->next_try_utc_us)};
    }
    co_await moved_.Wait(cancel);
  }
}

void LaneDispatch::Stop() {
  TellWhatIsThrownAway();
  stopped_ = true;
  retry_cancel_.request_stop();
  for (const auto& process : processes_) process->GiveUp();
  const auto any = [](const LaneTicket&) { return true; };
  while (LaneTicketPtr ticket = queue_.Take(any)) Finish(ticket);
  moved_.NotifyAll();
  Publish();
}

Task<void> LaneDispatch::Ended() {
  auto self = shared_from_this();
  std::stop_token never;
  while (under_way_ > 0) co_await ended_.Wait(never);
}

void LaneDispatch::TellWhatIsThrownAway() const {
  if (stopped_) return;
  for (const auto& process : processes_) {
    if (!process->ticket || process->ticket->done) continue;
    const LaneTicket& work = *process->ticket;
    log::Info("agent", "work of a lane is thrown away and done again after the next start",
              {{"lane", process->name}, {"work", work.what}, {"campaign_id", work.asker.campaign_id},
               {"trajectory_id", work.asker.trajectory_id}});
  }
  if (queue_.empty()) return;
  log::Info("agent", "requests that wait for a lane are asked again after the next start",
            {{"requests", static_cast<int64_t>(queue_.size())}});
}

void LaneDispatch::Spawn(Task<void> task) {
  ++under_way_;
  boost::asio::co_spawn(executor_, std::move(task), [self = shared_from_this()](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    --self->under_way_;
    self->ended_.NotifyAll();
  });
}

// Whatever may have changed: who is free takes what waits.
void LaneDispatch::Dispatch() {
  if (!stopped_) {
    AssignIdle();
    StartWanted();
    ArmRetry();
  }
  Publish();
}

void LaneDispatch::AssignIdle() {
  while (!queue_.empty()) {
    std::vector<LaneProcess*> idle;
    for (const auto& process : processes_) {
      if (MayServe(*process)) idle.push_back(process.get());
    }
    if (idle.empty()) break;
    LaneTicketPtr ticket = Next(idle);
    LaneProcess* process = BestOf(idle, *ticket);
    process->state = ProcessState::kBusy;
    process->ticket = ticket;
    const uint64_t open_try = std::exchange(process->open_try, 0);
    const uint64_t try_number = open_try != 0 ? open_try : process->breaker.Begin();
    Spawn(Serve(shared_from_this(), process, std::move(ticket), try_number));
  }
  // What came up to be tried and has nothing to do is tried by whoever comes next.
  for (const auto& process : processes_) {
    if (process->state == ProcessState::kIdle && process->open_try != 0) {
      process->breaker.Abandoned(std::exchange(process->open_try, 0));
    }
  }
}

// The first in turn; a baseline lets others pass while the process with the warm TorchInductor is busy.
LaneTicketPtr LaneDispatch::Next(const std::vector<LaneProcess*>& idle) {
  const bool warm_is_idle = std::any_of(idle.begin(), idle.end(), [](const LaneProcess* process) { return process->warm; });
  const bool warm_is_busy = std::any_of(processes_.begin(), processes_.end(), [](const auto& process) {
    return process->warm && process->state == ProcessState::kBusy;
  });
  LaneTicketPtr ticket = queue_.Take([&](const LaneTicket& work) {
    return work.work != LaneWork::kBaseline || warm_is_idle || !warm_is_busy;
  });
  return ticket ? ticket : queue_.Take([](const LaneTicket&) { return true; });
}

// Baselines go to a warm process, else to the last; the others to who knows the task, else to the first.
LaneProcess* LaneDispatch::BestOf(const std::vector<LaneProcess*>& idle, const LaneTicket& ticket) {
  const bool baseline = ticket.work == LaneWork::kBaseline;
  for (LaneProcess* process : idle) {
    if (baseline ? process->warm : process->Keeps(ticket.task)) return process;
  }
  return baseline ? idle.back() : idle.front();
}

bool LaneDispatch::AnyUp() const {
  return std::any_of(processes_.begin(), processes_.end(), [](const auto& process) {
    return process->state == ProcessState::kIdle || process->state == ProcessState::kBusy;
  });
}

size_t LaneDispatch::Wanted() const {
  return std::max<size_t>(queue_.size(), environment_asked_ && !AnyUp() ? 1 : 0);
}

void LaneDispatch::StartWanted() {
  size_t wanted = Wanted();
  for (const auto& process : processes_) {
    if (process->state == ProcessState::kStarting && wanted > 0) --wanted;
  }
  for (const auto& process : processes_) {
    if (wanted == 0) return;
    if (process->state != ProcessState::kOff || !process->breaker.MayTry()) continue;
    --wanted;
    process->state = ProcessState::kStarting;
    process->Renew();
    Spawn(Bring(shared_from_this(), process.get(), process->breaker.Begin()));
  }
}

// While something waits, looks again at the moment when the first breaker lets a try through.
void LaneDispatch::ArmRetry() {
  std::optional<Deadline> next;
  for (const auto& process : processes_) {
    const bool rests = process->state == ProcessState::kOff || process->state == ProcessState::kIdle;
    if (Wanted() == 0 || !rests || process->breaker.MayTry()) continue;
    const Deadline at = process->breaker.next_try();
    next = next ? next->Earlier(at) : at;
  }
  const bool same = next.has_value() == retry_at_.has_value() && (!next || next->at() == retry_at_->at());
  if (same) return;
  retry_cancel_.request_stop();
  retry_cancel_ = std::stop_source();
  retry_at_ = next;
  if (next) Spawn(Retry(shared_from_this(), *next, retry_cancel_.get_token()));
}

Task<void> LaneDispatch::Retry(Self self, Deadline at, std::stop_token cancelled) {
  const bool reached = co_await self->sleeper_->SleepUntil(at, cancelled);
  if (!reached || cancelled.stop_requested()) co_return;
  self->retry_at_.reset();
  self->Dispatch();
}

// Nobody waits for the processes that are coming up.
void LaneDispatch::GiveUpStarts() {
  if (Wanted() > 0) return;
  for (const auto& process : processes_) {
    if (process->state == ProcessState::kStarting) process->GiveUp();
  }
}

Task<void> LaneDispatch::Bring(Self self, LaneProcess* process, uint64_t try_number) {
  PinnedEnvironment pinned = self->pinned_;
  Result<LaneEnvironment> up = co_await process->Start(self->options_.start_limit, std::move(pinned));
  self->Came(process, try_number, up);
  self->moved_.NotifyAll();
  self->Dispatch();
}

void LaneDispatch::Came(LaneProcess* process, uint64_t try_number, const Result<LaneEnvironment>& up) {
  if (process->given_up()) {
    process->Close();
    return process->breaker.Abandoned(try_number);
  }
  if (!up) {
    process->state = ProcessState::kOff;
    process->doubtful = false;
    return Fail(process, try_number, up.error());
  }
  process->state = ProcessState::kIdle;
  ++process->starts;
  environment_asked_ = false;
  if (!pinned_) pinned_ = std::make_shared<const LaneEnvironment>(up.value());
  log::Info("agent", "a lane's evaluator is up", {{"lane", process->name}, {"starts", process->starts}});
  if (process->doubtful) {
    process->open_try = try_number;
  } else {
    process->breaker.Succeeded(try_number);
  }
}

void LaneDispatch::Fail(LaneProcess* process, uint64_t try_number, const Error& error) {
  process->last_error = error.context;
  process->breaker.Failed(try_number, {.reason = error.context});
  auto broken = process->breaker.outage(process->name);
  log::Warning("agent", "a lane failed",
               {{"lane", process->name}, {"error", error.context},
                {"next_try", broken ? FormatUtc(broken->next_try_utc_us) : std::string("at once")}});
}

Task<void> LaneDispatch::Serve(Self self, LaneProcess* process, LaneTicketPtr ticket, uint64_t try_number) {
  PinnedEnvironment pinned = self->pinned_;
  LaneServed served = co_await process->Serve(ticket, self->options_.start_limit, std::move(pinned));
  process->ticket.reset();
  if (!served.lane_down) ++process->served;
  process->state = served.up ? ProcessState::kIdle : ProcessState::kOff;
  if (served.up) process->Remember(*ticket);
  if (!served.up) process->Forget();
  self->Settle(process, ticket, try_number, served);
  self->Dispatch();
}

// What the end of a request says of the process, and who gets the request now.
void LaneDispatch::Settle(LaneProcess* process, const LaneTicketPtr& ticket, uint64_t try_number,
                          const LaneServed& served) {
  const std::optional<Error>& failure = served.failure;
  const bool cancelled = ticket->done || stopped_ || (failure && failure->code == ErrorCode::kCancelled);
  if (stopped_) process->Close();
  if (cancelled) {
    process->breaker.Abandoned(try_number);
    return Finish(ticket);
  }
  if (!failure || (!served.lane_down && IsRefusal(*failure))) {
    process->breaker.Succeeded(try_number);
    process->doubtful = false;
    if (!failure && ticket->work != LaneWork::kDescribe) {
      ++ends_.succeeded;
      ++ends_of_[ticket->task].succeeded;
    }
    return Finish(ticket);
  }
  process->doubtful = !served.lane_down;
  Fail(process, try_number, *failure);
  const bool once_more = ticket->work != LaneWork::kEvaluate && HasEnded(*failure) && !ticket->returned;
  if (served.lane_down || once_more) {
    if (!served.lane_down) ticket->returned = true;
    queue_.PushFront(ticket);
    // It waits again: whoever has no patience takes it back.
    return ticket->changed.NotifyAll();
  }
  CountFailure(ticket->task);
  Finish(ticket);
}

void LaneDispatch::CountFailure(const std::string& task) {
  Ends& own = ends_of_[task];
  for (Ends* ends : {&ends_, &own}) {
    ++ends->failed;
    if (own.succeeded > 0) ++ends->failed_once_measured;
  }
}

void LaneDispatch::Finish(const LaneTicketPtr& ticket) {
  ticket->done = true;
  ticket->changed.NotifyAll();
}

std::optional<Outage> LaneDispatch::outage() const {
  std::optional<Outage> first;
  for (const auto& process : processes_) {
    auto broken = process->breaker.outage("lane " + process->name);
    if (!broken) return std::nullopt;
    if (!first || broken->next_try_utc_us < first->next_try_utc_us) first = std::move(broken);
  }
  return first;
}

void LaneDispatch::Publish() {
  LanePoolFacts now;
  for (size_t i = 0; i < processes_.size(); ++i) {
    const LaneProcess& process = *processes_[i];
    LaneFacts facts = names_[i];
    facts.state = StateName(process);
    if (process.ticket) {
      facts.working_on = process.ticket->what;
      facts.campaign_id = process.ticket->asker.campaign_id;
    }
    facts.served = process.served;
    facts.starts = process.starts;
    facts.last_error = process.last_error;
    facts.outage = process.breaker.outage("lane " + process.name);
    now.processes.push_back(std::move(facts));
  }
  now.waiting = queue_.waiting();
  now.outage = outage();
  const bool changed = !IsSame(told_outage_, now.outage);
  told_outage_ = now.outage;
  {
    std::lock_guard lock(mutex_);
    facts_ = std::move(now);
  }
  if (changed) outage_changed_.NotifyAll();
}

LanePoolFacts LaneDispatch::facts() const {
  std::lock_guard lock(mutex_);
  return facts_;
}

}  // namespace passnet::agent
