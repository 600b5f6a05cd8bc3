#include "agent/campaign/lane_pool.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/work_pool.h"
#include "evaluator/client/second_try.h"

namespace passnet::agent {
namespace {

using evaluator::LaneClient;

// The process is gone, or its answers can no longer be told apart.
bool IsLost(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded ||
         error.code == ErrorCode::kDataCorrupt || error.code == ErrorCode::kIo;
}

}  // namespace

// What the loop and a process's thread share.
struct LanePool::Shared {
  std::string name;
  LanePool::StartFn start;
  Nanos start_limit{0};

  std::mutex mutex;  // guards everything below
  std::unique_ptr<LaneClient> client;
  uint64_t running = 0;  // ticket of the request in flight
  uint64_t last_ticket = 0;
  LaneFacts facts;

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

  uint64_t Queue() {
    std::lock_guard lock(mutex);
    ++facts.queued;
    return ++last_ticket;
  }

  void Refused() {
    std::lock_guard lock(mutex);
    --facts.queued;
  }

  void Begin(uint64_t ticket, const std::string& what) {
    std::lock_guard lock(mutex);
    running = ticket;
    --facts.queued;
    facts.state = "busy";
    facts.working_on = what;
  }

  void End(const std::optional<Error>& error) {
    std::unique_ptr<LaneClient> dead;  // ends outside the lock
    {
      std::lock_guard lock(mutex);
      running = 0;
      ++facts.served;
      facts.working_on.clear();
      facts.state = client ? "idle" : "down";
      if (!error) return;
      facts.last_error = error->context;
      if (!IsLost(*error)) return;
      dead = std::move(client);
      facts.state = "down";
    }
    log::Warning("agent", "a lane was lost and is started again for the next request",
                 {{"lane", name}, {"error", error->context}});
  }

  // Ends the request of this ticket and no other.
  void Cancel(uint64_t ticket) {
    std::lock_guard lock(mutex);
    if (running == ticket && client) client->Cancel();
  }

  void CancelWhatRuns() {
    std::lock_guard lock(mutex);
    if (running != 0 && client) client->Cancel();
  }

  void Close() {
    std::unique_ptr<LaneClient> closed;
    std::lock_guard lock(mutex);
    closed.swap(client);
  }
};

class LanePool::Process {
 public:
  Process(Member member, const LanePoolOptions& options)
      : shared_(std::make_shared<Shared>()), thread_("pn-work-lane", 1, options.queue_capacity) {
    shared_->name = member.name;
    shared_->start = std::move(member.start);
    shared_->start_limit = options.start_limit;
    shared_->facts.name = std::move(member.name);
    shared_->facts.state = "idle";
  }

  ~Process() {
    shared_->CancelWhatRuns();
    // The client ends on the thread that started it, before that thread ends.
    auto close = [shared = shared_] { shared->Close(); };
    if (!thread_.Post(close)) close();
  }

  // Waits in the queue, then calls `fn` on the process's thread, with the client and with whether nobody waits any more.
  template <typename T, typename Fn>
  Task<Result<T>> Ask(std::string what, std::stop_token cancel, Fn fn) {
    if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, what + " was cancelled"};
    auto shared = shared_;
    const uint64_t ticket = shared->Queue();
    auto begun = std::make_shared<std::atomic<bool>>(false);
    auto dropped = std::make_shared<std::atomic<bool>>(false);
    std::stop_callback on_cancel(cancel, [shared, ticket, dropped] {
      dropped->store(true);
      shared->Cancel(ticket);
    });
    auto run = [shared, ticket, begun, dropped, what, fn = std::move(fn)]() mutable -> Result<T> {
      begun->store(true);
      shared->Begin(ticket, what);
      Result<T> answer = Error{ErrorCode::kCancelled, what + " was cancelled"};
      if (!dropped->load()) {
        Result<LaneClient*> client = shared->Client();
        // Starting takes seconds, and a cancel meanwhile finds no client to tell.
        if (client && !dropped->load()) answer = fn(client.value(), *dropped);
        if (!client) answer = client.error();
        if (!answer && dropped->load()) answer = Error{ErrorCode::kCancelled, what + " was cancelled"};
      }
      shared->End(answer ? std::optional<Error>() : answer.error());
      return answer;
    };
    Result<T> answer = co_await RunBlocking(&thread_, std::move(run));
    if (!begun->load()) shared->Refused();
    co_return answer;
  }

