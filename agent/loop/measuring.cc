#include "agent/loop/measuring.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "agent/loop/payloads.h"
#include "base/failpoint.h"
#include "base/sha256.h"
#include "evaluator/api/json.h"

namespace passnet::agent {
namespace {

using evaluator::BaselineReport;
using evaluator::EvaluateRequest;
using evaluator::EvaluationReport;
using evaluator::TaskDescription;
using trajectories::EventKind;

// A malformed task folder will not get better by asking again.
bool IsLasting(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
}

// Of failures that no other task has been there to share or to be spared: chosen, far longer than a lane's restart.
constexpr Nanos kAloneLimit = std::chrono::minutes(10);
// Where only tasks fail that could never be measured, while others could before they were done: two tasks that end
// every evaluator must not keep each other for ever. Chosen: longer than what ails a host is left alone.
constexpr Nanos kDoubtfulLimit = std::chrono::hours(2);

Nanos BackoffAfter(int64_t failures) {  // chosen: 1, 2, 4 … at most 30 s; an evaluator restarts within a few seconds
  return std::chrono::seconds(std::min<int64_t>(30, int64_t{1} << std::min<int64_t>(failures - 1, 5)));
}

// Infrastructure, whether the port says so or the report does.
std::optional<Error> InfraOf(const Result<EvaluationReport>& report) {
  if (!report) return report.error();
  if (report.value().verdict == evaluator::Verdict::kInfra) {
    return Error{ErrorCode::kUnavailable, report.value().reason};
  }
  return std::nullopt;
}

}  // namespace

const char* PurposeName(Purpose purpose) {
  switch (purpose) {
    case Purpose::kRefine: return "refine";
    case Purpose::kFinal: return "final";
  }
  return "refine";
}

std::string EvaluationId(const std::string& trajectory_id, int64_t round, const std::string& purpose, int repetition) {
  Sha256 sha;
  sha.UpdateField(trajectory_id)
      .UpdateField("round " + std::to_string(round))
      .UpdateField(purpose)
      .UpdateField(std::to_string(repetition));
  return ToHex(sha.Finish());
}

Task<Result<std::optional<TaskDescription>>> Measuring::DescribeTask() {
  evaluator::DescribeTaskRequest request;
  request.task = {trajectory_.plan().task_path, trajectory_.plan().task_hash};
  request.device = trajectory_.options().scoring.device;
  const bool may_end = true;
  Asker asker = AskerOf(may_end);
  std::stop_token interrupted = trajectory_.interrupt().get_token();
  Result<TaskDescription> task =
      co_await trajectory_.ports().evaluation->DescribeTask(std::move(asker), std::move(request), interrupted);
  if (task) {
    streak_ = Streak();
    task.value().task = trajectory_.plan().task;
    co_return std::optional<TaskDescription>(std::move(task).value());
  }
  std::string what = "task description";
  Error error = task.error();
  Status dealt_with = co_await PortFailed(std::move(what), std::move(error), streak_.failures + 1, may_end);
  if (!dealt_with) co_return dealt_with.error();
  co_return std::optional<TaskDescription>();
}

EvaluateRequest Measuring::RequestFor(Purpose purpose) const {
  const bool last = purpose == Purpose::kFinal;
  const Candidate& candidate = last ? trajectory_.fold().best()->candidate : *trajectory_.fold().candidate();
  const ScoringOptions& scoring = trajectory_.options().scoring;
  EvaluateRequest request;
  request.purpose = PurposeName(purpose);
  request.evaluation_id = EvaluationId(trajectory_.plan().trajectory_id, candidate.round, request.purpose, 0);
  request.task = {trajectory_.plan().task_path, trajectory_.plan().task_hash};
  request.files = candidate.files;
  request.profile = last ? scoring.final_profile : scoring.refine_profile;
  request.time_cap = std::chrono::milliseconds(last ? scoring.final_time_cap_ms : scoring.refine_time_cap_ms);
  request.call_path = scoring.call_path;
  request.matching = scoring.matching;
  request.p = scoring.p;
  request.b = scoring.b;
  request.device = scoring.device;
  return request;
}

Task<Status> Measuring::Evaluate(Purpose purpose) {
  const TrajectoryFold& fold = trajectory_.fold();
  const int64_t round = purpose == Purpose::kFinal ? fold.best()->candidate.round : fold.candidate()->round;
  EvaluateRequest request = RequestFor(purpose);
  std::string id = request.evaluation_id;
  if (fold.open_evaluation() != id) {
    JournalEntry intent = trajectory_.NewEntry(EventKind::kEvaluationIntent);
    intent.event.round = round;
    intent.event.subject = id;
    intent.event.label = request.purpose;
    intent.event.payload = EvaluationIntentPayload(request);
    Status written = co_await trajectory_.Append(std::move(intent));
    if (!written) co_return written.error();
  }
  Asker asker = AskerOf(MayEndByTime(purpose));
  std::stop_token interrupted = trajectory_.interrupt().get_token();
  Result<EvaluationReport> report =
      co_await trajectory_.ports().evaluation->Evaluate(std::move(asker), std::move(request), interrupted);
  PASSNET_FAILPOINT("agent.report_not_durable");
  std::optional<Error> infra = InfraOf(report);
  if (infra) co_return co_await EvaluationFailed(round, std::move(*infra), std::move(id), purpose);
  streak_ = Streak();
  EvaluationReport measured = std::move(report).value();
  co_return co_await StoreReport(round, std::move(measured), std::move(id));
}

Task<Status> Measuring::StoreReport(int64_t round, EvaluationReport report, std::string id) {
  std::vector<JournalEntry> entries;
  if (!report.compile.empty()) {
    const bool ok = std::all_of(report.compile.begin(), report.compile.end(), [](const auto& file) { return file.ok; });
    JournalEntry compile = trajectory_.NewEntry(EventKind::kCompile);
    compile.event.round = round;
    compile.event.label = ok ? "ok" : "failed";
    compile.event.payload = CompilePayload(report);
    entries.push_back(std::move(compile));
  }
  JournalEntry entry = trajectory_.NewEntry(EventKind::kEvaluationReport);
  entry.event.round = round;
  entry.event.subject = std::move(id);
  entry.event.label = evaluator::VerdictName(report.verdict);
  entry.event.score = report.aggregated_score;
  entry.event.payload = evaluator::ToJson(report);
  entries.push_back(std::move(entry));
  co_return co_await trajectory_.Append(std::move(entries));
}

Task<Status> Measuring::EvaluationFailed(int64_t round, Error error, std::string id, Purpose purpose) {
  const bool may_end = MayEndByTime(purpose);
  if (may_end && trajectory_.IsLate(error)) co_return co_await EndForTime();
  if (error.code == ErrorCode::kCancelled) co_return error;
  JournalEntry failed = trajectory_.NewEntry(EventKind::kEvaluationInfra);
  failed.event.round = round;
  failed.event.subject = std::move(id);
  failed.event.label = "infra_lane";
  failed.event.payload = ErrorPayload(ToString(error));
  Status written = co_await trajectory_.Append(std::move(failed));
  if (!written) co_return written.error();
  std::string what = std::string("evaluation (") + PurposeName(purpose) + ")";
  co_return co_await PortFailed(std::move(what), std::move(error), trajectory_.fold().evaluation_failures(), may_end);
}

// Waits before the next attempt, or ends the trajectory when there were enough and they are its own.
Task<Status> Measuring::PortFailed(std::string what, Error error, int64_t failures, bool may_end) {
  if (may_end && trajectory_.IsLate(error)) co_return co_await EndForTime();
  if (error.code == ErrorCode::kCancelled) co_return error;
  CountFailure();
  if (IsLasting(error) || IsEnough(error, failures)) {
    std::string label = IsLasting(error) ? "infra_task" : "infra_lane";
    std::string why = what + ": " + ToString(error);
    co_return co_await trajectory_.GiveUp(std::move(label), std::move(why));
  }
  if (may_end && trajectory_.time_is_over().stop_requested()) co_return co_await EndForTime();
  co_await trajectory_.Rest(BackoffAfter(failures));
  co_return OkStatus();
}

// No further round; what is the best by now is measured.
Task<Status> Measuring::EndForTime() {
  JournalEntry refusal = trajectory_.NewEntry(EventKind::kBudget);
  refusal.event.label = "refuse";
  refusal.event.payload = ReasonPayload(trajectory_.TimeIsOver());
  co_return co_await trajectory_.Append(std::move(refusal));
}

void Measuring::CountFailure() {
  const PortTally now = trajectory_.ports().evaluation->tally(trajectory_.plan().task_path);
  const SteadyTime at = trajectory_.ports().clock->Now();
  const bool first = ++streak_.failures == 1;
  if (first) streak_.succeeded_before = now.succeeded;
  if (first || now.failed_elsewhere > streak_.tally.failed_elsewhere) streak_.alone_since = at;
  if (first || now.failed_of_measured > streak_.tally.failed_of_measured) streak_.doubtful_since = at;
  streak_.tally = now;
}

// What is shared never ends a trajectory: while others fail too it goes on asking.
bool Measuring::IsEnough(const Error& error, int64_t failures) const {
  if (failures < trajectory_.options().rounds.infra_attempts) return false;
  // An evaluator that was up has had all the time that anything may take.
  if (error.code == ErrorCode::kDeadlineExceeded) return true;
  if (streak_.tally.succeeded > streak_.succeeded_before) return true;
  const SteadyTime now = trajectory_.ports().clock->Now();
  if (now - streak_.alone_since >= kAloneLimit) return true;
  return streak_.tally.succeeded > 0 && now - streak_.doubtful_since >= kDoubtfulLimit;
}

// The best candidate so far is measured whatever the time is, and so is the first one, which may be it.
bool Measuring::MayEndByTime(Purpose purpose) const {
  return purpose == Purpose::kRefine && trajectory_.fold().best().has_value();
}

Asker Measuring::AskerOf(bool may_end) const {
  Asker asker{trajectory_.plan().campaign_id, trajectory_.plan().trajectory_id};
  if (may_end) asker.patience = trajectory_.time_is_over();
  return asker;
}

evaluator::BaselineRequest Measuring::RequestForBaseline() const {
  const ScoringOptions& scoring = trajectory_.options().scoring;
  evaluator::BaselineRequest request;
  request.evaluation_id = EvaluationId(trajectory_.plan().trajectory_id, 0, "baseline", 0);
  request.task = {trajectory_.plan().task_path, trajectory_.plan().task_hash};
  request.profile = scoring.final_profile;
  request.time_cap = std::chrono::milliseconds(scoring.final_time_cap_ms);
  request.device = scoring.device;
  request.p = scoring.p;
  request.b = scoring.b;
  return request;
}

Task<Status> Measuring::Baseline() {
  evaluator::BaselineRequest request = RequestForBaseline();
  JournalEntry entry = trajectory_.NewEntry(EventKind::kBaseline);
  entry.event.round.reset();
  entry.event.subject = trajectory_.plan().task;
  entry.event.label = evaluator::BaselineCompilerName(request.compiler);
  const bool may_end = true;  // a figure for comparison
  Asker asker = AskerOf(may_end);
  std::stop_token interrupted = trajectory_.interrupt().get_token();
  Result<BaselineReport> report =
      co_await trajectory_.ports().evaluation->Baseline(std::move(asker), std::move(request), interrupted);
  if (report) {
    entry.event.payload = evaluator::ToJson(report.value());
  } else if (trajectory_.IsLate(report.error())) {
    entry.event.payload = ErrorPayload(ToString(Error{ErrorCode::kDeadlineExceeded, trajectory_.TimeIsOver()}));
  } else {
    if (report.error().code == ErrorCode::kCancelled) co_return report.error();
    // The figure beside the score, not the score: after a few attempts the report says that it is not known.
    CountFailure();
    const bool late = trajectory_.time_is_over().stop_requested();
    if (!late && !IsLasting(report.error()) && !IsEnough(report.error(), streak_.failures)) {
      co_await trajectory_.Rest(BackoffAfter(streak_.failures));
      co_return OkStatus();
    }
    entry.event.payload = ErrorPayload(ToString(report.error()));
  }
  streak_ = Streak();
  co_return co_await trajectory_.Append(std::move(entry));
}

}  // namespace passnet::agent
