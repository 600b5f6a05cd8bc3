// Eager against eager: how far from 1 a measured speed-up lies when nothing differs. 30 runs each of graphs of about
// 50 us, 0.2 ms and 5 ms a call, profile passbench, each in new processes; beside them the yardstick's on the same graphs.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/bench_report.h"
#include "bench/synthetic_task.h"
#include "evaluator/client/lane_client.h"

namespace passnet::bench {
namespace {

struct Size {
  const char* name;
  int rows;
  int repeat;
};
// Chosen on a 2.5 GHz Xeon core; the report gives the eager time that was measured.
constexpr Size kSizes[] = {{"50us", 128, 2}, {"200us", 512, 2}, {"5ms", 4096, 3}};

void AddSpread(const std::string& name, std::vector<double> ratios, BenchReport* report) {
  std::erase_if(ratios, [](double ratio) { return !std::isfinite(ratio); });
  if (ratios.empty()) return;
  std::sort(ratios.begin(), ratios.end());
  double sum = 0;
  for (double ratio : ratios) sum += ratio;
  auto at = [&](double q) { return ratios[static_cast<size_t>(q * static_cast<double>(ratios.size() - 1) + 0.5)]; };
  report->Add(name + "_p10", at(0.1));
  report->Add(name + "_p90", at(0.9));
  report->Add(name + "_mean", sum / static_cast<double>(ratios.size()));
  report->Add(name + "_runs", static_cast<double>(ratios.size()));
}

int Run(bool json) {
  const char* wanted = std::getenv("PASSNET_BENCH_RUNS");
  int runs = wanted != nullptr ? std::max(2, std::atoi(wanted)) : 30;
  evaluator::LaneClientOptions options;
  options.cache_dir = CacheDir();
  auto lane = evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
  if (!lane) {
    std::fprintf(stderr, "%s\n", lane.error().context.c_str());
    return 3;
  }
  BenchReport report("aa_noise");
  for (const Size& size : kSizes) {
    SyntheticTask task({size.rows}, size.repeat);
    std::vector<double> ours, yardstick;
    double eager_us = 0;
    for (int run = 0; run < runs; ++run) {
      evaluator::BaselineRequest request;
      request.task.path = task.dir().native();
      request.compiler = evaluator::BaselineCompiler::kEager;
      request.use_cache = false;
      auto measured = lane.value()->Baseline(request, Deadline::After(std::chrono::minutes(10)), {});
      if (!measured || !measured.value().graphs[0].speedup_call) continue;
      ours.push_back(*measured.value().graphs[0].speedup_call);
      eager_us = *measured.value().graphs[0].eager_us;
      double seconds = 0;
      yardstick.push_back(RunYardstick(task.graphs()[0], &seconds));
      Progress(std::string("aa_noise, ") + size.name, run + 1, runs);
    }
    report.Add(std::string(size.name) + "_eager_us", eager_us);
    AddSpread(std::string(size.name) + "_passnetd", ours, &report);
    AddSpread(std::string(size.name) + "_yardstick", yardstick, &report);
  }
  if (auto facts = lane.value()->Environment(Deadline::After(std::chrono::seconds(10)))) report.Environment(facts.value());
  report.Print(json);
  return 0;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) { return passnet::bench::Run(passnet::bench::WantsJson(argc, argv)); }
