#include <poll.h>

#include <memory>
#include <stop_token>
#include <utility>
#include <variant>

#include "base/log.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/client/evaluator_process.h"
#include "evaluator/client/lane_client.h"

namespace passnet::evaluator {
namespace {

constexpr const char* kLane = "evaluation lane";       // opens errors
constexpr Millis kTurn{200};                           // how soon a cancel or the end is noticed
constexpr std::chrono::seconds kGraceAfterCancel{90};  // a compiler may still run; a measurement stops at once
constexpr std::chrono::minutes kMessageLimit{5};       // for one that has begun

// Talks to one passnet-evaluator, and starts another one when that broke off.
class EvaluatorClient : public LaneClient {
 public:
  EvaluatorClient(LaneClientOptions options, std::stop_token stop)
      : options_(std::move(options)), stop_(std::move(stop)) {}

  Status EnsureStarted(Deadline deadline) {
    DropTheDead();
    if (process_ != nullptr) return OkStatus();
    if (IsUnwanted()) return Cancelled();
    ASSIGN_OR_RETURN(auto process, EvaluatorProcess::Start(options_));
    if (Status spoke = AwaitGreeting(process->channel(), deadline); !spoke) {
      // It is busy coming up and would not hear that its client goes.
      process->Kill();
      return spoke;
    }
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
    return environment_;
  }

  void CancelWith(std::stop_token cancelled) override { cancelled_ = std::move(cancelled); }

 private:
  bool IsUnwanted() const { return stop_.stop_requested() || cancelled_.stop_requested(); }
  static Error Cancelled() { return {ErrorCode::kCancelled, "the request was cancelled"}; }

  // One that ended while nobody asked it was ended by no request: what is asked next must not count as the first of two
  // that did it (second_try.h).
  void DropTheDead() {
    if (process_ == nullptr || process_->IsThere()) return;
    log::Warning("evaluator", "an evaluator ended while it was idle; a fresh one is started", {});
    process_.reset();
  }

  Status AwaitGreeting(int channel, Deadline deadline) const {
    while (!AwaitBytes(channel, deadline)) {
      if (IsUnwanted()) return Cancelled();
      if (deadline.Passed()) return Error{ErrorCode::kDeadlineExceeded, "the evaluator did not come up before the deadline"};
    }
    return OkStatus();
  }

  // For a turn at most. True as well when the other side has gone, which the reading then tells.
  static bool AwaitBytes(int channel, Deadline deadline) {
    pollfd entry{channel, POLLIN, 0};
    return ::poll(&entry, 1, deadline.Earlier(Deadline::After(kTurn)).PollMillis()) > 0;
  }

  Status CheckAblation(const std::map<std::string, std::string>& environment) const {
    const auto found = environment.find("ablated");
    const std::string ablated = found == environment.end() ? "" : found->second;
    if (ablated.empty() == options_.ablate.empty()) return OkStatus();
    return InvalidArgument("the evaluator leaves out the checks \"" + ablated + "\" and was asked to leave out \"" +
                           options_.ablate + "\": its figures would be no scores");
  }

  template <typename Report, typename Request>
  Result<Report> Call(const Request& request, Deadline deadline, const ProgressFn& progress) {
    if (Status up = EnsureStarted(deadline); !up) {
      // A missing program, for one, is no mistake in the request.
      if (up.error().code == ErrorCode::kCancelled) return up.error();
      return Error{ErrorCode::kUnavailable, up.error().context}.Prefixed(kLane);
    }
    auto end = Exchange(request, deadline, progress);
    auto report = ReportIn<Report>(end);
    if (stop_.stop_requested()) process_->Kill();
    // An evaluator that broke off, stayed silent or failed by itself is in an unknown state: the next request gets a fresh
    // one.
    if (!report ? !IsItsOwn(report.error().code) : FailedItself(report.value())) process_.reset();
    if (!report && IsUnwanted()) return Cancelled();
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
    RETURN_IF_ERROR(SendRequest(process_->channel(), request, deadline));
    told_ = false;
    while (true) {
      ASSIGN_OR_RETURN(LaneReply reply, Next(&deadline));
      const auto* note = std::get_if<ProgressNote>(&reply);
      if (note == nullptr) return reply;
      if (progress) progress(note->what, note->done, note->total);
    }
  }

  // Waits in short turns: a cancel is passed on once, and shortens the deadline.
  Result<LaneReply> Next(Deadline* deadline) {
    const int channel = process_->channel();
    while (!AwaitBytes(channel, *deadline)) {
      if (stop_.stop_requested()) return Cancelled();
      if (deadline->Passed()) return Error{ErrorCode::kDeadlineExceeded, "the lane did not answer before the deadline"};
      if (told_ || !cancelled_.stop_requested()) continue;
      told_ = true;
      (void)SendCancel(channel, Deadline::After(std::chrono::seconds(5)));
      *deadline = deadline->Earlier(Deadline::After(kGraceAfterCancel));
    }
    return ReceiveReply(channel, deadline->Earlier(Deadline::After(kMessageLimit)));
  }

  const LaneClientOptions options_;
  const std::stop_token stop_;
  std::stop_token cancelled_;
  std::unique_ptr<EvaluatorProcess> process_;
  std::map<std::string, std::string> environment_;
  bool told_ = false;  // the evaluator knows that the request in flight is cancelled
};

}  // namespace

Result<std::unique_ptr<LaneClient>> StartLane(const LaneClientOptions& options, Deadline deadline,
                                              std::stop_token stop) {
  auto client = std::make_unique<EvaluatorClient>(options, std::move(stop));
  RETURN_IF_ERROR(client->EnsureStarted(deadline));
  return std::unique_ptr<LaneClient>(std::move(client));
}

}  // namespace passnet::evaluator
