// passnet campaign launch | run | list | show | pause | resume | retry | cancel | report | compare: the client of
// passnetd.
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/campaign/compare.h"
#include "agent/campaign/report_page.h"
#include "agent/campaign/spec.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/campaign_spec.h"
#include "cli/daemon_client.h"
#include "cli/output.h"
#include "cli/report_text.h"
#include "cli/verb.h"

namespace passnet::cli {
namespace {

constexpr size_t kMaxReportBytes = 256 << 20;  // chosen: of 100,000 samples

struct CampaignFlags {
  std::string server;
  std::string token_file;
  SpecFlags spec;
  std::string id;
  std::string other;  // to compare with
  std::string html;
  bool dry_run = false;
  bool force = false;
  bool follow = false;
  bool infra = false;
  bool json = false;
};

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
    if (kind == "trajectory_started") names_[trajectory] = NameOf(event);
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
  // The label is the sample: the first is called by its task alone.
  static std::string NameOf(const Json& event) {
    const std::string& sample = event["label"].Text();
    return Shown(event["subject"]) + (sample.empty() || sample == "1" ? "" : "#" + Shown(event["label"]));
  }

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

int WritePage(const std::string& file, const std::string& page) {
  Status written = WriteFileAtomic(file, page);
  if (!written) return Fail(written.error());
  std::fprintf(stderr, "written: %s\n", file.c_str());
  return kExitDone;
}

void Print(const Json& json, const std::string& text, bool as_json) {
  std::printf("%s", as_json ? (json.Dump() + "\n").c_str() : text.c_str());
}

Result<Json> ReadReport(DaemonClient& client, const std::string& id) {
  return ParseAnswer(client.Get("/v1/campaigns/" + id + "/report"));
}

int ShowReport(const Result<Json>& report, const CampaignFlags& flags) {
  if (!report) return Fail(report.error());
  Print(report.value(), ReportText(report.value()), flags.json);
  return flags.html.empty() ? kExitDone : WritePage(flags.html, agent::ReportPage(report.value()));
}

// The report is the result of a campaign that was followed to its end, so nothing scored, or a pause that needs us,
// is a failure.
int EndOfFollowing(const Json& report) {
  const bool scored = report["n_scored"].Integer() > 0;
  const std::string state = Shown(report["state"]);
  if (scored && state != "paused") return kExitDone;
  std::fprintf(stderr, "passnet: the campaign is %s%s\n", state.c_str(), scored ? "" : "; nothing was scored");
  return kExitInfrastructure;
}

std::string AskWhy(const CampaignFlags& flags, const std::string& id) {
  auto client = DaemonClient::Open(flags.server, flags.token_file);
  if (!client) return {};
  auto campaign = ParseAnswer(client.value()->Get("/v1/campaigns/" + id));
  return campaign ? WhyOf(campaign.value()) : "";
}

// Until the campaign ends; then its report.
int FollowCampaign(DaemonClient& client, const CampaignFlags& flags, const std::string& id) {
  if (!flags.json) std::printf("campaign %s\n", id.c_str());
  auto shown = ParseAnswer(client.Get("/v1/campaigns/" + id));
  if (!shown) return Fail(shown.error());
  auto why = [&flags, &id] { return AskWhy(flags, id); };
  Follower follower(flags.json, static_cast<int>(shown.value()["trajectories_planned"].Integer()), why);
  Status followed = client.Follow("/v1/campaigns/" + id + "/events",
                                  [&](std::string_view data) { return follower.Take(data); });
  follower.Done();
  if (!followed) return Fail(followed.error());
  if (!flags.json) std::printf("\n");
  auto report = ReadReport(client, id);
  const int told = ShowReport(report, flags);
  return told == kExitDone ? EndOfFollowing(report.value()) : told;
}

int Launch(const CampaignFlags& flags) {
  auto spec = SpecOf(flags.spec);
  if (!spec) return Fail(spec.error());
  if (flags.dry_run) {
    auto plan = PlanOf(spec.value());
    if (!plan) return Fail(plan.error());
    Print(plan.value(), PlanText(plan.value()), flags.json);
    return kExitDone;
  }
  auto client = DaemonClient::Open(flags.server, flags.token_file);
  if (!client) return Fail(client.error());
  auto launched = ParseAnswer(client.value()->Post("/v1/campaigns", ToJson(spec.value())));
  if (!launched) return Fail(launched.error());
  const std::string& id = launched.value()["campaign_id"].Text();
  if (id.empty()) return Fail(DataCorrupt("the daemon's answer to a launch has no campaign_id"));
  if (flags.follow) return FollowCampaign(*client.value(), flags, id);
  Print(launched.value(), id + "\n", flags.json);
  return kExitDone;
}

int Run(const CampaignFlags& flags) {
  CampaignFlags followed = flags;
  followed.follow = true;
  return Launch(followed);
}

// The items of every page of a list. `path` ends where the cursor goes.
Result<Json> AllPages(DaemonClient& client, const std::string& path, const char* key) {
  Json all = Json::MakeArray();
  for (int64_t after = 0;;) {
    ASSIGN_OR_RETURN(Json page, ParseAnswer(client.Get(path + "limit=1000&after=" + std::to_string(after))));
    for (const Json& item : page[key].Items()) all.Push(item);
    const int64_t next = page["next"].Integer();
    if (next <= after) return all;  // null behind the last page
    after = next;
  }
}

int List(const CampaignFlags& flags) {
  auto client = DaemonClient::Open(flags.server, flags.token_file);
  if (!client) return Fail(client.error());
  auto all = AllPages(*client.value(), "/v1/campaigns?", "campaigns");
  if (!all) return Fail(all.error());
  if (flags.json) {
    const Json list = {{"schema", "passnet.campaign_list/1"}, {"campaigns", all.value()}};
    std::printf("%s\n", list.Dump().c_str());
    return kExitDone;
  }
  Table table({"campaign", "name", "state", "launched", "finished", "started"});
  for (const Json& campaign : all.value().Items()) {
    table.Add({Shown(campaign["campaign_id"]), Shown(campaign["name"]), Shown(campaign["state"]),
               Shown(campaign["launched_at"]), Count(campaign["trajectories_finished"]),
               Count(campaign["trajectories_started"])});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

int Show(const CampaignFlags& flags) {
  auto client = DaemonClient::Open(flags.server, flags.token_file);
  if (!client) return Fail(client.error());
  auto campaign = ParseAnswer(client.value()->Get("/v1/campaigns/" + flags.id));
  if (!campaign) return Fail(campaign.error());
  if (flags.json) {
    std::printf("%s\n", campaign.value().Dump().c_str());
    return kExitDone;
  }
  auto rows = AllPages(*client.value(), "/v1/trajectories?campaign_id=" + flags.id + "&", "trajectories");
  if (!rows) return Fail(rows.error());
  std::printf("campaign %s (%s): %s, %s of %s trajectories finished (%s tasks)\n",
              Shown(campaign.value()["name"]).c_str(), flags.id.c_str(), Shown(campaign.value()["state"]).c_str(),
              Count(campaign.value()["trajectories_finished"]).c_str(),
              Count(campaign.value()["trajectories_planned"]).c_str(), Count(campaign.value()["tasks"]).c_str());
  const std::string why = WhyOf(campaign.value());
  std::printf("%s%s\n", why.c_str(), why.empty() ? "" : "\n");
  Table table({"task", "sample", "trajectory", "state", "outcome", "rounds", "best", "verdict"});
  for (const Json& row : rows.value().Items()) {
    table.Add({Shown(row["task"]), Count(row["sample"]), Shown(row["trajectory_id"]), Shown(row["state"]),
               Shown(row["outcome"]), Count(row["rounds"]), Shown(row["best_score"], "%.3f"), Shown(row["verdict"])});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

// Posts a command; the answer's state is what the campaign is in until it has followed.
int Operate(const CampaignFlags& flags, const std::string& command) {
  auto client = DaemonClient::Open(flags.server, flags.token_file);
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

// A campaign's id, or a file with the report that --json printed.
Result<Json> ReportOf(const CampaignFlags& flags, const std::string& what) {
  const bool is_file = what.find('/') != std::string::npos || what.ends_with(".json");
  if (!is_file) {
    ASSIGN_OR_RETURN(auto client, DaemonClient::Open(flags.server, flags.token_file));
    return ReadReport(*client, what);
  }
  ASSIGN_OR_RETURN(std::string text, ReadFile(what, kMaxReportBytes));
  ASSIGN_OR_RETURN(Json report, ParseJsonObject(text, what, {.max_bytes = kMaxReportBytes}));
  if (agent::IsCampaignReport(report)) return report;
  return InvalidArgument(what + ": not a campaign's report; `passnet campaign report ID --json > FILE` makes one");
}

int Report(const CampaignFlags& flags) { return ShowReport(ReportOf(flags, flags.id), flags); }

int Compare(const CampaignFlags& flags) {
  auto a = ReportOf(flags, flags.id);
  if (!a) return Fail(a.error());
  auto b = ReportOf(flags, flags.other);
  if (!b) return Fail(b.error());
  auto comparison = agent::CompareReports(a.value(), b.value(), flags.force);
  if (!comparison) return Fail(comparison.error());
  Print(comparison.value(), ComparisonText(comparison.value()), flags.json);
  return flags.html.empty() ? kExitDone : WritePage(flags.html, agent::ComparisonPage(comparison.value()));
}

using RunFn = int (*)(const CampaignFlags&);

Command SubVerb(const std::shared_ptr<CampaignFlags>& flags, const char* name, const char* help, RunFn run,
                std::vector<Option> more) {
  Command verb{.name = name, .help = help, .run = [flags, run] { return run(*flags); }};
  verb.options = {
      {"--server", "URL of passnetd (default $PASSNETD_URL, then http://127.0.0.1:8760)", &flags->server},
      {"--token-file", "file with passnetd's token (default $PASSNETD_TOKEN, then what a passnetd of yours on this machine "
                       "has published)", &flags->token_file},
      {"--json", "the whole answer as the last line of standard output", &flags->json},
  };
  Append(&verb.options, std::move(more));
  return verb;
}

// What says which campaign is meant. A flag stands above the file.
std::vector<Option> SpecOptions(CampaignFlags* flags) {
  SpecFlags& spec = flags->spec;
  return {{"spec", "the campaign's TOML file, see configs/campaign-example.toml", &spec.file},
          {"--name", "of the campaign", &spec.name},
          {"--tasks", "bundled, a folder, or names of tasks with commas between them", &spec.tasks},
          {"--shard", "only a part of the tasks: 2/8 is the second of eight", &spec.shard},
          {"--limit", "only the first so many tasks", &spec.limit},
          {"--model", "the model's name at the endpoint", &spec.model},
          {"--endpoint", "its name in passnetd's configuration, or the URL of a local server", &spec.endpoint},
          {"--samples", "trajectories of each task", &spec.samples},
          {.name = "--restart", .help = "how a task's later samples begin: fresh, or shown its best folder so far",
           .value = &spec.restart, .allowed = OneOf{RestartNames()}},
          {"--rounds", "of each trajectory, at most", &spec.rounds},
          {"--dry-run", "launch nothing: show the tasks and what they can cost at most", &flags->dry_run}};
}

}  // namespace

Command CampaignVerb() {
  auto flags = std::make_shared<CampaignFlags>();
  Option id{.name = "id", .help = "the campaign's id, as launch and list print it", .value = &flags->id,
            .required = true};
  Option a{.name = "A", .help = "a campaign's id, or a file with its report (--json)", .value = &flags->id,
           .required = true};
  Option b{.name = "B", .help = "likewise: it is B that wins or loses", .value = &flags->other, .required = true};
  Option report = a;
  report.name = "id";
  Option html{.name = "--html", .help = "also write one self-contained page with plots to this file",
              .value = &flags->html};
  Option force{.name = "--force", .help = "compare the tasks that both have, although tasks, host or restart differ",
               .value = &flags->force};
  Option follow{.name = "--follow", .help = "show what happens until the campaign ends, then its report",
                .value = &flags->follow};
  Option infra{.name = "--infra", .help = "each trajectory that ended for a failure on our side gets a new one",
               .value = &flags->infra};
  std::vector<Option> launch = SpecOptions(flags.get());
  std::vector<Option> run = launch;
  launch.push_back(follow);
  run.push_back(html);
  return {.name = "campaign",
          .help = "launch and watch campaigns of a running passnetd",
          .footer = "Examples:\n"
                    "  passnet campaign run my-campaign.toml --dry-run\n"
                    "  passnet campaign run --model gpt-5 --endpoint openai --limit 2\n"
                    "  passnet campaign show c-…\n"
                    "  passnet campaign compare c-… c-… --html compare.html",
          .verbs = {SubVerb(flags, "launch", "start a campaign, from a TOML file or from flags", Launch, launch),
                    SubVerb(flags, "run", "start a campaign, follow it and report", Run, run),
                    SubVerb(flags, "list", "all campaigns of the daemon's store", List, {}),
                    SubVerb(flags, "show", "state and trajectories of one campaign", Show, {id}),
                    SubVerb(flags, "pause", "let nothing further begin until resume", Pause, {id}),
                    SubVerb(flags, "resume", "go on with a paused campaign", Resume, {id}),
                    SubVerb(flags, "retry", "try again what failed on our side", Retry, {id, infra}),
                    SubVerb(flags, "cancel", "end a running or paused campaign", Cancel, {id}),
                    SubVerb(flags, "report", "scores per task, ES(t), AS, pass@k, cost", Report, {report, html}),
                    SubVerb(flags, "compare", "two campaigns, paired by task", Compare, {a, b, force, html})}};
}

}  // namespace passnet::cli
