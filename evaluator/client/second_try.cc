#include "evaluator/client/second_try.h"

#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "evaluator/api/graph_result.h"
#include "passbench/score.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::minutes kStartLimit{3};  // of a fresh evaluator, as where one is first started

// The evaluator is gone, or a process of its own that no request survives.
bool Ended(const Result<EvaluationReport>& report) {
  return !report &&
         (report.error().code == ErrorCode::kUnavailable || report.error().code == ErrorCode::kDataCorrupt);
}

bool IsWorthAnotherTry(const Result<EvaluationReport>& report) {
  return Ended(report) || (report && report.value().verdict == Verdict::kInfra);
}

GraphReport Crashed(const GraphDescription& graph, const std::string& reason) {
  GraphReport report;
  report.path = graph.path;
  report.dtype = graph.dtype;
  report.status = GraphStatus::kRuntimeFail;
  report.verdict = Verdict::kCrash;
  report.reason = reason;
  return report;
}

EvaluationReport ReportOf(const EvaluateRequest& request, const TaskDescription& task, const std::string& reason) {
  EvaluationReport report;
  report.evaluation_id = request.evaluation_id;
  report.task = task.task;
  report.profile = request.profile;
  report.device = request.device;
  report.call_path = request.call_path;
  report.matching = request.matching;
  report.verdict = Verdict::kCrash;
  report.reason = reason;
  report.environment = task.environment;
  std::vector<passbench::GraphResult> results;
  for (const GraphDescription& graph : task.graphs) {
    report.graphs.push_back(Crashed(graph, reason));
    results.push_back(ToGraphResult(report.graphs.back()));
  }
  if (auto scores = passbench::Score(results, {request.p, request.b, request.interpretation})) {
    report.aggregated_score = scores.value().aggregated;
    report.es = scores.value().es;
  }
  return report;
}

class Tries {
 public:
  Tries(LaneClient& client, const EvaluateRequest& request, const SecondTry& how, const ProgressFn& progress)
      : client_(client), request_(request), how_(how), progress_(progress) {}

  Result<EvaluationReport> Run() {
    RETURN_IF_ERROR(Started());
    auto first = client_.Evaluate(request_, Deadline::After(how_.limit), progress_);
    if (!IsWorthAnotherTry(first)) return first;
    RETURN_IF_ERROR(NotCancelled());
    const std::string what = first ? first.value().reason : first.error().context;
    log::Warning("evaluator", "an evaluation is tried again in a fresh evaluator",
                 {{"evaluation", request_.evaluation_id}, {"error", what}});
    RETURN_IF_ERROR(Started());
    auto second = client_.Evaluate(request_, Deadline::After(how_.limit), progress_);
    if (!Ended(first) || !Ended(second)) return second;
    return Judged(first.error(), second.error());
  }

 private:
  // An evaluator that does not come up was ended by no candidate.
  Status Started() {
    auto environment = client_.Environment(Deadline::After(kStartLimit));
    return environment ? OkStatus() : Status(environment.error());
  }

  Status NotCancelled() const {
    if (how_.cancelled && how_.cancelled()) return Error{ErrorCode::kCancelled, "the request was cancelled"};
    return OkStatus();
  }

  // Is it the candidate, or does this task, or this host, end every evaluator?
  Result<EvaluationReport> Judged(const Error& first, const Error& second) {
    RETURN_IF_ERROR(NotCancelled());
    RETURN_IF_ERROR(Started());
    const DescribeTaskRequest without{request_.task, request_.device};
    auto task = client_.DescribeTask(without, Deadline::After(how_.limit));
    if (!task && task.error().code == ErrorCode::kCancelled) return task.error();
    if (!task) return second.Prefixed("two evaluators ended, and a third without the candidate (" + task.error().context + ")");
    const std::string reason = "ended two evaluators: " + first.context +
                               (first.context == second.context ? "" : "; then " + second.context) +
                               "; a third one worked on the task without the candidate";
    return ReportOf(request_, task.value(), reason);
  }

  LaneClient& client_;
  const EvaluateRequest& request_;
  const SecondTry& how_;
  const ProgressFn& progress_;
};

}  // namespace

Result<EvaluationReport> EvaluateWithSecondTry(LaneClient& client, const EvaluateRequest& request, const SecondTry& how,
                                               const ProgressFn& progress) {
  return Tries(client, request, how, progress).Run();
}

}  // namespace passnet::evaluator
