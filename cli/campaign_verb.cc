// passnet campaign launch | list | show | pause | resume | retry | cancel | report: the client of passnetd.
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/campaign/spec.h"
#include "base/json.h"
#include "cli/daemon_client.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "configs/files.h"

namespace passnet::cli {
namespace {

struct CampaignFlags {
  std::string server;
  std::string spec;
  std::string id;
  bool follow = false;
  bool infra = false;
  bool json = false;
};

constexpr const char* kAbsent = "-";

std::string Shown(const Json& text) { return text.TextOr(kAbsent); }

std::string Shown(const Json& number, const char* format) {
  if (!number.is_number()) return kAbsent;
  char text[64];
  std::snprintf(text, sizeof text, format, number.Number());
  return text;
}

std::string Count(const Json& number) { return Shown(number, "%.0f"); }

// The daemon may be another version, or something else that listens there.
Result<Json> ParseAnswer(const Result<std::string>& answer) {
  if (!answer) return answer.error();
  auto json = ParseJsonObject(answer.value(), "the daemon's answer");
  if (!json) return DataCorrupt(json.error().context);
  return json;
}

// Why a campaign is in its state; empty when there is nothing to say.
std::string WhyOf(const Json& campaign) {
  std::string why = campaign["waits_for"].Text();
  const std::string& reason = campaign["state_reason"].Text();
  if (!reason.empty()) why += (why.empty() ? "" : ": ") + reason;
  const std::string& next_try = campaign["next_try"].Text();
  if (!next_try.empty()) why += "; next try at " + next_try + " or later";
  return why;
}

void PrintConditions(const Json& report) {
  std::printf("campaign %s (%s), model %s: %s\n", Shown(report["name"]).c_str(), Shown(report["campaign_id"]).c_str(),
              Shown(report["model"]).c_str(), Shown(report["state"]).c_str());
  const std::string why = WhyOf(report);
  if (!why.empty()) std::printf("%s\n", why.c_str());
  const Json& cap = report["time_cap_ms"];
  std::string capped = cap.Integer() > 0 ? " capped at " + Count(cap) + " ms a graph" : "";
  std::printf("device %s, profile %s%s, call path %s, matching %s, p %s, b %s\n\n", Shown(report["device"]).c_str(),
              Shown(report["profile"]).c_str(), capped.c_str(), Shown(report["call_path"]).c_str(),
              Shown(report["matching"]).c_str(), Shown(report["p"], "%g").c_str(), Shown(report["b"], "%g").c_str());
}

void PrintTasks(const Json& tasks) {
  Table table({"task", "rounds", "outcome", "verdict", "correct", "speed-up", "inductor", "AS", "AS inductor"});
  for (const Json& task : tasks.Items()) {
    table.Add({Shown(task["task"]), Count(task["rounds"]), Shown(task["outcome"]), Shown(task["verdict"]),
               Count(task["graphs_correct"]) + "/" + Count(task["graphs"]), Shown(task["speedup"], "%.2fx"),
               Shown(task["inductor_speedup"], "%.2fx"), Shown(task["score"], "%.3f"),
               Shown(task["inductor_score"], "%.3f")});
  }
  std::printf("%s\n", table.Text().c_str());
}

void PrintEs(const Json& campaign, const Json& inductor) {
  std::vector<std::string> header{"ES(t)"}, ours{"campaign"}, theirs{"inductor"};
  for (const auto& [t, value] : campaign.Members()) {
    header.push_back(t);
    ours.push_back(Shown(value, "%.3f"));
    theirs.push_back(Shown(inductor["es"][t], "%.3f"));
  }
  if (header.size() == 1) return;
  Table table(header);
  table.Add(ours);
  if (inductor["aggregated_score"].is_number()) table.Add(theirs);
  std::printf("%s\n", table.Text().c_str());
}

void PrintTotals(const Json& report) {
  const Json& inductor = report["inductor"];
  std::printf("AS of the campaign      %s over %s tasks\n", Shown(report["aggregated_score"], "%.4f").c_str(),
              Count(report["n_scored"]).c_str());
  std::printf("AS of TorchInductor     %s over %s tasks (the campaign on these: %s)\n",
              Shown(inductor["aggregated_score"], "%.4f").c_str(), Count(inductor["tasks"]).c_str(),
              Shown(report["campaign_with_baseline"]["aggregated_score"], "%.4f").c_str());
  std::printf("not scored: %s for failures on our side, %s unfinished\n", Count(report["n_infra"]).c_str(),
              Count(report["n_unfinished"]).c_str());
  const Json& usage = report["usage"];
  std::printf("%s calls (%s lost), %s prompt and %s completion tokens\n", Count(usage["calls"]).c_str(),
              Count(usage["calls_lost"]).c_str(), Count(usage["prompt_tokens"]).c_str(),
              Count(usage["completion_tokens"]).c_str());
}

void PrintReport(const Json& report) {
  PrintConditions(report);
  PrintTasks(report["tasks"]);
  PrintEs(report["es"], report["inductor"]);
  PrintTotals(report);
  for (const Json& task : report["tasks"].Items()) {
    if (task["outcome"].Text() != "infra") continue;
    std::printf("  %s: %s\n", Shown(task["task"]).c_str(), Shown(task["reason"]).c_str());
  }
  for (const Json& call : report["lost_calls"].Items()) std::printf("  lost: %s\n", Shown(call).c_str());
}

// What a follower of a campaign sees: one line a result, and a progress line on a terminal.
class Follower {
 public:
  // `why` asks the daemon: the stream tells states, never what stands in a payload.
  Follower(bool quiet, int tasks, std::function<std::string()> why)
      : quiet_(quiet), tasks_(tasks), why_(std::move(why)), progress_("campaign") {}

