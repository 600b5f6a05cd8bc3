// passnet doctor: what this host can do, found by trying, with the fix for what it cannot.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>

#include "base/json.h"
#include "base/text.h"
#include "cli/lane_session.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "evaluator/gpu_probe/gpu_check.h"
#include "sandbox/probe.h"

namespace passnet::cli {
namespace {

constexpr size_t kShownBytes = 2000;  // of one cell: what a lane says of its failure; all of it is in --json

struct DoctorFlags {
  LaneFlags lane;
  bool json = false;
};

struct Finding {
  std::string name;
  bool ok = false;
  bool required = true;
  std::string why, fix;
};

std::vector<Finding> Findings(const std::vector<sandbox::Capability>& capabilities, const std::string& prefix) {
  std::vector<Finding> findings;
  for (const sandbox::Capability& item : capabilities) {
    findings.push_back({prefix + item.name, item.ok, item.required, item.why, item.fix});
  }
  return findings;
}

// The lane tries everything else by coming up: torch, the zygote, the compile jail.
Finding LaneFinding(const LaneFlags& flags, std::map<std::string, std::string>* environment) {
  Finding finding{"evaluation lane (" + flags.device + ")", false, true, "", ""};
  auto lane = OpenLane(flags);
  if (!lane) {
    finding.why = lane.error().context;
    finding.fix = "see the text; ./dev setup repairs torch and the compilers";
    return finding;
  }
  auto facts = lane.value()->Environment(Deadline::After(std::chrono::seconds(10)));
  if (!facts) {
    finding.why = facts.error().context;
    return finding;
  }
  *environment = facts.value();
  finding.ok = true;
  finding.why =
      "torch " + (*environment)["torch"] + ", python " + (*environment)["python"] + ", " + (*environment)["cpu"];
  return finding;
}

Finding CoresFinding() {
  long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  Finding finding{"cores", cores >= 2, false, std::to_string(cores) + " online", ""};
  if (!finding.ok) finding.fix = "with one core, compiling and timing share it: expect noise";
  return finding;
}

Json ToJson(const std::vector<Finding>& findings, bool ok, const std::string& tier,
            const std::map<std::string, std::string>& environment) {
  Json json = {{"schema", "passnet.doctor/1"}, {"ok", ok}, {"tier", tier}, {"findings", Json::MakeArray()}};
  for (const Finding& finding : findings) {
    json.Member("findings").Push({{"name", finding.name},
                                  {"ok", finding.ok},
                                  {"required", finding.required},
                                  {"why", finding.why},
                                  {"fix", finding.fix}});
  }
  json.Set("environment", environment);
  return json;
}

void Print(const std::vector<Finding>& findings, bool ok, const std::string& tier) {
  Table table({"what", "state", "found", "what to do"});
  for (const Finding& finding : findings) {
    table.Add({finding.name, finding.ok ? "ok" : finding.required ? "MISSING" : "absent",
               OneLine(finding.why, kShownBytes), OneLine(finding.fix, kShownBytes)});
  }
  std::printf("%s\nsandbox tier: %s\n%s\n", table.Text(kScreenColumns).c_str(), tier.c_str(),
              ok ? "This host can evaluate." : "This host cannot evaluate yet: see MISSING above.");
}

int Run(const DoctorFlags& flags) {
  sandbox::ProbeReport probe = sandbox::Probe();
  std::map<std::string, std::string> environment;
  std::vector<Finding> findings = Findings(probe.capabilities, "sandbox: ");
  findings.push_back(CoresFinding());
  const std::unique_ptr<gpu_probe::GpuHost> gpus = gpu_probe::ThisMachine();
  for (Finding& finding : Findings(gpu_probe::CheckGpus(*gpus, flags.lane.device != "cpu"), "")) {
    findings.push_back(std::move(finding));
  }
  findings.push_back(LaneFinding(flags.lane, &environment));
  bool ok = true;
  for (const Finding& finding : findings) ok &= finding.ok || !finding.required;
  if (flags.json) {
    std::printf("%s\n", ToJson(findings, ok, probe.tier, environment).Dump().c_str());
  } else {
    Print(findings, ok, probe.tier);
  }
  return ok ? kExitDone : kExitInfrastructure;
}

}  // namespace

Command DoctorVerb() {
  auto flags = std::make_shared<DoctorFlags>();
  Command verb{.name = "doctor",
               .help = "what this host can do, found by trying",
               .footer = "Example:\n  passnet doctor --json",
               .options = OptionsOfLane(&flags->lane),
               .run = [flags] { return Run(*flags); }};
  Append(&verb.options, {{"--json", "one object (passnet.doctor/1) as the last line", &flags->json}});
  return verb;
}

}  // namespace passnet::cli
