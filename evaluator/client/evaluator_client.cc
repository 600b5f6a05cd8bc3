#include <poll.h>

#include <memory>
#include <mutex>
#include <utility>
#include <variant>

#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/client/evaluator_process.h"
#include "evaluator/client/lane_client.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kLane = "evaluation lane";       // opens errors
constexpr Millis kTurn{200};                           // how soon a cancel is noticed
constexpr std::chrono::seconds kGraceAfterCancel{90};  // a compiler may still run; a measurement stops at once
constexpr std::chrono::minutes kMessageLimit{5};       // for one that has begun

// Talks to one passnet-evaluator, and starts another one when that broke off.
class EvaluatorClient : public LaneClient {
 public:
  explicit EvaluatorClient(LaneClientOptions options) : options_(std::move(options)) {}

  Status EnsureStarted(Deadline deadline) {
    std::lock_guard lock(mutex_);
    if (process_ != nullptr) return OkStatus();
    ASSIGN_OR_RETURN(auto process, EvaluatorProcess::Start(options_));
    ASSIGN_OR_RETURN(Greeting greeting, ReceiveGreeting(process->channel(), deadline));
    RETURN_IF_ERROR(CheckAblation(greeting.environment));
    environment_ = std::move(greeting.environment);
    process_ = std::move(process);
    return OkStatus();
  }

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request, Deadline deadline,
                                    const ProgressFn& progress) override {
    return Call<EvaluationReport>(request, deadline, progress);
  }

  Result<BaselineReport> Baseline(const BaselineRequest& request, Deadline deadline,
                                  const ProgressFn& progress) override {
    return Call<BaselineReport>(request, deadline, progress);
  }

  Result<TaskDescription> DescribeTask(const DescribeTaskRequest& request, Deadline deadline) override {
    return Call<TaskDescription>(request, deadline, {});
  }

  Result<std::map<std::string, std::string>> Environment(Deadline deadline) override {
    RETURN_IF_ERROR(EnsureStarted(deadline));
    std::lock_guard lock(mutex_);
    return environment_;
  }

  void Cancel() override {
    std::lock_guard lock(mutex_);
    if (process_ == nullptr || !busy_) return;
    cancelled_ = true;
    (void)SendCancel(process_->channel(), Deadline::After(std::chrono::seconds(5)));
  }

 private:
  Status CheckAblation(const std::map<std::string, std::string>& environment) const {
    const auto found = environment.find("ablated");
    const std::string ablated = found == environment.end() ? "" : found->second;
    if (ablated.empty() == options_.ablate.empty()) return OkStatus();
    return InvalidArgument("the evaluator leaves out the checks \"" + ablated + "\" and was asked to leave out \"" +
                           options_.ablate + "\": its figures would be no scores");
  }

  template <typename Report, typename Request>
  Result<Report> Call(const Request& request, Deadline deadline, const ProgressFn& progress) {
    RETURN_IF_ERROR(EnsureStarted(deadline));
    auto end = Exchange(request, deadline, progress);
    std::lock_guard lock(mutex_);
    busy_ = false;
    auto report = ReportIn<Report>(end);
    // An evaluator that broke off, stayed silent or failed by itself is in an unknown state: the next request gets a fresh
    // one.
    if (!report ? !IsItsOwn(report.error().code) : FailedItself(report.value())) process_.reset();
    if (!report && cancelled_) return Error{ErrorCode::kCancelled, "the request was cancelled"};
    return report;
  }

  template <typename Report>
  static Result<Report> ReportIn(Result<LaneReply>& end) {
    if (!end) return std::move(end).error().Prefixed(kLane);
    if (const auto* failed = std::get_if<RequestFailed>(&end.value())) return Error{failed->code, failed->message};
    auto report = FromJsonValue<Report>(std::get<Json>(end.value()));
    // Whoever asked made no mistake in it.
    if (!report) return DataCorrupt(report.error().context).Prefixed(kLane);
    return report;
  }

  // The request's own mistake or wish, after which the evaluator goes on as before.
  static bool IsItsOwn(ErrorCode code) {
    return code == ErrorCode::kInvalidArgument || code == ErrorCode::kNotFound || code == ErrorCode::kCancelled;
  }
  static bool FailedItself(const EvaluationReport& report) { return report.verdict == Verdict::kInfra; }
  template <typename Report>
  static bool FailedItself(const Report&) { return false; }

  // The report or the failure that ends the request. An Error: the channel broke.
  template <typename Request>
  Result<LaneReply> Exchange(const Request& request, Deadline deadline, const ProgressFn& progress) {
    RETURN_IF_ERROR(Begin(request, deadline));
    while (true) {
      ASSIGN_OR_RETURN(LaneReply reply, Next(deadline));
      const auto* note = std::get_if<ProgressNote>(&reply);
      if (note == nullptr) return reply;
      if (progress) progress(note->what, note->done, note->total);
    }
  }

  template <typename Request>
  Status Begin(const Request& request, Deadline deadline) {
    std::lock_guard lock(mutex_);
    busy_ = true;
    cancelled_ = false;
    return SendRequest(process_->channel(), request, deadline);
  }

  // Waits in short turns, so that a Cancel from another thread shortens the deadline.
  Result<LaneReply> Next(Deadline deadline) {
    Deadline cut = deadline;
    bool seen_cancel = false;
    while (true) {
      pollfd entry{process_->channel(), POLLIN, 0};
      int ready = ::poll(&entry, 1, cut.Earlier(Deadline::After(kTurn)).PollMillis());
      if (ready > 0) return ReceiveReply(process_->channel(), deadline.Earlier(Deadline::After(kMessageLimit)));
      if (cut.Passed()) return Error{ErrorCode::kDeadlineExceeded, "the lane did not answer before the deadline"};
      std::lock_guard lock(mutex_);
      if (cancelled_ && !seen_cancel) {
        seen_cancel = true;
        cut = deadline.Earlier(Deadline::After(kGraceAfterCancel));
      }
    }
  }

  const LaneClientOptions options_;
  std::mutex mutex_;
  std::unique_ptr<EvaluatorProcess> process_;  // replaced only between requests, under mutex_
  std::map<std::string, std::string> environment_;
  bool busy_ = false;
  bool cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<LaneClient>> StartLane(const LaneClientOptions& options, Deadline deadline) {
  auto client = std::make_unique<EvaluatorClient>(options);
  RETURN_IF_ERROR(client->EnsureStarted(deadline));
  return std::unique_ptr<LaneClient>(std::move(client));
}

}  // namespace passnet::evaluator
