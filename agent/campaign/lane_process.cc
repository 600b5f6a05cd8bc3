#include "agent/campaign/lane_process.h"

#include <algorithm>
#include <utility>

namespace passnet::agent {
namespace {

using evaluator::LaneClient;

constexpr size_t kThreadQueue = 4;  // one call at a time, and the closing behind it
constexpr size_t kKeptTasks = 8;    // chosen: as many as an evaluator surely keeps

// Empty when the lane's figures can stand beside those of the others.
std::string ForeignFact(const LaneEnvironment& pinned, const LaneEnvironment& found) {
  for (const auto& [key, value] : pinned) {
    auto fact = found.find(key);
    if (fact == found.end()) return key + " is " + value + " on the lanes in use, and this one does not tell";
    if (fact->second != value) return key + " is " + value + " on the lanes in use and " + fact->second + " on this one";
  }
  return {};
}

Status CheckEnvironment(const PinnedEnvironment& pinned, const LaneEnvironment& found) {
  const std::string foreign = pinned ? ForeignFact(*pinned, found) : "";
  if (foreign.empty()) return OkStatus();
  return Error{ErrorCode::kUnavailable,
               "its environment is another one: " + foreign + "; restart passnetd to take a new one for all"};
}

// A lane's client that notes when no evaluator of the pinned environment came up.
class WatchedLane : public LaneClient {
 public:
  WatchedLane(LaneClient* client, PinnedEnvironment pinned) : client_(*client), pinned_(std::move(pinned)) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline deadline,
                                               const evaluator::ProgressFn& progress) override {
    return client_.Evaluate(request, deadline, progress);
  }
  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline deadline,
                                             const evaluator::ProgressFn& progress) override {
    return client_.Baseline(request, deadline, progress);
  }
  Result<evaluator::TaskDescription> DescribeTask(const evaluator::DescribeTaskRequest& request,
                                                  Deadline deadline) override {
    return client_.DescribeTask(request, deadline);
  }
  Result<LaneEnvironment> Environment(Deadline deadline) override {
    auto environment = client_.Environment(deadline);
    Status fits = environment ? CheckEnvironment(pinned_, environment.value()) : Status(environment.error());
    if (fits) return environment;
    down_ = fits.error();
    return *down_;
  }
  void CancelWith(std::stop_token cancelled) override { client_.CancelWith(std::move(cancelled)); }

  const std::optional<Error>& down() const { return down_; }

 private:
  LaneClient& client_;
  const PinnedEnvironment pinned_;
  std::optional<Error> down_;
};

// The request's own mistake or wish, after which an evaluator goes on as before.
bool IsRequestsOwn(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kNotFound || code == ErrorCode::kCancelled;
}

}  // namespace

// Of the thread alone.
struct LaneProcess::Held {
  StartLaneFn start;
  std::unique_ptr<LaneClient> client;

  Result<LaneEnvironment> Start(Nanos limit, const PinnedEnvironment& pinned, std::stop_token stop) {
    client.reset();
    ASSIGN_OR_RETURN(auto started, start(Deadline::After(limit), stop));
    ASSIGN_OR_RETURN(LaneEnvironment environment, started->Environment(Deadline::After(limit)));
    RETURN_IF_ERROR(CheckEnvironment(pinned, environment));
    client = std::move(started);
    return environment;
  }

  LaneServed Serve(const LaneTicket& work, Nanos start_limit, PinnedEnvironment pinned) {
    LaneServed served;
    const std::stop_token cancelled = work.cancel.get_token();
    client->CancelWith(cancelled);
    WatchedLane lane(client.get(), std::move(pinned));
    // The evaluator of the request before may have failed by itself; the next one starts here and not inside the request.
    if (lane.Environment(Deadline::After(start_limit))) served.failure = work.run(lane, cancelled);
    if (lane.down()) {
      served.failure = lane.down();
      served.lane_down = lane.down()->code != ErrorCode::kCancelled;
    }
    if (served.failure && (served.lane_down || !IsRequestsOwn(served.failure->code))) client.reset();
    served.up = client != nullptr;
    return served;
  }
};

LaneProcess::LaneProcess(std::string process_name, StartLaneFn start, BreakerOptions breaker_options, const Clock* clock)
    : name(std::move(process_name)),
      breaker(breaker_options, clock),
      held_(std::make_shared<Held>()),
      thread_(std::make_unique<WorkPool>("pn-work-lane", 1, kThreadQueue)) {
  held_->start = std::move(start);
}

Task<Result<LaneEnvironment>> LaneProcess::Start(Nanos limit, PinnedEnvironment pinned) {
  auto run = [held = held_, limit, pinned = std::move(pinned), stop = life_.get_token()] {
    return held->Start(limit, pinned, stop);
  };
  co_return co_await RunBlocking(thread_.get(), std::move(run));
}

Task<LaneServed> LaneProcess::Serve(LaneTicketPtr work, Nanos start_limit, PinnedEnvironment pinned) {
  auto run = [held = held_, work = std::move(work), start_limit, pinned = std::move(pinned)]() -> Result<LaneServed> {
    return held->Serve(*work, start_limit, pinned);
  };
  Result<LaneServed> answer = co_await RunBlocking(thread_.get(), std::move(run));
  co_return std::move(answer).value();
}

void LaneProcess::Close() {
  state = State::kOff;
  Forget();
  (void)thread_->Post([held = held_] { held->client.reset(); });
}

void LaneProcess::End() {
  if (!thread_) return;
  GiveUp();
  // The client ends on the thread that started it, before that thread ends.
  (void)thread_->Post([held = held_] { held->client.reset(); });
  thread_.reset();
}

void LaneProcess::Remember(const LaneTicket& work) {
  warm = warm || work.work == LaneWork::kBaseline;
  tasks_.remove(work.task);
  tasks_.push_front(work.task);
  if (tasks_.size() > kKeptTasks) tasks_.pop_back();
}

void LaneProcess::Forget() {
  warm = false;
  tasks_.clear();
}

bool LaneProcess::Keeps(const std::string& task) const {
  return std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end();
}

}  // namespace passnet::agent
