// 200 samples with everything going wrong (tests/chaos): an endpoint that refuses, limits, cuts, trickles and lies by a
// seeded script, evaluators killed, the journal locked, the disk filled, the daemon killed 50 times and stopped 20 times.
// What was done and what was met is told on standard error, with every claim; the figures count what is against each.
#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/bench_main.h"
#include "bench/samples.h"
#include "tests/chaos/chaos_run.h"

namespace passnet::bench {
namespace {

using chaos::ChaosOptions;
using chaos::ChaosReport;
using chaos::Claim;

void Tell(const std::string& what, int64_t count) {
  std::fprintf(stderr, "  %-60s %8lld\n", what.c_str(), static_cast<long long>(count));
}

void TellBalance(const chaos::Balance& balance) {
  std::fprintf(stderr, "requests and attempts\n");
  Tell("requests at the endpoint", balance.requests);
  Tell("  answered: the answer is stored with one attempt", balance.answered);
  Tell("  others: in doubt in the journal, or asked once more", balance.unanswered);
  Tell("attempts in the journal", balance.attempts);
  Tell("  with the endpoint's answer", balance.answered);
  Tell("  never sent: no connection was made", balance.never_sent);
  Tell("  in doubt: lost with the daemon, or no header came", balance.in_doubt);
  Tell("  sent once more on a fresh connection", balance.asked_on_fresh);
  Tell("calls that the journal lists as lost", balance.lost_calls);
  std::fprintf(stderr, "micro-dollars\n");
  Tell("by the endpoint, of answers whose usage can be believed", balance.told_microusd);
  Tell("by the journal, of the same", balance.believed_microusd);
  Tell("by the endpoint, of everything else", balance.billed_for_reserved_microusd);
  Tell("by the journal, set aside for it", balance.reserved_microusd);
}

void TellAll(const ChaosReport& report) {
  std::fprintf(stderr, "what was done\n");
  for (const auto& [what, count] : report.done) Tell(what, count);
  TellBalance(report.balance);
  for (const std::string& what : report.left_out) std::fprintf(stderr, "left out: %s\n", what.c_str());
  std::fprintf(stderr, "claims\n");
  for (const Claim& claim : report.claims) {
    std::fprintf(stderr, "  %-6s %s\n", claim.against == 0 ? "OK" : "FAILED", claim.what.c_str());
    if (claim.against > 0) std::fprintf(stderr, "         %lld against it\n", static_cast<long long>(claim.against));
    for (const std::string& example : claim.examples) std::fprintf(stderr, "         %s\n", example.c_str());
  }
  if (!report.log_file_tail.empty()) std::fprintf(stderr, "the daemon's log ends with\n%s\n", report.log_file_tail.c_str());
}

Result<BenchReport> Measure(ChaosOptions options) {
  // As often as the defaults have it among their 70 lives.
  const int lives = options.kills + options.stops;
  options.locks = options.full_disks = options.outages = std::max(1, lives / 14);
  options.refusals = std::max(1, lives / 9);
  options.progress = [](int done, int total) { Progress("chaos: lives of the daemon", done, total); };
  const Lap lap;
  ASSIGN_OR_RETURN(const ChaosReport report, chaos::RunChaos(options));
  const double wall_s = lap.Ms() / 1000;
  TellAll(report);
  BenchReport figures("chaos");
  figures.Add("samples", static_cast<double>(report.samples));
  figures.Add("scored", static_cast<double>(report.scored));
  figures.Goal("scored", "min", static_cast<double>(report.samples));
  for (const Claim& claim : report.claims) {
    figures.Add(claim.name, static_cast<double>(claim.against));
    figures.Goal(claim.name, "max", 0);
  }
  figures.Add("requests", static_cast<double>(report.balance.requests));
  figures.Add("attempts", static_cast<double>(report.balance.attempts));
  figures.Add("attempts_answered", static_cast<double>(report.balance.answered));
  figures.Add("attempts_never_sent", static_cast<double>(report.balance.never_sent));
  figures.Add("attempts_in_doubt", static_cast<double>(report.balance.in_doubt));
  figures.Add("endpoint_microusd", static_cast<double>(report.balance.told_microusd));
  figures.Add("journal_microusd", static_cast<double>(report.balance.believed_microusd));
  figures.Add("longest_stop_s", report.longest_stop_s);
  figures.Goal("longest_stop_s", "max", 10);
  figures.Add("longest_blocked_stop_s", report.longest_blocked_stop_s);
  figures.Goal("longest_blocked_stop_s", "max", 10);  // the grace is 8 s
  figures.Add("wall_s", wall_s);
  return figures;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  using passnet::bench::CountOption;
  passnet::chaos::ChaosOptions options;
  return passnet::bench::Main(
      "chaos", "Campaigns that finish, whatever endpoint, lanes, disk and signals do",
      {CountOption("--samples", "trajectories; rounded to whole tasks", &options.samples),
       CountOption("--kills", "of the daemon, -9, every other one at a durable step", &options.kills),
       CountOption("--stops", "of the daemon, SIGTERM", &options.stops),
       CountOption("--seed", "of everything that is drawn", &options.seed)},
      [&] { return passnet::bench::Measure(options); }, argc, argv);
}
