// Evaluations a minute of a 6-graph task of small graphs with a compiled candidate, on a warm lane, both profiles; beside
// it the yardstick that does what PassNet does, one fresh Python process a graph. The figures of one run belong together.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "bench/bench_report.h"
#include "bench/synthetic_task.h"
#include "evaluator/client/lane_client.h"

namespace passnet::bench {
namespace {

constexpr int kEvaluations = 5;

double PerMinute(evaluator::LaneClient& lane, const SyntheticTask& task, evaluator::Profile profile) {
  evaluator::EvaluateRequest request;
  request.task.path = task.dir().native();
  request.files = SyntheticTask::FusedPass();
  request.profile = profile;
  auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < kEvaluations; ++i) {
    request.evaluation_id = "bench-" + std::to_string(i);
    auto report = lane.Evaluate(request, Deadline::After(std::chrono::minutes(10)), {});
    if (!report || report.value().verdict != evaluator::Verdict::kOk) {
      std::fprintf(stderr, "evaluation failed: %s\n", report ? report.value().reason.c_str() : report.error().context.c_str());
      return std::nan("");
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return 60.0 * kEvaluations / seconds;
}

int Run(bool json) {
  SyntheticTask task({16, 32, 64, 128, 256, 512}, 1);
  evaluator::LaneClientOptions options;
  options.cache_dir = CacheDir();
  auto lane = evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
  if (!lane) {
    std::fprintf(stderr, "%s\n", lane.error().context.c_str());
    return 3;
  }
  BenchReport report("eval_throughput");
  PerMinute(*lane.value(), task, evaluator::Profile::kQuick);  // captures and compiles
  double quick = PerMinute(*lane.value(), task, evaluator::Profile::kQuick);
  double passbench = PerMinute(*lane.value(), task, evaluator::Profile::kPassbench);
  double yardstick_seconds = 0;
  int measured = 0;
  for (const auto& graph : task.graphs()) {
    double seconds = 0;
    RunYardstick(graph, &seconds);
    yardstick_seconds += seconds;
    Progress("eval_throughput, yardstick", ++measured, static_cast<int>(task.graphs().size()));
  }
  double yardstick = 60.0 / yardstick_seconds;
  report.Add("evaluations_per_minute_quick", quick);
  report.Add("evaluations_per_minute_passbench", passbench);
  report.Add("evaluations_per_minute_yardstick", yardstick);
  report.Add("quick_over_yardstick", quick / yardstick);
  report.Add("passbench_over_yardstick", passbench / yardstick);
  if (auto facts = lane.value()->Environment(Deadline::After(std::chrono::seconds(10)))) report.Environment(facts.value());
  report.Print(json);
  return std::isfinite(quick) && std::isfinite(passbench) ? 0 : 3;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) { return passnet::bench::Run(passnet::bench::WantsJson(argc, argv)); }
