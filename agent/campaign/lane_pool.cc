#include "agent/campaign/lane_pool.h"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "evaluator/client/second_try.h"

namespace passnet::agent {
namespace {

using evaluator::LaneClient;

LaneTicketPtr TicketFor(LaneWork work, Asker asker, std::string what, std::string task) {
  auto ticket = std::make_shared<LaneTicket>();
  ticket->work = work;
  ticket->asker = std::move(asker);
  ticket->what = std::move(what);
  ticket->task = std::move(task);
  return ticket;
}

// What an answer says about the lane. A report with INFRA is an answer, and a failure of ours all the same.
template <typename T>
std::optional<Error> FailureIn(const Result<T>& answer) {
  return answer ? std::nullopt : std::optional<Error>(answer.error());
}
std::optional<Error> FailureIn(const Result<evaluator::EvaluationReport>& answer) {
  if (!answer) return answer.error();
  if (answer.value().verdict != evaluator::Verdict::kInfra) return std::nullopt;
  return Error{ErrorCode::kUnavailable, answer.value().reason};
}

}  // namespace

LanePool::LanePool(std::vector<LaneSetup> lanes, const LanePoolOptions& options)
    : dispatch_(std::make_shared<LaneDispatch>(std::move(lanes), options)) {}

LanePool::~LanePool() { dispatch_->End(); }

// Waits for a process to take the ticket and to end it; `fn` is called there with the client and the cancel.
template <typename T, typename Fn>
Task<Result<T>> LanePool::Ask(LaneTicketPtr ticket, std::stop_token cancel, Fn fn) {
  const Error cancelled{ErrorCode::kCancelled, ticket->what + " was cancelled"};
  if (cancel.stop_requested()) co_return cancelled;
  auto dispatch = dispatch_;
  // Written on the process's thread, also after nobody waits any more; read once the ticket is done.
  auto answer = std::make_shared<Result<T>>(cancelled);
  ticket->run = [answer, fn = std::move(fn)](LaneClient& client, std::stop_token stop) {
    *answer = fn(client, stop);
    return FailureIn(*answer);
  };
  auto executor = co_await boost::asio::this_coro::executor;
  dispatch->Enter(std::move(executor), ticket);
  const std::stop_token patience = ticket->asker.patience;
  std::stop_callback impatient(patience, [ticket] { ticket->changed.NotifyAll(); });
  while (!ticket->done && !cancel.stop_requested()) {
    if (patience.stop_requested() && dispatch->Withdraw(ticket)) co_return cancelled;
    co_await ticket->changed.Wait(cancel);
  }
  if (!ticket->done) {
    dispatch->Leave(ticket);
    co_return cancelled;
  }
  // What breaks off because everything ends is no failure of the request.
  if (dispatch->stopped() && FailureIn(*answer)) co_return cancelled;
  co_return std::move(*answer);
}

Task<Result<evaluator::EvaluationReport>> LanePool::Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                             std::stop_token cancel) {
  LaneTicketPtr ticket = TicketFor(LaneWork::kEvaluate, std::move(asker),
                                   "evaluate " + request.evaluation_id.substr(0, 12), request.task.path);
  auto call = [request = std::move(request), limit = dispatch_->options().evaluate_limit](LaneClient& client,
                                                                                        const std::stop_token& stop) {
    const evaluator::SecondTry how{limit, [&stop] { return stop.stop_requested(); }};
    return evaluator::EvaluateWithSecondTry(client, request, how, [](const std::string&, int, int) {});
  };
  co_return co_await Ask<evaluator::EvaluationReport>(std::move(ticket), cancel, std::move(call));
}

Task<Result<evaluator::TaskDescription>> LanePool::DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                                std::stop_token cancel) {
  LaneTicketPtr ticket =
      TicketFor(LaneWork::kDescribe, std::move(asker), "describe " + request.task.path, request.task.path);
  auto call = [request = std::move(request), limit = dispatch_->options().describe_limit](LaneClient& client,
                                                                                        const std::stop_token&) {
    return client.DescribeTask(request, Deadline::After(limit));
  };
  co_return co_await Ask<evaluator::TaskDescription>(std::move(ticket), cancel, std::move(call));
}

Task<Result<evaluator::BaselineReport>> LanePool::Baseline(Asker asker, evaluator::BaselineRequest request,
                                                           std::stop_token cancel) {
  LaneTicketPtr ticket =
      TicketFor(LaneWork::kBaseline, std::move(asker), "baseline of " + request.task.path, request.task.path);
  auto call = [request = std::move(request), limit = dispatch_->options().baseline_limit](LaneClient& client,
                                                                                        const std::stop_token&) {
    return client.Baseline(request, Deadline::After(limit), [](const std::string&, int, int) {});
  };
  co_return co_await Ask<evaluator::BaselineReport>(std::move(ticket), cancel, std::move(call));
}

Task<Result<std::map<std::string, std::string>>> LanePool::Environment(std::stop_token cancel) {
  co_return co_await dispatch_->Environment(cancel);
}

PortTally LanePool::tally(const std::string& task) const { return dispatch_->tally(task); }

std::optional<Outage> LanePool::outage() const { return dispatch_->outage(); }

Event& LanePool::changed() { return dispatch_->outage_changed(); }

void LanePool::Stop() { dispatch_->Stop(); }

Task<void> LanePool::Ended() { co_await dispatch_->Ended(); }

LanePoolFacts LanePool::facts() const { return dispatch_->facts(); }

std::string LanePool::state() const {
  const LanePoolFacts now = facts();
  for (const LaneFacts& process : now.processes) {
    if (process.state == "busy") return "busy";
  }
  return now.outage ? "down" : "idle";
}

}  // namespace passnet::agent
