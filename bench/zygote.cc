// Starting a worker process below a warm zygote: from the command until the child says that it is jailed. Children with
// the jail of a screen and children without any alternate in random order; the jail's share is the difference of the
// medians. Beside them what a fresh interpreter that imports torch costs, which is what a fork saves.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"
#include "bench/bench_main.h"
#include "bench/samples.h"
#include "evaluator/client/installation.h"
#include "evaluator/lane/zygote.h"
#include "sandbox/process_tree.h"

namespace passnet::bench {
namespace {

using evaluator::ForkSpec;
using evaluator::WorkerProcess;
using evaluator::Zygote;

constexpr std::chrono::seconds kLimit{120};

struct Samples {
  std::vector<double> jailed, bare, whole;  // ms; whole: jailed, with its answer and its end
};

ForkSpec SpecWith(const char* plan) {
  ForkSpec spec;
  spec.role = "screen";
  spec.plan = plan;
  spec.first_frame = Json{{"files", Json::MakeObject()}}.Dump();
  return spec;
}

Status SpawnOnce(const std::shared_ptr<Zygote>& zygote, bool jailed, Samples* samples) {
  const ForkSpec spec = SpecWith(jailed ? "reader" : "");
  const Deadline deadline = Deadline::After(kLimit);
  Lap lap;
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(zygote, spec, deadline));
  (jailed ? samples->jailed : samples->bare).push_back(lap.Ms());
  RETURN_IF_ERROR(process->channel().ReceiveFrame(deadline, 1u << 20));
  process->End();
  if (jailed) samples->whole.push_back(lap.Ms());
  return OkStatus();
}

Result<Samples> Spawn(const std::shared_ptr<Zygote>& zygote, int count) {
  std::vector<bool> order(2 * static_cast<size_t>(count));
  std::fill(order.begin(), order.begin() + count, true);
  std::shuffle(order.begin(), order.end(), std::mt19937(std::random_device{}()));
  Samples warm, samples;
  for (bool jailed : {true, false, true, false}) RETURN_IF_ERROR(SpawnOnce(zygote, jailed, &warm));
  int done = 0;
  for (bool jailed : order) {
    RETURN_IF_ERROR(SpawnOnce(zygote, jailed, &samples));
    Progress("zygote", ++done, 2 * count);
  }
  return samples;
}

Result<std::shared_ptr<Zygote>> Start() {
  ASSIGN_OR_RETURN(const evaluator::Installation installed, evaluator::FindInstallation(""));
  evaluator::ZygoteOptions options;
  options.python = installed.python;
  options.worker_dir = installed.worker_dir;
  options.other_cores = {0};
  return Zygote::Start(options, Deadline::After(kLimit));
}

Result<BenchReport> Measure(int count) {
  Lap starting;
  ASSIGN_OR_RETURN(const auto zygote, Start());
  const double start_ms = starting.Ms();
  ASSIGN_OR_RETURN(const Samples samples, Spawn(zygote, count));
  BenchReport report("zygote");
  report.Add("spawn_p50_ms", Quantile(samples.jailed, 0.5));
  report.Goal("spawn_p50_ms", "max", 15);
  report.Add("spawn_p99_ms", Quantile(samples.jailed, 0.99));
  report.Goal("spawn_p99_ms", "max", 40);
  report.Add("bare_p50_ms", Quantile(samples.bare, 0.5));
  report.Add("jail_extra_p50_ms", Quantile(samples.jailed, 0.5) - Quantile(samples.bare, 0.5));
  report.Goal("jail_extra_p50_ms", "max", 2);
  report.Add("spawn_answer_end_p50_ms", Quantile(samples.whole, 0.5));
  report.Add("start_ms", start_ms);
  report.Add("start_over_spawn", start_ms / Quantile(samples.jailed, 0.5));
  const sandbox::TreeUsage usage = sandbox::UsageOfTree(zygote->pid());
  report.Add("rss_mib", static_cast<double>(usage.resident_bytes) / 1048576);
  report.Goal("rss_mib", "max", 900);
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int count = 300;
  return passnet::bench::Main("zygote", "Starting a worker process below a warm zygote, with and without its jail",
                              {passnet::bench::CountOption("--count", "children of each kind", &count)},
                              [&] { return passnet::bench::Measure(count); }, argc, argv);
}