  // False once the campaign has ended or is paused. One that is parked goes on by itself.
  bool Take(std::string_view data) {
    auto parsed = ParseJson(data);
    if (!parsed || !parsed.value().is_object()) return true;
    const Json& event = parsed.value();
    const std::string& kind = event["kind"].Text();
    const std::string& trajectory = event["trajectory_id"].Text();
    if (kind == "trajectory_started") names_[trajectory] = event["subject"].Text();
    if (kind == "evaluation_intent") purpose_[trajectory] = event["label"].Text();
    const std::string task = names_.contains(trajectory) ? names_[trajectory] : Shown(event["trajectory_id"]);
    Tell(task, event);
    if (kind == "trajectory_finished") ++finished_;
    progress_.Show(task + ": " + kind, finished_, tasks_);
    if (kind != "campaign_state") return true;
    TellState(event["label"].Text());
    return event["label"].Text() == "running" || event["label"].Text() == "parked";
  }
  void Done() { progress_.Done(); }

 private:
  void Tell(const std::string& task, const Json& event) {
    const std::string& kind = event["kind"].Text();
    const std::string label = Shown(event["label"]);
    const std::string round = Count(event["round"]);
    if (kind == "evaluation_report") {
      const bool last = purpose_[event["trajectory_id"].Text()] == "final";
      Say(task, round, (last ? "final   " : "") + label + "  score " + Shown(event["score"], "%.3f"));
    }
    if (kind == "reply_parsed" && label != "ok") Say(task, round, "reply could not be read");
    if (kind == "evaluation_infra") Say(task, round, "lane failed, asked again");
    if (kind == "trajectory_finished") Say(task, round, label);
  }

  void TellState(const std::string& state) {
    const bool news = state == "parked" || state == "paused" || parked_;
    parked_ = state == "parked";
    if (!news || quiet_) return;
    progress_.Done();
    const std::string why = state == "running" ? "" : why_();
    std::printf("campaign is %s%s%s\n", state.c_str(), why.empty() ? "" : ": ", why.c_str());
    std::fflush(stdout);
  }

  void Say(const std::string& task, const std::string& round, const std::string& what) {
    if (quiet_) return;
    progress_.Done();
    std::printf("%-24s round %-2s %s\n", task.c_str(), round.c_str(), what.c_str());
    std::fflush(stdout);
  }

