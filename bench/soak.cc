// What many evaluations leave behind: one lane evaluates a task of one tiny graph, profile quick with a short time cap,
// again and again. Most are the same honest candidate; every tenth has bytes of its own, so that it is screened, traced
// and matched anew, and every twentieth crashes in its first call. Memory, descriptors, processes, files and control
// groups are compared between the end of a warm-up and the end; then the lane is closed, and nothing of it may be left.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/host_watch.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"

namespace passnet::bench {
namespace {

using evaluator::CandidateFile;
using evaluator::Verdict;

constexpr std::chrono::milliseconds kTimeCap{30};
constexpr int kWarmUp = 60;  // chosen: every kind of candidate three times, and what is kept once has its size
constexpr double kMebi = 1048576;

struct Kind {
  std::vector<CandidateFile> files;
  Verdict expected = Verdict::kOk;
};

Kind KindOf(int number) {
  Kind kind{SyntheticTask::FusedPass(), Verdict::kOk};
  for (CandidateFile& file : kind.files) {
    if (number % 20 == 19 && file.name.ends_with(".cc")) {
      file.bytes.insert(file.bytes.rfind("  return 0;"), "  *static_cast<volatile int*>(nullptr) = 1;\n");
      kind.expected = Verdict::kCrash;
    } else if (number % 10 == 4 && file.name.ends_with(".py")) {
      file.bytes += "# " + std::to_string(number) + "\n";
    }
  }
  return kind;
}

struct Counts {
  int unexpected = 0;
  std::vector<double> ms;
};

Status EvaluateOne(evaluator::LaneClient& lane, const SyntheticTask& task, int number, Counts* counts) {
  const Kind kind = KindOf(number);
  evaluator::EvaluateRequest request;
  request.evaluation_id = "soak-" + std::to_string(number);
  request.task.path = task.dir().native();
  request.files = kind.files;
  request.time_cap = kTimeCap;
  Lap lap;
  ASSIGN_OR_RETURN(const auto report, lane.Evaluate(request, Deadline::After(std::chrono::minutes(10)), {}));
  counts->ms.push_back(lap.Ms());
  if (report.verdict != kind.expected) {
    ++counts->unexpected;
    std::fprintf(stderr, "evaluation %d: %s: %s\n", number, VerdictName(report.verdict), report.reason.c_str());
  }
  return OkStatus();
}

// More of it than before, or 0.
int Added(int before, int after) { return std::max(0, after - before); }

void AddFigures(const HostUse& before, const HostUse& after, BenchReport* report) {
  const double growth = static_cast<double>(after.resident_bytes) - static_cast<double>(before.resident_bytes);
  report->Add("rss_mib_before", static_cast<double>(before.resident_bytes) / kMebi);
  report->Add("rss_growth_mib", growth / kMebi);
  report->Goal("rss_growth_mib", "max", 20);
  report->Add("fd_growth", after.descriptors - before.descriptors);
  report->Goal("fd_growth", "max", 0);
}

// While the lane still stands: more than there was. Once it is closed: all that it was made of.
int AddLeftovers(const HostUse& first, const HostUse& before, const HostUse& after, const HostUse& closed, int running,
                 BenchReport* report) {
  const int processes = Added(before.processes, after.processes) + running;
  const int files = Added(before.temporary_files, after.temporary_files) +
                    Added(first.temporary_files, closed.temporary_files);
  const int groups = Added(before.control_groups, after.control_groups) + Added(first.control_groups, closed.control_groups);
  report->Add("leftover_processes", processes);
  report->Add("leftover_files", files);
  report->Add("leftover_control_groups", groups);
  return processes + files + groups;
}

Result<BenchReport> Measure(int count) {
  const SyntheticTask task({16}, 1);
  Counts counts;
  HostUse first, before, after;
  std::vector<ProcessName> processes;
  {
    first = UseBelowThisProcess();
    ASSIGN_OR_RETURN(const auto lane, StartLane());
    for (int i = 0; i < kWarmUp; ++i) RETURN_IF_ERROR(EvaluateOne(*lane, task, i, &counts));
    before = UseBelowThisProcess();
    for (int i = 0; i < count; ++i) {
      RETURN_IF_ERROR(EvaluateOne(*lane, task, kWarmUp + i, &counts));
      Progress("soak", i + 1, count);
    }
    after = UseBelowThisProcess();
    processes = ProcessesBelowThisOne();
  }
  const HostUse closed = UseBelowThisProcess();
  BenchReport report("soak");
  AddFigures(before, after, &report);
  report.Add("leftovers", AddLeftovers(first, before, after, closed, StillRunning(processes), &report));
  report.Goal("leftovers", "max", 0);
  report.Add("unexpected_verdicts", counts.unexpected);
  report.Goal("unexpected_verdicts", "max", 0);
  report.Add("evaluations", count);
  report.Add("evaluation_p50_ms", Quantile(counts.ms, 0.5));
  report.Add("evaluation_p99_ms", Quantile(counts.ms, 0.99));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int count = 2000;
  return passnet::bench::Main("soak", "What many evaluations leave behind",
                              {passnet::bench::CountOption("--evaluations", "after 60 that warm up", &count)},
                              [&] { return passnet::bench::Measure(count); }, argc, argv);
}
