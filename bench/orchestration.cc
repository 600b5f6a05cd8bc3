// What it costs to run campaigns, without models and without measuring: processor time of the daemon for a turn, its
// memory, and where the time goes. Real daemon, real HTTP, real journal; the endpoint is another process.
#include <string>

#include "bench/bench_main.h"
#include "bench/daemon_load.h"
#include "bench/synthetic_task.h"
#include "bench/turn_parts.h"

namespace passnet::bench {
namespace {

constexpr int64_t kTrajectoriesLookedAt = 40;  // for the parts of the loop thread's time

double Of(const ProcessUse& use, const char* thread) {
  const auto found = use.thread_ms.find(thread);
  return found == use.thread_ms.end() ? 0 : found->second;
}

// By thread, which docs/threads.md names; then what of the loop thread's time is known by function.
void AddShares(const LoadRun& run, const TurnParts& parts, BenchReport* report) {
  const ProcessUse& use = run.daemon;
  const auto turns = static_cast<double>(run.turns);
  const double loop = Of(use, "pn-loop") / turns, journal = Of(use, "pn-db") / turns;
  const double lane = Of(use, "pn-work-lane") / turns, work = Of(use, "pn-work") / turns;
  const double api = (Of(use, "pn-http") + Of(use, "pn-health") + Of(use, "pn-events")) / turns;
  report->Add("loop_ms_a_turn", loop);
  report->Add("journal_ms_a_turn", journal);
  report->Add("lane_threads_ms_a_turn", lane);
  report->Add("work_threads_ms_a_turn", work);
  report->Add("api_ms_a_turn", api);
  report->Add("part_request_ms", parts.request_ms);
  report->Add("part_reply_ms", parts.reply_ms);
  report->Add("part_feedback_ms", parts.feedback_ms);
  report->Add("part_seal_ms", parts.seal_ms);
  report->Add("part_http_and_loop_ms",
              loop + work - parts.request_ms - parts.reply_ms - parts.feedback_ms - parts.seal_ms);
}

Result<BenchReport> Measure(const LoadPlan& plan) {
  const BenchFolder folder("load");
  ASSIGN_OR_RETURN(const LoadRun run, RunLoad(plan, folder.path()));
  ASSIGN_OR_RETURN(const TurnParts parts, MeasureTurnParts((folder.path() / "journal.db").native(), run.campaign_id,
                                                           kTrajectoriesLookedAt));
  BenchReport report("orchestration");
  report.Add("trajectories", static_cast<double>(run.trajectories));
  report.Add("turns", static_cast<double>(run.turns));
  report.Add("wall_s", run.wall_s);
  report.Add("cpu_ms_a_turn", run.daemon.cpu_ms / static_cast<double>(run.turns));
  report.Goal("cpu_ms_a_turn", "max", 1);
  report.Add("peak_rss_mib", run.daemon.peak_rss_mib);
  report.Goal("peak_rss_mib", "max", 300);
  report.Add("peak_rss_kib_a_trajectory", run.daemon.peak_rss_mib * 1024 / static_cast<double>(plan.concurrency));
  report.Goal("peak_rss_kib_a_trajectory", "max", 256);
  report.Add("journal_mib", run.journal_mib);
  AddShares(run, parts, &report);
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  using passnet::bench::CountOption;
  passnet::bench::LoadPlan plan;
  return passnet::bench::Main(
      "orchestration", "A campaign through the real daemon with a lane that measures nothing: what a turn costs it",
      {CountOption("--trajectories", "of the campaign", &plan.trajectories),
       CountOption("--tasks", "of the bundled ones", &plan.tasks),
       CountOption("--turns", "of each trajectory", &plan.turns),
       CountOption("--concurrency", "trajectories under way, and requests in flight, at most 1000", &plan.concurrency)},
      [&] { return passnet::bench::Measure(plan); }, argc, argv);
}