  LaneFacts facts() const {
    std::lock_guard lock(shared_->mutex);
    return shared_->facts;
  }

  int64_t ToDo() const {
    LaneFacts now = facts();
    return now.queued + (now.state == "busy" ? 1 : 0);
  }

 private:
  const std::shared_ptr<Shared> shared_;
  WorkPool thread_;
};

LanePool::LanePool(std::vector<Member> members, const LanePoolOptions& options) : options_(options) {
  CHECK(!members.empty());
  for (Member& member : members) processes_.push_back(std::make_unique<Process>(std::move(member), options));
}

LanePool::~LanePool() = default;

LanePool::Process& LanePool::LeastBusy() {
  auto least = std::min_element(processes_.begin(), processes_.end(),
                                [](const auto& left, const auto& right) { return left->ToDo() < right->ToDo(); });
  return **least;
}

Task<Result<evaluator::EvaluationReport>> LanePool::Evaluate(evaluator::EvaluateRequest request,
                                                             std::stop_token cancel) {
  std::string what = "evaluate " + request.evaluation_id.substr(0, 12);
  auto call = [request = std::move(request), limit = options_.evaluate_limit](LaneClient* client,
                                                                              const std::atomic<bool>& dropped) {
    const evaluator::SecondTry how{limit, [&dropped] { return dropped.load(); }};
    return evaluator::EvaluateWithSecondTry(*client, request, how, [](const std::string&, int, int) {});
  };
  co_return co_await LeastBusy().Ask<evaluator::EvaluationReport>(std::move(what), cancel, std::move(call));
}

Task<Result<evaluator::TaskDescription>> LanePool::DescribeTask(evaluator::DescribeTaskRequest request,
                                                                std::stop_token cancel) {
  std::string what = "describe " + request.task.path;
  auto call = [request = std::move(request), limit = options_.describe_limit](LaneClient* client, const std::atomic<bool>&) {
    return client->DescribeTask(request, Deadline::After(limit));
  };
  co_return co_await LeastBusy().Ask<evaluator::TaskDescription>(std::move(what), cancel, std::move(call));
}

Task<Result<evaluator::BaselineReport>> LanePool::Baseline(evaluator::BaselineRequest request,
                                                           std::stop_token cancel) {
  std::string what = "baseline of " + request.task.path;
  auto call = [request = std::move(request), limit = options_.baseline_limit](LaneClient* client, const std::atomic<bool>&) {
    return client->Baseline(request, Deadline::After(limit), [](const std::string&, int, int) {});
  };
  co_return co_await processes_.back()->Ask<evaluator::BaselineReport>(std::move(what), cancel, std::move(call));
}

Task<Result<std::map<std::string, std::string>>> LanePool::Environment(std::stop_token cancel) {
  std::string what = "environment";
  auto call = [limit = options_.start_limit](LaneClient* client, const std::atomic<bool>&) {
    return client->Environment(Deadline::After(limit));
  };
  co_return co_await processes_.front()->Ask<std::map<std::string, std::string>>(std::move(what), cancel,
                                                                                 std::move(call));
}

std::vector<LaneFacts> LanePool::facts() const {
  std::vector<LaneFacts> all;
  for (const auto& process : processes_) all.push_back(process->facts());
  return all;
}

std::string LanePool::state() const {
  std::string state = "down";
  for (const LaneFacts& process : facts()) {
    if (process.state == "busy") return "busy";
    if (process.state == "idle") state = "idle";
  }
  return state;
}

}  // namespace passnet::agent
