// passnet campaign launch | list | show | cancel | report: the client of passnetd.
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/campaign/spec.h"
#include "cli/daemon_client.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "configs/files.h"

namespace passnet::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string server;
  std::string spec;
  std::string id;
  bool follow = false;
  bool json = false;
};

std::string TextOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "-";
}

std::string NumberOf(const Json& object, const char* key, const char* format) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, found->get<double>());
  return text;
}

Result<Json> ParseAnswer(const Result<std::string>& answer) {
  if (!answer) return answer.error();
  Json json = Json::parse(answer.value(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return DataCorrupt("the daemon's answer is no JSON object");
  return Result<Json>(boost::system::in_place_value, std::move(json));
}

void PrintReport(const Json& report) {
  std::printf("campaign %s (%s), model %s: %s\n", TextOf(report, "name").c_str(), TextOf(report, "campaign_id").c_str(),
              TextOf(report, "model").c_str(), TextOf(report, "state").c_str());
  const bool capped = report.value("time_cap_ms", 0) > 0;
  std::printf("device %s, profile %s%s, call path %s, matching %s, p %s, b %s\n\n", TextOf(report, "device").c_str(),
              TextOf(report, "profile").c_str(),
              capped ? (" capped at " + NumberOf(report, "time_cap_ms", "%.0f") + " ms a graph").c_str() : "",
              TextOf(report, "call_path").c_str(),
              TextOf(report, "matching").c_str(), NumberOf(report, "p", "%g").c_str(),
              NumberOf(report, "b", "%g").c_str());
  Table table({"task", "rounds", "outcome", "verdict", "correct", "speed-up", "inductor", "AS", "AS inductor"});
  for (const Json& task : report["tasks"]) {
    table.Add({TextOf(task, "task"), NumberOf(task, "rounds", "%.0f"), TextOf(task, "outcome"), TextOf(task, "verdict"),
               NumberOf(task, "graphs_correct", "%.0f") + "/" + NumberOf(task, "graphs", "%.0f"),
               NumberOf(task, "speedup", "%.2fx"), NumberOf(task, "inductor_speedup", "%.2fx"),
               NumberOf(task, "score", "%.3f"), NumberOf(task, "inductor_score", "%.3f")});
  }
  std::printf("%s\n", table.Text().c_str());
  std::vector<std::string> header{"ES(t)"};
  std::vector<std::string> ours{"campaign"};
  std::vector<std::string> inductor{"inductor"};
  for (const auto& [t, value] : report["es"].items()) {
    header.push_back(t);
    ours.push_back(NumberOf(report["es"], t.c_str(), "%.3f"));
    inductor.push_back(NumberOf(report["inductor"]["es"], t.c_str(), "%.3f"));
  }
  Table es(header);
  es.Add(ours);
  if (report["inductor"]["aggregated_score"].is_number()) es.Add(inductor);
  if (header.size() > 1) std::printf("%s\n", es.Text().c_str());
  std::printf("AS of the campaign      %s over %s tasks\n", NumberOf(report, "aggregated_score", "%.4f").c_str(),
              NumberOf(report, "n_scored", "%.0f").c_str());
  std::printf("AS of TorchInductor     %s over %s tasks (the campaign on these: %s)\n",
              NumberOf(report["inductor"], "aggregated_score", "%.4f").c_str(),
              NumberOf(report["inductor"], "tasks", "%.0f").c_str(),
              NumberOf(report["campaign_with_baseline"], "aggregated_score", "%.4f").c_str());
  std::printf("not scored: %s for failures on our side, %s unfinished\n", NumberOf(report, "n_infra", "%.0f").c_str(),
              NumberOf(report, "n_unfinished", "%.0f").c_str());
  const Json& usage = report["usage"];
  std::printf("%s calls (%s lost), %s prompt and %s completion tokens\n", NumberOf(usage, "calls", "%.0f").c_str(),
              NumberOf(usage, "calls_lost", "%.0f").c_str(), NumberOf(usage, "prompt_tokens", "%.0f").c_str(),
              NumberOf(usage, "completion_tokens", "%.0f").c_str());
  for (const Json& task : report["tasks"]) {
    if (TextOf(task, "outcome") == "infra") {
      std::printf("  %s: %s\n", TextOf(task, "task").c_str(), TextOf(task, "reason").c_str());
    }
  }
  for (const Json& call : report["lost_calls"]) std::printf("  lost: %s\n", call.get<std::string>().c_str());
}

// What a follower of a campaign sees: one line a result, and a progress line on a terminal.
class Follower {
 public:
  Follower(bool quiet, int tasks) : quiet_(quiet), tasks_(tasks), progress_("campaign") {}

  // False once the campaign has ended or is paused.
  bool Take(std::string_view data) {
    Json event = Json::parse(data, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) return true;
    std::string kind = TextOf(event, "kind");
    std::string trajectory = TextOf(event, "trajectory_id");
    if (kind == "trajectory_started") names_[trajectory] = TextOf(event, "subject");
    std::string task = names_.count(trajectory) > 0 ? names_[trajectory] : trajectory;
    std::string round = NumberOf(event, "round", "%.0f");
    if (kind == "evaluation_intent") purpose_[trajectory] = TextOf(event, "label");
    if (kind == "evaluation_report") {
      Say(task, round, (purpose_[trajectory] == "final" ? "final   " : "") + TextOf(event, "label") + "  score " +
                           NumberOf(event, "score", "%.3f"));
    }
    if (kind == "reply_parsed" && TextOf(event, "label") != "ok") Say(task, round, "reply could not be read");
    if (kind == "evaluation_infra") Say(task, round, "lane failed, asked again");
    if (kind == "trajectory_finished") {
      ++finished_;
      Say(task, round, TextOf(event, "label"));
    }
    progress_.Show(task + ": " + kind, finished_, tasks_);
    if (kind != "campaign_state") return true;
    state_ = TextOf(event, "label");
    return state_ == "running";
  }
  void Done() { progress_.Done(); }

 private:
  void Say(const std::string& task, const std::string& round, const std::string& what) {
    if (quiet_) return;
    progress_.Done();
    std::printf("%-24s round %-2s %s\n", task.c_str(), round.c_str(), what.c_str());
    std::fflush(stdout);
  }

  const bool quiet_;
  const int tasks_;
  Progress progress_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::string> purpose_;
  std::string state_;
  int finished_ = 0;
};

int ShowReport(DaemonClient& client, const std::string& id, bool json) {
  auto answer = client.Get("/v1/campaigns/" + id + "/report");
  auto report = ParseAnswer(answer);
  if (!report) return Fail(report.error());
  if (!json) PrintReport(report.value());
  if (json) std::printf("%s\n", report.value().dump().c_str());
  return kExitDone;
}

int Launch(const Arguments& arguments) {
  auto spec = configs::ReadCampaignFile(arguments.spec);
  if (!spec) return Fail(spec.error());
  auto client = DaemonClient::Open(arguments.server);
  if (!client) return Fail(client.error());
  auto launched = ParseAnswer(client.value()->Post("/v1/campaigns", ToJson(spec.value())));
  if (!launched) return Fail(launched.error());
  std::string id = TextOf(launched.value(), "campaign_id");
  if (!arguments.follow) {
    if (arguments.json) {
      std::printf("%s\n", launched.value().dump().c_str());
    } else {
      std::printf("%s\n", id.c_str());
    }
    return kExitDone;
  }
  if (!arguments.json) std::printf("campaign %s\n", id.c_str());
  auto shown = ParseAnswer(client.value()->Get("/v1/campaigns/" + id));
  if (!shown) return Fail(shown.error());
  Follower follower(arguments.json, shown.value().value("tasks", 0));
  Status followed = client.value()->Follow("/v1/campaigns/" + id + "/events",
                                           [&](std::string_view data) { return follower.Take(data); });
  follower.Done();
  if (!followed) return Fail(followed.error());
  if (!arguments.json) std::printf("\n");
  return ShowReport(*client.value(), id, arguments.json);
}

int List(const Arguments& arguments) {
  auto client = DaemonClient::Open(arguments.server);
  if (!client) return Fail(client.error());
  Json all = Json::array();
  for (int64_t after = 0;;) {
    auto page = ParseAnswer(client.value()->Get("/v1/campaigns?limit=1000&after=" + std::to_string(after)));
    if (!page) return Fail(page.error());
    for (Json& campaign : page.value()["campaigns"]) all.push_back(std::move(campaign));
    if (!page.value()["next"].is_number()) break;
    after = page.value()["next"].get<int64_t>();
  }
  if (arguments.json) {
    std::printf("%s\n", Json({{"schema", "passnet.campaigns/1"}, {"campaigns", all}}).dump().c_str());
    return kExitDone;
  }
  Table table({"campaign", "name", "state", "launched", "finished", "started"});
  for (const Json& campaign : all) {
    table.Add({TextOf(campaign, "campaign_id"), TextOf(campaign, "name"), TextOf(campaign, "state"),
               TextOf(campaign, "launched_at"), NumberOf(campaign, "trajectories_finished", "%.0f"),
               NumberOf(campaign, "trajectories_started", "%.0f")});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

int Show(const Arguments& arguments) {
  auto client = DaemonClient::Open(arguments.server);
  if (!client) return Fail(client.error());
  auto campaign = ParseAnswer(client.value()->Get("/v1/campaigns/" + arguments.id));
  if (!campaign) return Fail(campaign.error());
  if (arguments.json) {
    std::printf("%s\n", campaign.value().dump().c_str());
    return kExitDone;
  }
  auto rows = ParseAnswer(client.value()->Get("/v1/trajectories?limit=1000&campaign_id=" + arguments.id));
  if (!rows) return Fail(rows.error());
  std::printf("campaign %s (%s): %s, %s of %s tasks finished\n\n", TextOf(campaign.value(), "name").c_str(),
              arguments.id.c_str(), TextOf(campaign.value(), "state").c_str(),
              NumberOf(campaign.value(), "trajectories_finished", "%.0f").c_str(),
              NumberOf(campaign.value(), "tasks", "%.0f").c_str());
  Table table({"task", "trajectory", "state", "outcome", "rounds", "best", "verdict"});
  for (const Json& row : rows.value()["trajectories"]) {
    table.Add({TextOf(row, "task"), TextOf(row, "trajectory_id"), TextOf(row, "state"), TextOf(row, "outcome"),
               NumberOf(row, "rounds", "%.0f"), NumberOf(row, "best_score", "%.3f"), TextOf(row, "verdict")});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

int Cancel(const Arguments& arguments) {
  auto client = DaemonClient::Open(arguments.server);
  if (!client) return Fail(client.error());
  auto answer = ParseAnswer(client.value()->Post("/v1/campaigns/" + arguments.id + "/cancel", ""));
  if (!answer) return Fail(answer.error());
  if (arguments.json) {
    std::printf("%s\n", answer.value().dump().c_str());
  } else {
    std::printf("campaign %s is being cancelled\n", arguments.id.c_str());
  }
  return kExitDone;
}

int Report(const Arguments& arguments) {
  auto client = DaemonClient::Open(arguments.server);
  if (!client) return Fail(client.error());
  return ShowReport(*client.value(), arguments.id, arguments.json);
}

using RunFn = int (*)(const Arguments&);

Command SubVerb(const std::shared_ptr<Arguments>& arguments, const char* name, const char* help, RunFn run,
                std::vector<Option> more) {
  Command verb{.name = name, .help = help, .run = [arguments, run] { return run(*arguments); }};
  verb.options = {
      {"--server", "URL of passnetd (default $PASSNETD_URL, then http://127.0.0.1:8760)", &arguments->server},
      {"--json", "the whole answer as the last line of standard output", &arguments->json},
  };
  Append(&verb.options, std::move(more));
  return verb;
}

}  // namespace

Command CampaignVerb() {
  auto arguments = std::make_shared<Arguments>();
  Option id{.name = "id", .help = "the campaign's id, as launch and list print it", .value = &arguments->id,
            .required = true};
  Option spec{.name = "spec", .help = "the campaign's TOML file, see configs/campaign-example.toml",
              .value = &arguments->spec, .required = true};
  Option follow{.name = "--follow", .help = "show what happens until the campaign ends, then its report",
                .value = &arguments->follow};
  return {.name = "campaign",
          .help = "launch and watch campaigns of a running passnetd",
          .verbs = {SubVerb(arguments, "launch", "start a campaign from a TOML file", Launch, {spec, follow}),
                    SubVerb(arguments, "list", "all campaigns of the daemon's store", List, {}),
                    SubVerb(arguments, "show", "state and trajectories of one campaign", Show, {id}),
                    SubVerb(arguments, "cancel", "end a running campaign", Cancel, {id}),
                    SubVerb(arguments, "report", "scores per task, ES(t) and AS", Report, {id})}};
}

}  // namespace passnet::cli
