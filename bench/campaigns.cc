// A big campaign from recorded replies, and everything that is done with its journal afterwards, by the real programs:
// how long, how much memory, and whether it comes out right.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "bench/bench_main.h"
#include "bench/daemon_load.h"
#include "bench/synthetic_task.h"
#include "tests/fakes/child.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

struct Step {
  std::string name;
  std::vector<std::string> arguments;  // of passnet
  bool may_differ = false;             // exit code 4 is an answer: what it counts is in the report
};

constexpr const char* kRegraded = "50";
constexpr int kDifferent = 4;  // docs/contracts.md, exit codes

std::vector<Step> Steps(const std::string& journal, const fs::path& out, bool regrades) {
  const auto exported = [&](const std::string& name, const std::vector<std::string>& form) {
    Step step{"export_" + name, {"export", "--db", journal, "--out", (out / name).native(), "--json"}};
    step.arguments.insert(step.arguments.end(), form.begin(), form.end());
    return step;
  };
  std::vector<Step> steps = {{"verify", {"verify", "--db", journal, "--json"}},
                             {"replay_agent", {"replay", "--agent", "--db", journal, "--json"}},
                             exported("openai_chat", {"--format", "openai-chat"}),
                             exported("sharegpt", {"--format", "sharegpt"}),
                             exported("trl_messages", {"--format", "trl", "--trl-form", "messages", "--history-masked"}),
                             exported("trl_prompt_completion", {"--format", "trl", "--trl-form", "prompt-completion"}),
                             exported("trl_preference", {"--format", "trl", "--trl-form", "preference"})};
  if (regrades) {
    steps.push_back({"regrade", {"replay", "--regrade", "--sample", kRegraded, "--db", journal, "--cache-dir",
                                 CacheDir(), "--json"}, true});
  }
  return steps;
}

// The object that a verb prints as its last line.
Result<Json> LastLine(const fs::path& file) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(file, size_t{1} << 30));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t begin = text.rfind('\n') + 1;  // npos + 1 is 0
  return ParseJsonObject(std::string_view(text).substr(begin), file.native());
}

Status AddStep(const Step& step, const fs::path& folder, BenchReport* report) {
  const fs::path output = folder / (step.name + ".json");
  const fs::path log = folder / (step.name + ".log");
  ASSIGN_OR_RETURN(const fakes::ChildEnd end, fakes::RunChild({.program = "passnet", .arguments = step.arguments,
                                                              .output = output.native(), .log = log.native()}));
  if (end.exit_code != 0 && !(step.may_differ && end.exit_code == kDifferent)) {
    auto said = ReadFile(log, 1 << 20);
    return Internal("passnet " + step.arguments.front() + " ended with " + std::to_string(end.exit_code) + ": " +
                    (said ? said.value() : ""));
  }
  ASSIGN_OR_RETURN(const Json said, LastLine(output));
  report->Add(step.name + "_s", end.wall_s);
  report->Add(step.name + "_cpu_s", end.cpu_s);
  report->Add(step.name + "_peak_rss_mib", end.peak_rss_mib);
  for (const char* count : {"events", "replayed", "requests", "rows", "exported", "agree", "differ", "refused", "not_measured",
                            "graphs", "graphs_that_differ", "looked_again"}) {
    if (said[count].is_integer()) report->Add(step.name + "_" + count, said[count].Number());
  }
  return OkStatus();
}

Result<BenchReport> Measure(const LoadPlan& plan) {
  const BenchFolder folder("campaigns");
  ASSIGN_OR_RETURN(const LoadRun run, RunLoad(plan, folder.path()));
  BenchReport report("campaigns");
  report.Add("trajectories", static_cast<double>(run.trajectories));
  report.Add("turns", static_cast<double>(run.turns));
  report.Add("wall_s", run.wall_s);
  report.Add("cpu_ms_a_turn", run.daemon.cpu_ms / static_cast<double>(run.turns));
  report.Add("peak_rss_mib", run.daemon.peak_rss_mib);
  report.Add("journal_mib", run.journal_mib);
  const bool regrades = plan.real_lane && plan.lane.device == "cpu";
  for (const auto& [outcome, count] : run.outcomes) report.Add("outcome_" + outcome, static_cast<double>(count));
  for (const Step& step : Steps((folder.path() / "journal.db").native(), folder.path(), regrades)) {
    RETURN_IF_ERROR(AddStep(step, folder.path(), &report));
  }
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  using passnet::bench::CountOption;
  passnet::bench::LoadPlan plan{.trajectories = 4000, .turns = 6, .plateau_rounds = 2};
  std::vector<passnet::command_line::Option> options = {
      CountOption("--trajectories", "of the campaign", &plan.trajectories),
      CountOption("--tasks", "of the bundled ones", &plan.tasks),
      CountOption("--turns", "of each trajectory, at most", &plan.turns),
      CountOption("--plateau-rounds", "without an improvement that end a trajectory", &plan.plateau_rounds),
      CountOption("--concurrency", "trajectories under way, and requests in flight, at most 1000", &plan.concurrency),
      {.name = "--real-lane",
       .help = "the demo's passes on this machine's lane; 50 are regraded. On a GPU Triton's, and none is",
       .value = &plan.real_lane}};
  for (auto& option : passnet::bench::LaneOptions(&plan.lane)) options.push_back(std::move(option));
  return passnet::bench::Main(
      "campaigns",
      "A big campaign from recorded replies on a lane that measures nothing; then verify, replay, exports. On a real lane: "
      "--real-lane --trajectories 200 --tasks 12 --turns 4 --plateau-rounds 1 --concurrency 4",
      std::move(options), [&] { return passnet::bench::Measure(plan); }, argc, argv);
}
