#include "agent/campaign/lane_service.h"

#include <atomic>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/log.h"

namespace passnet::agent {

using evaluator::LaneClient;

// What the loop and the lane's thread share. A request is known by a ticket, so that a cancel ends this request only.
struct LaneService::Shared {
  std::string name;
  StartFn start;
  Nanos start_limit{0};

  std::mutex mutex;  // guards everything below
  std::unique_ptr<LaneClient> client;
  uint64_t running = 0;  // ticket of the request in flight
  uint64_t last_ticket = 0;
  Facts facts;

  Result<LaneClient*> Client() {
    {
      std::lock_guard lock(mutex);
      if (client) return client.get();
    }
    auto started = start(Deadline::After(start_limit));
    std::lock_guard lock(mutex);
    if (!started) {
      facts.state = "down";
      facts.last_error = started.error().context;
      return started.error().Prefixed("lane " + name);
    }
    ++facts.starts;
    client = std::move(started).value();
    return client.get();
  }

  void Begin(uint64_t ticket, const std::string& what) {
    std::lock_guard lock(mutex);
    running = ticket;
    --facts.queued;
    facts.state = "busy";
    facts.working_on = what;
  }

  void End(const std::optional<Error>& error) {
    std::unique_ptr<LaneClient> dead;
    {
      std::lock_guard lock(mutex);
      running = 0;
      ++facts.served;
      facts.working_on.clear();
      facts.state = client ? "idle" : "down";
      if (!error) return;
      facts.last_error = error->context;
      // The process is gone, or its answers can no longer be told apart: a new one is started for the next request.
      bool lost = error->code == ErrorCode::kUnavailable || error->code == ErrorCode::kDeadlineExceeded ||
                  error->code == ErrorCode::kDataCorrupt || error->code == ErrorCode::kIo;
      if (!lost) return;
      dead = std::move(client);
      facts.state = "down";
    }
    log::Warning("agent", "a lane was lost and is started again for the next request",
                 {{"lane", name}, {"error", error->context}});
  }

  void Cancel(uint64_t ticket) {
    std::lock_guard lock(mutex);
    if (running == ticket && client) client->Cancel();
  }
};

LaneService::LaneService(std::string name, StartFn start, LaneServiceOptions options)
    : options_(options), shared_(std::make_shared<Shared>()), pool_("pn-work-lane", 1, options.queue_capacity) {
  shared_->name = name;
  shared_->facts.name = std::move(name);
  shared_->facts.state = "idle";
  shared_->start = std::move(start);
  shared_->start_limit = options.start_limit;
}

LaneService::~LaneService() {
  // Ends on the thread that started it, before that thread ends.
  auto shared = shared_;
  {
    std::lock_guard lock(shared->mutex);
    if (shared->running != 0 && shared->client) shared->client->Cancel();
  }
  auto close = [shared] {
    std::unique_ptr<LaneClient> client;
    {
      std::lock_guard lock(shared->mutex);
      client = std::move(shared->client);
    }
  };
  if (!pool_.Post(close)) close();
}

template <typename T, typename Fn>
Task<Result<T>> LaneService::Ask(std::string what, std::stop_token cancel, Fn fn) {
  if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, what + " was cancelled"};
  auto shared = shared_;
  uint64_t ticket;
  {
    std::lock_guard lock(shared->mutex);
    ticket = ++shared->last_ticket;
    ++shared->facts.queued;
  }
  auto dropped = std::make_shared<std::atomic<bool>>(false);
  std::stop_callback on_cancel(cancel, [shared, ticket, dropped] {
    dropped->store(true);
    shared->Cancel(ticket);
  });
  auto run = [shared, ticket, dropped, what, fn = std::move(fn)]() mutable -> Result<T> {
    shared->Begin(ticket, what);
    Result<T> answer = Error{ErrorCode::kCancelled, what + " was cancelled"};
    if (!dropped->load()) {
      Result<LaneClient*> client = shared->Client();
      answer = client ? fn(client.value()) : Result<T>(client.error());
      if (!answer && dropped->load()) answer = Error{ErrorCode::kCancelled, what + " was cancelled"};
    }
    std::optional<Error> failed;
    if (!answer) failed = answer.error();
    shared->End(failed);
    return answer;
  };
  Result<T> answer = co_await RunBlocking(&pool_, std::move(run));
  if (!answer && answer.error().code == ErrorCode::kOverloaded) {
    std::lock_guard lock(shared->mutex);
    --shared->facts.queued;
  }
  co_return answer;
}

Task<Result<evaluator::EvaluationReport>> LaneService::Evaluate(evaluator::EvaluateRequest request,
                                                                std::stop_token cancel) {
  std::string what = "evaluate " + request.evaluation_id.substr(0, 12);
  auto call = [request = std::move(request), limit = options_.evaluate_limit](LaneClient* client) {
    return client->Evaluate(request, Deadline::After(limit), [](const std::string&, int, int) {});
  };
  co_return co_await Ask<evaluator::EvaluationReport>(std::move(what), cancel, std::move(call));
}

Task<Result<evaluator::BaselineReport>> LaneService::Baseline(evaluator::BaselineRequest request, std::stop_token cancel) {
  std::string what = "baseline of " + request.task.path;
  auto call = [request = std::move(request), limit = options_.baseline_limit](LaneClient* client) {
    return client->Baseline(request, Deadline::After(limit), [](const std::string&, int, int) {});
  };
  co_return co_await Ask<evaluator::BaselineReport>(std::move(what), cancel, std::move(call));
}

Task<Result<evaluator::TaskDescription>> LaneService::DescribeTask(evaluator::DescribeTaskRequest request,
                                                                   std::stop_token cancel) {
  std::string what = "describe " + request.task.path;
  auto call = [request = std::move(request), limit = options_.describe_limit](LaneClient* client) {
    return client->DescribeTask(request, Deadline::After(limit));
  };
  co_return co_await Ask<evaluator::TaskDescription>(std::move(what), cancel, std::move(call));
}

Task<Result<std::map<std::string, std::string>>> LaneService::Environment(std::stop_token cancel) {
  std::string what = "environment";
  auto call = [limit = options_.start_limit](LaneClient* client) {
    return client->Environment(Deadline::After(limit));
  };
  co_return co_await Ask<std::map<std::string, std::string>>(std::move(what), cancel, std::move(call));
}

LaneService::Facts LaneService::facts() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->facts;
}

}  // namespace passnet::agent
