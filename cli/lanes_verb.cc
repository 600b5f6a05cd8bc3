// passnet lanes: what the lanes of a running passnetd do, and what waits for them.
#include <cstdio>
#include <memory>
#include <string>

#include "base/json.h"
#include "cli/daemon_client.h"
#include "cli/output.h"
#include "cli/verb.h"

namespace passnet::cli {
namespace {

struct LanesFlags {
  std::string server;
  std::string token_file;
  bool json = false;
};

std::string OrDash(const Json& value) {
  if (value.is_text()) return value.Text();
  return value.is_null() ? "-" : value.Dump();
}

void PrintOutage(const std::string& what, const Json& outage) {
  std::printf("%s since %s: %s; tried again at %s\n", what.c_str(), outage["since"].TextOr("-").c_str(),
              outage["reason"].TextOr("-").c_str(), outage["next_try"].TextOr("-").c_str());
}

void PrintLanes(const Json& lanes) {
  Table table({"process", "core", "state", "working on", "campaign", "served", "restarts"});
  for (const Json& process : lanes["processes"].Items()) {
    table.Add({OrDash(process["name"]), process["timing_core"].is_null() ? "last" : OrDash(process["timing_core"]),
               OrDash(process["state"]), OrDash(process["working_on"]), OrDash(process["campaign_id"]),
               OrDash(process["served"]), OrDash(process["restarts"])});
  }
  std::printf("%s", table.Text(kScreenColumns).c_str());
  for (const Json& process : lanes["processes"].Items()) {
    const Json& outage = process["outage"];
    if (outage.is_object()) PrintOutage(OrDash(process["name"]) + " fails", outage);
    const std::string& error = process["last_error"].Text();
    if (error.empty() || outage.is_object()) continue;
    std::printf("%s failed last with: %s\n", OrDash(process["name"]).c_str(), error.c_str());
  }
  for (const Json& line : lanes["waiting"].Items()) {
    std::printf("waiting: %s of campaign %s\n", OrDash(line["requests"]).c_str(), OrDash(line["campaign_id"]).c_str());
  }
  if (lanes["outage"].is_object()) PrintOutage("no lane can serve, campaigns wait,", lanes["outage"]);
}

int Run(const LanesFlags& flags) {
  auto client = DaemonClient::Open(flags.server, flags.token_file);
  if (!client) return Fail(client.error());
  auto answer = client.value()->Get("/v1/lanes");
  if (!answer) return Fail(answer.error());
  auto lanes = ParseJsonObject(answer.value(), "the daemon's answer");
  if (!lanes) return Fail(DataCorrupt(lanes.error().context));
  if (flags.json) {
    std::printf("%s\n", lanes.value().Dump().c_str());
  } else {
    PrintLanes(lanes.value());
  }
  return kExitDone;
}

}  // namespace

Command LanesVerb() {
  auto flags = std::make_shared<LanesFlags>();
  Command verb{.name = "lanes",
               .help = "what the lanes of a running passnetd do, and what waits for them",
               .footer = "Example:\n  passnet lanes --json",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {"--server", "URL of passnetd (default $PASSNETD_URL, then http://127.0.0.1:8760)", &flags->server},
      {"--token-file", "file with passnetd's token (default $PASSNETD_TOKEN, then what a passnetd of yours on this machine "
                       "has published)", &flags->token_file},
      {"--json", "one object (passnet.lanes/2) as the last line", &flags->json},
  };
  return verb;
}

}  // namespace passnet::cli
