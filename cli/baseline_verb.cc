// passnet baseline: how fast eager or TorchInductor is on a task, measured like a candidate and cached.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/ids.h"
#include "cli/graph_table.h"
#include "cli/lane_session.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "evaluator/api/json.h"

namespace passnet::cli {
namespace {

struct BaselineFlags {
  std::string task, compiler = "inductor", profile = "passbench";
  LaneFlags lane;
  bool json = false;
};

int Run(const BaselineFlags& flags) {
  auto lane = OpenLane(flags.lane);
  if (!lane) return Fail(lane.error());
  evaluator::BaselineRequest request;
  request.evaluation_id = NewId("baseline");
  request.task.path = flags.task;
  request.compiler = flags.compiler == "eager" ? evaluator::BaselineCompiler::kEager : evaluator::BaselineCompiler::kInductor;
  request.profile = flags.profile == "quick" ? evaluator::Profile::kQuick : evaluator::Profile::kPassbench;
  request.device = flags.lane.device;
  Progress progress("baseline");
  auto report = lane.value()->Baseline(request, Deadline::Never(),
                                       [&](const std::string& what, int done, int total) { progress.Show(what, done, total); });
  progress.Done();
  if (!report) return Fail(report.error());
  if (flags.json) {
    std::printf("%s\n", evaluator::ToJson(report.value()).c_str());
    return kExitDone;
  }
  std::printf("%s\n%s over eager: aggregated %s%s\n", GraphTable(report.value().graphs).c_str(), flags.compiler.c_str(),
              ShowNumber(report.value().aggregated_score).c_str(), report.value().cached ? "  (cached)" : "");
  return kExitDone;
}

}  // namespace

void AddBaselineVerb(CLI::App& app, std::function<int()>* run) {
  auto flags = std::make_shared<BaselineFlags>();
  CLI::App* verb = app.add_subcommand("baseline", "measure eager or TorchInductor on a task");
  verb->footer("Example:\n  passnet baseline --task tasks/rope --compiler inductor");
  verb->add_option("--task", flags->task, "task folder (holds graph_list.txt)")->required();
  verb->add_option("--compiler", flags->compiler, "what is measured against eager")
      ->check(CLI::IsMember({"inductor", "eager"}))->capture_default_str();
  verb->add_option("--profile", flags->profile, "see passnet eval --help")
      ->check(CLI::IsMember({"passbench", "quick"}))->capture_default_str();
  AddLaneOptions(verb, &flags->lane);
  verb->add_flag("--json", flags->json, "one object (passnet.baseline/1) as the last line");
  verb->callback([flags, run] { *run = [flags] { return Run(*flags); }; });
}

}  // namespace passnet::cli
