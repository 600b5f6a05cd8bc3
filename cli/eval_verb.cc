// passnet eval: evaluate one pass folder on one task, by hand.
#include <cstdio>
#include <memory>

#include "base/ids.h"
#include "cli/graph_table.h"
#include "cli/lane_session.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "evaluator/api/json.h"
#include "evaluator/candidate/candidate.h"
#include "evaluator/client/second_try.h"

namespace passnet::cli {
namespace {

struct EvalFlags {
  std::string task, pass, profile = "passbench", call_path = "dynamo", matching = "upstream";
  std::string interpretation = "default";
  double p = 0, b = 0.1;
  int64_t time_cap_ms = 0;
  LaneFlags lane;
  bool json = false;
};

evaluator::EvaluateRequest RequestOf(const EvalFlags& flags, std::vector<evaluator::CandidateFile> files) {
  evaluator::EvaluateRequest request;
  request.evaluation_id = NewId("eval");
  request.purpose = "manual";
  request.task.path = flags.task;
  request.files = std::move(files);
  request.profile = flags.profile == "quick" ? evaluator::Profile::kQuick : evaluator::Profile::kPassbench;
  request.call_path = flags.call_path == "direct" ? evaluator::CallPath::kDirect : evaluator::CallPath::kDynamo;
  request.matching = flags.matching == "normalised" ? evaluator::Matching::kNormalised : evaluator::Matching::kUpstream;
  request.interpretation = flags.interpretation == "mismatch_extended" ? evaluator::Interpretation::kMismatchExtended
                                                                       : evaluator::Interpretation::kDefault;
  request.p = flags.p;
  request.b = flags.b;
  request.time_cap = std::chrono::milliseconds(flags.time_cap_ms);
  request.device = flags.lane.device;
  return request;
}

void Print(const evaluator::EvaluationReport& report) {
  for (const evaluator::CompileDiagnostics& unit : report.compile) {
    if (unit.ok) continue;
    std::printf("%s:\n%s\n", unit.file.c_str(), Printable(unit.diagnostics).c_str());
  }
  std::printf("%s", GraphTable(report.graphs).c_str());
  std::printf("\nverdict           %s%s%s\n", evaluator::VerdictName(report.verdict), report.reason.empty() ? "" : ": ",
              Printable(report.reason).c_str());
  std::printf("aggregated score  %s   (upstream's protocol: %s)\n", ShowNumber(report.aggregated_score).c_str(),
              ShowNumber(report.upstream_score).c_str());
  std::printf("profile           %s, call path %s, matching %s, device %s\n", evaluator::ProfileName(report.profile),
              evaluator::CallPathName(report.call_path), evaluator::MatchingName(report.matching),
              report.device.c_str());
  std::printf("sandbox           %s", report.sandbox.tier.c_str());
  for (const std::string& layer : report.sandbox.layers) std::printf("; %s", layer.c_str());
  std::printf("\n");
}

int Run(const EvalFlags& flags) {
  auto files = evaluator::ReadPassDir(flags.pass);
  if (!files) return Fail(files.error());
  auto lane = OpenLane(flags.lane);
  if (!lane) return Fail(lane.error());
  Progress progress("eval");
  auto show = [&](const std::string& what, int done, int total) { progress.Show(what, done, total); };
  auto report = evaluator::EvaluateWithSecondTry(*lane.value(), RequestOf(flags, std::move(files).value()), {}, show);
  progress.Done();
  if (!report) return Fail(report.error());
  if (flags.json) {
    std::printf("%s\n", evaluator::ToJson(report.value()).c_str());
  } else {
    Print(report.value());
  }
  return report.value().verdict == evaluator::Verdict::kInfra ? kExitInfrastructure : kExitDone;
}

}  // namespace

Command EvalVerb() {
  auto flags = std::make_shared<EvalFlags>();
  Command verb{.name = "eval",
               .help = "evaluate a pass on a PassBench task",
               .footer = "Example:\n  passnet eval --task tasks/bias_gelu_layernorm --pass my_pass/pass_dir --json",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {.name = "--task", .help = "task folder (holds graph_list.txt)", .value = &flags->task, .required = true},
      {.name = "--pass", .help = "pass_dir (holds sorted_output_pass_rule_names.json)", .value = &flags->pass,
       .required = true},
      {.name = "--profile", .help = "passbench: 3 to 6 rounds, until certain to 2.5 %; quick: 2 to 4, 6 %",
       .value = &flags->profile, .show_default = true, .allowed = OneOf{{"passbench", "quick"}}},
      {.name = "--call-path", .help = "dynamo: guards included; direct: without", .value = &flags->call_path,
       .show_default = true, .allowed = OneOf{{"dynamo", "direct"}}},
      {.name = "--matching", .help = "upstream, or normalised (never compared with published scores)",
       .value = &flags->matching, .show_default = true, .allowed = OneOf{{"upstream", "normalised"}}},
      {.name = "--interpretation", .help = "which failures ES(t) tolerates when", .value = &flags->interpretation,
       .show_default = true, .allowed = OneOf{{"default", "mismatch_extended"}}},
      {.name = "--p", .help = "penalty exponent of slow-downs", .value = &flags->p, .show_default = true,
       .allowed = Numbers{0, 10}},
      {.name = "--b", .help = "score of a failed graph", .value = &flags->b, .show_default = true,
       .allowed = Numbers{0, 1}},
      {.name = "--time-cap-ms", .help = "timing of one graph; 0: the profile's own", .value = &flags->time_cap_ms,
       .allowed = NotNegative()},
  };
  Append(&verb.options, OptionsOfLane(&flags->lane));
  Append(&verb.options, {{"--json", "one object (passnet.evaluation/1) as the last line", &flags->json}});
  return verb;
}

}  // namespace passnet::cli
