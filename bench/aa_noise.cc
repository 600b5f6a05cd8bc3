// Eager against eager: how far from 1 a measured speed-up lies when nothing differs. 30 runs each of graphs of about
// 50 us (on a GPU 20 us), 0.2 ms and 5 ms a call, profile passbench, each in new processes; beside them the yardstick's on the
// same graphs.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/synthetic_task.h"

namespace passnet::bench {
namespace {

struct Size {
  const char* name;
  int rows;
  int repeat;
};
// Chosen on a 2.5 GHz Xeon core; the report gives the eager time that was measured.
constexpr Size kSizes[] = {{"50us", 128, 2}, {"200us", 512, 2}, {"5ms", 4096, 3}};
// By the memory bandwidth of an H100: launches, tensors about as large as its L2, tensors much larger.
constexpr Size kSizesOnGpu[] = {{"20us", 128, 1}, {"200us", 16384, 6}, {"5ms", 131072, 14}};

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

Result<BenchReport> Measure(const LaneChoice& choice, int runs) {
  ASSIGN_OR_RETURN(const auto lane, StartLane(choice));
  BenchReport report("aa_noise");
  for (const Size& size : choice.OnGpu() ? std::span<const Size>(kSizesOnGpu) : std::span<const Size>(kSizes)) {
    SyntheticTask task({size.rows}, size.repeat);
    std::vector<double> ours, yardstick;
    double eager_us = 0;
    for (int run = 0; run < runs; ++run) {
      evaluator::BaselineRequest request;
      request.task.path = task.dir().native();
      request.device = choice.device;
      request.compiler = evaluator::BaselineCompiler::kEager;
      request.use_cache = false;
      auto measured = lane->Baseline(request, Deadline::After(std::chrono::minutes(10)), {});
      if (!measured || !measured.value().graphs[0].speedup_call) continue;
      ours.push_back(*measured.value().graphs[0].speedup_call);
      eager_us = *measured.value().graphs[0].eager_us;
      double seconds = 0;
      yardstick.push_back(RunYardstick(task.graphs()[0], &seconds, choice.OnGpu()));
      Progress(std::string("aa_noise, ") + size.name, run + 1, runs);
    }
    report.Add(std::string(size.name) + "_eager_us", eager_us);
    AddSpread(std::string(size.name) + "_passnetd", ours, &report);
    AddSpread(std::string(size.name) + "_yardstick", yardstick, &report);
  }
  if (auto facts = lane->Environment(Deadline::After(std::chrono::seconds(10)))) report.Environment(facts.value());
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  passnet::bench::LaneChoice choice;
  int runs = 30;
  std::vector<passnet::command_line::Option> options = {
      passnet::bench::CountOption("--runs", "of each graph", &runs)};
  passnet::command_line::Append(&options, passnet::bench::LaneOptions(&choice));
  return passnet::bench::Main("aa_noise", "Eager against eager, beside PassNet's own way of measuring", std::move(options),
                              [&] { return passnet::bench::Measure(choice, runs); }, argc, argv);
}
