// Evaluations a minute of a 6-graph task of small graphs with a compiled candidate, on a warm lane: profile passbench
// behind Dynamo's guards, profile quick without them, and quick behind them. Beside them the yardstick that does what
// PassNet does, one fresh Python process a graph. The figures of one run belong together. Also where an evaluation's time
// goes: the share of the wall time that its report's steps account for, and during which the timing core was held.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"

namespace passnet::bench {
namespace {

using evaluator::CallPath;
using evaluator::Profile;

// What several evaluations of one kind took.
struct Spent {
  int evaluations = 0;
  double wall_ms = 0;
  double held_ms = 0;
  std::map<std::string, double> steps_ms;

  double PerMinute() const { return 60'000.0 * evaluations / wall_ms; }
  double AccountedMs() const {
    double sum = 0;
    for (const auto& [step, ms] : steps_ms) sum += ms;
    return sum;
  }
};

void Add(const std::map<std::string, double>& timings, Spent* spent) {
  for (const auto& [step, ms] : timings) {
    if (step == "core_held") spent->held_ms += ms;
    if (step != "core_held" && step != "total") spent->steps_ms[step] += ms;
  }
}

struct Contest {
  evaluator::LaneClient& lane;
  const SyntheticTask& task;
  const LaneChoice& choice;
};

// What a call takes on the stand-in is a matter of the host's, and so is a verdict that rests on it.
bool IsRight(const evaluator::EvaluationReport& report, const LaneChoice& choice) {
  if (choice.stand_in.empty()) return report.verdict == evaluator::Verdict::kOk;
  return std::all_of(report.graphs.begin(), report.graphs.end(), [](const evaluator::GraphReport& graph) {
    return graph.status == evaluator::GraphStatus::kCorrect;
  });
}

Result<Spent> EvaluateOften(const Contest& contest, Profile profile, CallPath path, int count) {
  evaluator::EvaluateRequest request;
  request.task.path = contest.task.dir().native();
  request.device = contest.choice.device;
  request.files = contest.choice.OnGpu() ? SyntheticTask::FusedTritonPass() : SyntheticTask::FusedPass();
  request.profile = profile;
  request.call_path = path;
  Spent spent;
  for (; spent.evaluations < count; ++spent.evaluations) {
    request.evaluation_id = "bench-" + std::to_string(spent.evaluations);
    Lap lap;
    ASSIGN_OR_RETURN(auto report, contest.lane.Evaluate(request, Deadline::After(std::chrono::minutes(10)), {}));
    spent.wall_ms += lap.Ms();
    if (!IsRight(report, contest.choice)) {
      return Internal(std::string("verdict ") + VerdictName(report.verdict) + ": " + report.reason);
    }
    Add(report.timings_ms, &spent);
    Progress(std::string("eval_throughput, ") + ProfileName(profile) + ", " + CallPathName(path),
             spent.evaluations + 1, count);
  }
  return spent;
}

double YardstickPerMinute(const Contest& contest) {
  double whole = 0;
  int measured = 0;
  const auto graphs = contest.task.graphs();
  for (const auto& graph : graphs) {
    double seconds = 0;
    RunYardstick(graph, &seconds, contest.choice.OnGpu());
    whole += seconds;
    Progress("eval_throughput, yardstick", ++measured, static_cast<int>(graphs.size()));
  }
  return 60.0 / whole;
}

void AddShares(const Spent& passbench, const Spent& quick, BenchReport* report) {
  const double wall = passbench.wall_ms + quick.wall_ms;
  report->Add("accounted_share", (passbench.AccountedMs() + quick.AccountedMs()) / wall);
  report->Goal("accounted_share", "min", 0.95);
  report->Add("lane_busy_share", (passbench.held_ms + quick.held_ms) / wall);
  report->Goal("lane_busy_share", "min", 0.8);
  for (const auto& [step, ms] : passbench.steps_ms) report->Add("passbench_" + step + "_ms", ms / passbench.evaluations);
  for (const auto& [step, ms] : quick.steps_ms) report->Add("quick_direct_" + step + "_ms", ms / quick.evaluations);
}

Result<BenchReport> Measure(const LaneChoice& choice, int count) {
  const SyntheticTask task({16, 32, 64, 128, 256, 512}, 1);
  ASSIGN_OR_RETURN(const auto lane, StartLane(choice));
  const Contest contest{*lane, task, choice};
  // Captures, compiles, screens, traces and matches.
  RETURN_IF_ERROR(EvaluateOften(contest, Profile::kQuick, CallPath::kDynamo, 1));
  ASSIGN_OR_RETURN(const Spent quick_dynamo, EvaluateOften(contest, Profile::kQuick, CallPath::kDynamo, count));
  ASSIGN_OR_RETURN(const Spent quick, EvaluateOften(contest, Profile::kQuick, CallPath::kDirect, count));
  ASSIGN_OR_RETURN(const Spent passbench, EvaluateOften(contest, Profile::kPassbench, CallPath::kDynamo, count));
  const double yardstick = YardstickPerMinute(contest);
  BenchReport report("eval_throughput");
  report.Add("evaluations_per_minute_passbench_dynamo", passbench.PerMinute());
  report.Add("evaluations_per_minute_quick_direct", quick.PerMinute());
  report.Add("evaluations_per_minute_quick_dynamo", quick_dynamo.PerMinute());
  report.Add("evaluations_per_minute_yardstick", yardstick);
  report.Add("ratio_passbench_dynamo", passbench.PerMinute() / yardstick);
  report.Goal("ratio_passbench_dynamo", "min", choice.OnGpu() ? 10 : 12);
  report.Add("ratio_quick_direct", quick.PerMinute() / yardstick);
  report.Goal("ratio_quick_direct", "min", 25);
  report.Add("ratio_quick_dynamo", quick_dynamo.PerMinute() / yardstick);
  AddShares(passbench, quick, &report);
  if (auto facts = lane->Environment(Deadline::After(std::chrono::seconds(10)))) report.Environment(facts.value());
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  passnet::bench::LaneChoice choice;
  int count = 5;
  std::vector<passnet::command_line::Option> options = {
      passnet::bench::CountOption("--count", "evaluations of each kind", &count)};
  passnet::command_line::Append(&options, passnet::bench::LaneOptions(&choice));
  return passnet::bench::Main("eval_throughput", "Evaluations a minute beside PassNet's own way of measuring", std::move(options),
                              [&] { return passnet::bench::Measure(choice, count); }, argc, argv);
}
