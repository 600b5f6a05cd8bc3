// passnet baseline: how fast eager or TorchInductor is on a task, measured like a candidate and cached.
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
  request.compiler =
      flags.compiler == "eager" ? evaluator::BaselineCompiler::kEager : evaluator::BaselineCompiler::kInductor;
  request.profile = flags.profile == "quick" ? evaluator::Profile::kQuick : evaluator::Profile::kPassbench;
  request.device = flags.lane.device;
  Progress progress("baseline");
  auto show = [&](const std::string& what, int done, int total) { progress.Show(what, done, total); };
  auto report = lane.value()->Baseline(request, Deadline::Never(), show);
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

Command BaselineVerb() {
  auto flags = std::make_shared<BaselineFlags>();
  Command verb{.name = "baseline",
               .help = "measure eager or TorchInductor on a task",
               .footer = "Example:\n  passnet baseline --task tasks/rope --compiler inductor",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {.name = "--task", .help = "task folder (holds graph_list.txt)", .value = &flags->task, .required = true},
      {.name = "--compiler", .help = "what is measured against eager", .value = &flags->compiler, .show_default = true,
       .allowed = OneOf{{"inductor", "eager"}}},
      {.name = "--profile", .help = "see passnet eval --help", .value = &flags->profile, .show_default = true,
       .allowed = OneOf{{"passbench", "quick"}}},
  };
  Append(&verb.options, OptionsOfLane(&flags->lane));
  Append(&verb.options, {{"--json", "one object (passnet.baseline/1) as the last line", &flags->json}});
  return verb;
}

}  // namespace passnet::cli