  const bool quiet_;
  const int tasks_;
  const std::function<std::string()> why_;
  bool parked_ = false;
  Progress progress_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::string> purpose_;
  int finished_ = 0;
};

// `followed`: the report is the result of a campaign that was watched to its end, so nothing scored, or a pause that
// needs somebody, is a failure.
int ShowReport(DaemonClient& client, const std::string& id, bool json, bool followed) {
  auto answer = client.Get("/v1/campaigns/" + id + "/report");
  auto report = ParseAnswer(answer);
  if (!report) return Fail(report.error());
  if (!json) PrintReport(report.value());
  if (json) std::printf("%s\n", report.value().Dump().c_str());
  const bool scored = report.value()["n_scored"].Integer() > 0;
  const std::string state = Shown(report.value()["state"]);
  if (!followed || (scored && state != "paused")) return kExitDone;
  std::fprintf(stderr, "passnet: the campaign is %s%s\n", state.c_str(), scored ? "" : "; nothing was scored");
  return kExitInfrastructure;
}

std::string AskWhy(const CampaignFlags& flags, const std::string& id) {
  auto client = DaemonClient::Open(flags.server);
  if (!client) return {};
  auto campaign = ParseAnswer(client.value()->Get("/v1/campaigns/" + id));
  return campaign ? WhyOf(campaign.value()) : "";
}

int Launch(const CampaignFlags& flags) {
  auto spec = configs::ReadCampaignFile(flags.spec);
  if (!spec) return Fail(spec.error());
  auto client = DaemonClient::Open(flags.server);
  if (!client) return Fail(client.error());
  auto launched = ParseAnswer(client.value()->Post("/v1/campaigns", ToJson(spec.value())));
  if (!launched) return Fail(launched.error());
  const std::string& id = launched.value()["campaign_id"].Text();
  if (id.empty()) return Fail(DataCorrupt("the daemon's answer to a launch has no campaign_id"));
  if (!flags.follow) {
    if (flags.json) {
      std::printf("%s\n", launched.value().Dump().c_str());
    } else {
      std::printf("%s\n", id.c_str());
    }
    return kExitDone;
  }
  if (!flags.json) std::printf("campaign %s\n", id.c_str());
  auto shown = ParseAnswer(client.value()->Get("/v1/campaigns/" + id));
  if (!shown) return Fail(shown.error());
  auto why = [&flags, &id] { return AskWhy(flags, id); };
  Follower follower(flags.json, static_cast<int>(shown.value()["tasks"].Integer()), why);
  Status followed = client.value()->Follow("/v1/campaigns/" + id + "/events",
                                           [&](std::string_view data) { return follower.Take(data); });
  follower.Done();
  if (!followed) return Fail(followed.error());
  if (!flags.json) std::printf("\n");
  return ShowReport(*client.value(), id, flags.json, true);
}

int List(const CampaignFlags& flags) {
  auto client = DaemonClient::Open(flags.server);
  if (!client) return Fail(client.error());
  Json all = Json::MakeArray();
  for (int64_t after = 0;;) {
    auto page = ParseAnswer(client.value()->Get("/v1/campaigns?limit=1000&after=" + std::to_string(after)));
    if (!page) return Fail(page.error());
    for (const Json& campaign : page.value()["campaigns"].Items()) all.Push(campaign);
    const int64_t next = page.value()["next"].Integer();
    if (next <= after) break;  // null behind the last page
    after = next;
  }
  if (flags.json) {
    const Json list = {{"schema", "passnet.campaign_list/1"}, {"campaigns", all}};
    std::printf("%s\n", list.Dump().c_str());
    return kExitDone;
  }
  Table table({"campaign", "name", "state", "launched", "finished", "started"});
  for (const Json& campaign : all.Items()) {
    table.Add({Shown(campaign["campaign_id"]), Shown(campaign["name"]), Shown(campaign["state"]),
               Shown(campaign["launched_at"]), Count(campaign["trajectories_finished"]),
               Count(campaign["trajectories_started"])});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

int Show(const CampaignFlags& flags) {
  auto client = DaemonClient::Open(flags.server);
  if (!client) return Fail(client.error());
  auto campaign = ParseAnswer(client.value()->Get("/v1/campaigns/" + flags.id));
  if (!campaign) return Fail(campaign.error());
  if (flags.json) {
    std::printf("%s\n", campaign.value().Dump().c_str());
    return kExitDone;
  }
  auto rows = ParseAnswer(client.value()->Get("/v1/trajectories?limit=1000&campaign_id=" + flags.id));
  if (!rows) return Fail(rows.error());
  std::printf("campaign %s (%s): %s, %s of %s tasks finished\n", Shown(campaign.value()["name"]).c_str(),
              flags.id.c_str(), Shown(campaign.value()["state"]).c_str(),
              Count(campaign.value()["trajectories_finished"]).c_str(), Count(campaign.value()["tasks"]).c_str());
  const std::string why = WhyOf(campaign.value());
  std::printf("%s%s\n", why.c_str(), why.empty() ? "" : "\n");
  Table table({"task", "trajectory", "state", "outcome", "rounds", "best", "verdict"});
  for (const Json& row : rows.value()["trajectories"].Items()) {
    table.Add({Shown(row["task"]), Shown(row["trajectory_id"]), Shown(row["state"]), Shown(row["outcome"]),
               Count(row["rounds"]), Shown(row["best_score"], "%.3f"), Shown(row["verdict"])});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

// Posts a command; the answer's state is what the campaign is in until it has followed.
int Operate(const CampaignFlags& flags, const std::string& command) {
  auto client = DaemonClient::Open(flags.server);
  if (!client) return Fail(client.error());
  auto answer = ParseAnswer(client.value()->Post("/v1/campaigns/" + flags.id + "/" + command, ""));
  if (!answer) return Fail(answer.error());
  if (flags.json) {
    std::printf("%s\n", answer.value().Dump().c_str());
    return kExitDone;
  }
  std::printf("campaign %s: %s", flags.id.c_str(), Shown(answer.value()["state"]).c_str());
  if (answer.value().Has("trajectories")) {
    std::printf(", %s trajectories are tried again", Count(answer.value()["trajectories"]).c_str());
  }
  std::printf("\n");
  return kExitDone;
}

int Cancel(const CampaignFlags& flags) { return Operate(flags, "cancel"); }
int Pause(const CampaignFlags& flags) { return Operate(flags, "pause"); }
int Resume(const CampaignFlags& flags) { return Operate(flags, "resume"); }

int Retry(const CampaignFlags& flags) {
  if (flags.infra) return Operate(flags, "retry");
  return Fail(InvalidArgument("campaign retry: say what is to be tried again: --infra, the trajectories that ended for "
                              "failures on our side"));
}

int Report(const CampaignFlags& flags) {
  auto client = DaemonClient::Open(flags.server);
  if (!client) return Fail(client.error());
  return ShowReport(*client.value(), flags.id, flags.json, false);
}

using RunFn = int (*)(const CampaignFlags&);

Command SubVerb(const std::shared_ptr<CampaignFlags>& flags, const char* name, const char* help, RunFn run,
                std::vector<Option> more) {
  Command verb{.name = name, .help = help, .run = [flags, run] { return run(*flags); }};
  verb.options = {
      {"--server", "URL of passnetd (default $PASSNETD_URL, then http://127.0.0.1:8760)", &flags->server},
      {"--json", "the whole answer as the last line of standard output", &flags->json},
  };
  Append(&verb.options, std::move(more));
  return verb;
}

}  // namespace

Command CampaignVerb() {
  auto flags = std::make_shared<CampaignFlags>();
  Option id{.name = "id", .help = "the campaign's id, as launch and list print it", .value = &flags->id,
            .required = true};
  Option spec{.name = "spec", .help = "the campaign's TOML file, see configs/campaign-example.toml",
              .value = &flags->spec, .required = true};
  Option follow{.name = "--follow", .help = "show what happens until the campaign ends, then its report",
                .value = &flags->follow};
  Option infra{.name = "--infra", .help = "each trajectory that ended for a failure on our side gets a new one",
               .value = &flags->infra};
  return {.name = "campaign",
          .help = "launch and watch campaigns of a running passnetd",
          .verbs = {SubVerb(flags, "launch", "start a campaign from a TOML file", Launch, {spec, follow}),
                    SubVerb(flags, "list", "all campaigns of the daemon's store", List, {}),
                    SubVerb(flags, "show", "state and trajectories of one campaign", Show, {id}),
                    SubVerb(flags, "pause", "let nothing further begin until resume", Pause, {id}),
                    SubVerb(flags, "resume", "go on with a paused campaign", Resume, {id}),
                    SubVerb(flags, "retry", "try again what failed on our side", Retry, {id, infra}),
                    SubVerb(flags, "cancel", "end a running or paused campaign", Cancel, {id}),
                    SubVerb(flags, "report", "scores per task, ES(t) and AS", Report, {id})}};
}

}  // namespace passnet::cli
