// passnet replay: what a journal stores, done again. --agent: requests and decisions, from stored replies and verdicts;
// --regrade: stored candidates measured again on this host.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "agent/campaign/launch.h"
#include "agent/replay/agent_replay.h"
#include "agent/replay/regrade.h"
#include "base/json.h"
#include "cli/graph_table.h"
#include "cli/lane_session.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "evaluator/client/second_try.h"
#include "trajectories/reader.h"

namespace passnet::cli {
namespace {

using agent::Regraded;
using agent::RegradeState;
using agent::ReplayDifference;
using agent::TrajectoryReplay;
using trajectories::Reader;
using trajectories::TrajectoryState;

struct ReplayFlags {
  std::string id, db, campaign, trajectory;
  bool agent = false;
  bool regrade = false;
  bool all_rounds = false;
  int64_t sample = 0;
  LaneFlags lane;
  bool json = false;
};

// ---- --agent

struct AgentTotals {
  std::vector<TrajectoryReplay> replays;
  std::vector<std::pair<std::string, std::string>> unreadable;  // id, why
  int64_t events = 0, replayed = 0, taken = 0, requests = 0, different = 0;
  bool same() const { return different == 0 && unreadable.empty(); }
};

struct Selected {
  std::string campaign_id;
  std::vector<TrajectoryState> trajectories;
};

// A trajectory, a whole campaign, or everything.
Result<std::vector<Selected>> SelectForAgent(Reader& reader, const ReplayFlags& flags) {
  const std::string& wanted = flags.trajectory.empty() ? flags.id : flags.trajectory;
  std::vector<Selected> all;
  Result<TrajectoryState> one = NotFound("");
  if (!wanted.empty()) one = reader.Trajectory(wanted);
  if (one) {
    all.push_back({one.value().campaign_id, {one.value()}});
    return all;
  }
  if (!flags.trajectory.empty() || one.error().code != ErrorCode::kNotFound) return one.error();
  const std::string& campaign = flags.campaign.empty() ? wanted : flags.campaign;
  ASSIGN_OR_RETURN(auto campaigns, agent::AllCampaigns(reader));
  for (const auto& state : campaigns) {
    if (!campaign.empty() && state.campaign_id != campaign) continue;
    ASSIGN_OR_RETURN(auto trajectories, agent::AllTrajectories(reader, state.campaign_id));
    all.push_back({state.campaign_id, std::move(trajectories)});
  }
  if (all.empty() && !campaign.empty()) {
    return NotFound(flags.db + " has neither a trajectory nor a campaign " + campaign +
                    "; see passnet trajectory list");
  }
  return all;
}

void Add(const Result<TrajectoryReplay>& replay, const std::string& id, AgentTotals* totals) {
  if (!replay) {
    totals->unreadable.push_back({id, replay.error().context});
    return;
  }
  totals->events += replay.value().events;
  totals->replayed += replay.value().replayed;
  totals->taken += replay.value().taken;
  totals->requests += replay.value().requests;
  totals->different += replay.value().difference.has_value();
  totals->replays.push_back(replay.value());
}

Result<AgentTotals> ReplayAll(const ReplayFlags& flags) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(flags.db));
  ASSIGN_OR_RETURN(auto selected, SelectForAgent(*reader, flags));
  size_t total = 0;
  for (const Selected& one : selected) total += one.trajectories.size();
  AgentTotals totals;
  Progress progress("replay");
  int done = 0;
  for (const Selected& one : selected) {
    auto launch = agent::LoadLaunch(*reader, one.campaign_id);
    if (!launch) {
      totals.unreadable.push_back({one.campaign_id, launch.error().context});
      continue;
    }
    for (const TrajectoryState& state : one.trajectories) {
      progress.Show(state.trajectory_id, done++, static_cast<int>(total));
      Add(agent::ReplayTrajectory(*reader, launch.value(), state), state.trajectory_id, &totals);
    }
  }
  return totals;
}

Json ToJson(const TrajectoryReplay& replay, const ReplayDifference& difference) {
  return {{"trajectory_id", replay.trajectory_id}, {"seq", difference.seq},       {"kind", difference.kind},
          {"field", difference.field},             {"at_byte", difference.at},    {"stored", difference.stored},
          {"replayed", difference.replayed}};
}

Json ToJson(const AgentTotals& totals) {
  Json differences = Json::MakeArray();
  for (const TrajectoryReplay& replay : totals.replays) {
    if (replay.difference) differences.Push(ToJson(replay, *replay.difference));
  }
  Json unreadable = Json::MakeArray();
  for (const auto& [id, error] : totals.unreadable) unreadable.Push({{"id", id}, {"error", error}});
  return {{"schema", "passnet.replay/1"},
          {"same", totals.same()},
          {"trajectories", totals.replays.size()},
          {"events", totals.events},
          {"replayed", totals.replayed},
          {"taken", totals.taken},
          {"requests", totals.requests},
          {"differences", differences},
          {"unreadable", unreadable}};
}

void Print(const AgentTotals& totals) {
  for (const auto& [id, error] : totals.unreadable) {
    std::printf("%s cannot be read: %s\n", id.c_str(), Printable(error).c_str());
  }
  for (const TrajectoryReplay& replay : totals.replays) {
    if (!replay.difference) continue;
    const ReplayDifference& difference = *replay.difference;
    std::printf("%s, seq %lld (%s): %s differs at byte %zu\n- stored:   %s\n+ replayed: %s\n",
                replay.trajectory_id.c_str(), static_cast<long long>(difference.seq), difference.kind.c_str(),
                difference.field.c_str(), difference.at, Printable(difference.stored).c_str(),
                Printable(difference.replayed).c_str());
  }
  std::printf("%s: %zu trajectories, %lld of %lld events made again, %lld requests byte for byte, %lld decided by "
              "others\n",
              totals.same() ? "no difference" : "DIFFERENT", totals.replays.size(),
              static_cast<long long>(totals.replayed), static_cast<long long>(totals.events),
              static_cast<long long>(totals.requests), static_cast<long long>(totals.taken));
}

int RunAgent(const ReplayFlags& flags) {
  auto totals = ReplayAll(flags);
  if (!totals) return Fail(totals.error());
  if (totals.value().replayed == 0 && totals.value().same()) {
    return Fail(NotFound(flags.db + ": there is nothing of this selection that could be made again"));
  }
  if (flags.json) {
    std::printf("%s\n", ToJson(totals.value()).Dump().c_str());
  } else {
    Print(totals.value());
  }
  return totals.value().same() ? kExitDone : kExitVerification;
}

// ---- --regrade

Result<agent::RegradeSelection> SelectionOf(Reader& reader, const ReplayFlags& flags) {
  agent::RegradeSelection selection{flags.campaign, flags.trajectory, flags.sample, flags.all_rounds};
  if (flags.id.empty()) return selection;
  const bool trajectory = bool(reader.Trajectory(flags.id));
  (trajectory ? selection.trajectory_id : selection.campaign_id) = flags.id;
  return selection;
}

Result<std::vector<Regraded>> RegradeAll(const ReplayFlags& flags) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(flags.db));
  ASSIGN_OR_RETURN(auto selection, SelectionOf(*reader, flags));
  ASSIGN_OR_RETURN(auto grades, agent::SelectGrades(*reader, selection));
  if (grades.empty()) return NotFound(flags.db + ": nothing of this selection was measured; try --all-rounds");
  ASSIGN_OR_RETURN(auto lane, OpenLane(flags.lane));
  Progress progress("regrade");
  std::string title;
  int done = 0, total = static_cast<int>(grades.size());
  auto show = [&](const std::string& what, int, int) { progress.Show(title + " " + what, done, total); };
  auto begin = [&](const agent::StoredGrade& grade) {
    title = grade.task + " (" + grade.trajectory_id + ")";
    show("", 0, 0);
  };
  auto evaluate = [&](const evaluator::EvaluateRequest& request) {
    return evaluator::EvaluateWithSecondTry(*lane, request, {}, show);
  };
  std::vector<Regraded> all;
  for (const agent::StoredGrade& grade : grades) {
    begin(grade);
    ASSIGN_OR_RETURN(all.emplace_back(), agent::Regrade(*reader, grade, evaluate));
    ++done;
  }
  // Not at once: the host may still be in the phase that made the difference.
  total += static_cast<int>(std::count_if(all.begin(), all.end(), agent::WantsSecondLook));
  for (Regraded& one : all) {
    if (!agent::WantsSecondLook(one)) continue;
    begin(one.grade);
    ASSIGN_OR_RETURN(one, agent::LookAgain(*reader, one, evaluate));
    ++done;
  }
  return all;
}

int64_t Count(const std::vector<Regraded>& all, RegradeState state) {
  int64_t count = 0;
  for (const Regraded& one : all) count += one.state == state;
  return count;
}

int64_t LookedAgain(const std::vector<Regraded>& all) {
  return std::count_if(all.begin(), all.end(), [](const Regraded& one) { return one.looked_again; });
}

int64_t Sum(const std::vector<Regraded>& all, int64_t Regraded::*count) {
  int64_t sum = 0;
  for (const Regraded& one : all) sum += one.*count;
  return sum;
}

Json ToJson(const Regraded& one) {
  Json environment = Json::MakeObject();
  for (const auto& [name, texts] : one.environment) {
    environment.Set(name, {{"stored", OrNull(texts.first)}, {"now", OrNull(texts.second)}});
  }
  return {{"trajectory_id", one.grade.trajectory_id},
          {"campaign_id", one.grade.campaign_id},
          {"task", one.grade.task},
          {"round", one.grade.round},
          {"purpose", one.grade.purpose},
          {"state", RegradeStateName(one.state)},
          {"reason", OrNull(one.reason)},
          {"verdict", one.verdict},
          {"new_verdict", OrNull(one.new_verdict)},
          {"score", OrNull(one.score)},
          {"new_score", OrNull(one.new_score)},
          {"noise", OrNull(one.noise)},
          {"graphs", one.graphs},
          {"graphs_that_differ", one.graphs_that_differ},
          {"looked_again", one.looked_again},
          {"environment_differs", environment}};
}

void Print(const std::vector<Regraded>& all) {
  Table table({"trajectory", "task", "round", "verdict", "now", "score", "now", "noise", ""});
  for (const Regraded& one : all) {
    table.Add({one.grade.trajectory_id, Printable(one.grade.task),
               std::to_string(one.grade.round) + " " + one.grade.purpose, one.verdict, one.new_verdict,
               ShowNumber(one.score), ShowNumber(one.new_score), ShowNumber(one.noise), RegradeStateName(one.state)});
  }
  std::printf("%s", table.Text(kScreenColumns).c_str());
  for (const Regraded& one : all) {
    if (one.state == RegradeState::kAgrees) continue;
    std::printf("\n%s, round %lld %s: %s: %s\n", one.grade.trajectory_id.c_str(),
                static_cast<long long>(one.grade.round), one.grade.purpose.c_str(), RegradeStateName(one.state),
                Printable(one.reason).c_str());
    for (const auto& [name, texts] : one.environment) {
      std::printf("  %s: stored %s, here %s\n", Printable(name).c_str(), Printable(texts.first).c_str(),
                  Printable(texts.second).c_str());
    }
  }
  std::printf("\n%lld agree, %lld differ, %lld refused, %lld not measured; of %lld graphs compared, %lld differ; "
              "%lld candidates were measured twice\n",
              static_cast<long long>(Count(all, RegradeState::kAgrees)),
              static_cast<long long>(Count(all, RegradeState::kDiffers)),
              static_cast<long long>(Count(all, RegradeState::kRefused)),
              static_cast<long long>(Count(all, RegradeState::kNotMeasured)),
              static_cast<long long>(Sum(all, &Regraded::graphs)),
              static_cast<long long>(Sum(all, &Regraded::graphs_that_differ)),
              static_cast<long long>(LookedAgain(all)));
}

int RunRegrade(const ReplayFlags& flags) {
  auto all = RegradeAll(flags);
  if (!all) return Fail(all.error());
  if (flags.json) {
    Json items = Json::MakeArray();
    for (const Regraded& one : all.value()) items.Push(ToJson(one));
    std::printf("%s\n", Json({{"schema", "passnet.regrade/1"},
                              {"agree", Count(all.value(), RegradeState::kAgrees)},
                              {"differ", Count(all.value(), RegradeState::kDiffers)},
                              {"refused", Count(all.value(), RegradeState::kRefused)},
                              {"not_measured", Count(all.value(), RegradeState::kNotMeasured)},
                              {"graphs", Sum(all.value(), &Regraded::graphs)},
                              {"graphs_that_differ", Sum(all.value(), &Regraded::graphs_that_differ)},
                              {"looked_again", LookedAgain(all.value())},
                              {"candidates", items}})
                            .Dump()
                            .c_str());
  } else {
    Print(all.value());
  }
  const bool different = Count(all.value(), RegradeState::kDiffers) + Count(all.value(), RegradeState::kRefused) > 0;
  if (different) return kExitVerification;
  return Count(all.value(), RegradeState::kNotMeasured) > 0 ? kExitInfrastructure : kExitDone;
}

int Run(const ReplayFlags& flags) {
  if (flags.agent == flags.regrade) return Fail(InvalidArgument("replay: give one of --agent and --regrade"));
  if (!flags.id.empty() && !(flags.campaign.empty() && flags.trajectory.empty())) {
    return Fail(InvalidArgument("replay: give an ID, or --campaign and --trajectory, not both"));
  }
  if (flags.agent && (flags.sample > 0 || flags.all_rounds)) {
    return Fail(InvalidArgument("replay: --sample and --all-rounds go with --regrade; --agent takes all of what is named"));
  }
  return flags.agent ? RunAgent(flags) : RunRegrade(flags);
}

}  // namespace

Command ReplayVerb() {
  auto flags = std::make_shared<ReplayFlags>();
  Command verb{.name = "replay",
               .help = "do again what a journal stores, and compare",
               .footer = "--agent renders every request again and makes every decision again, from stored replies and\n"
                         "verdicts; it needs no lane and no endpoint. --regrade measures stored candidates on this\n"
                         "host; what differs by its speed alone is measured once more at the end, and differs when\n"
                         "it does so both times.\n"
                         "Exit code 4 on a difference, or for a candidate that is not what was stored.\n"
                         "Examples:\n"
                         "  passnet replay --agent --db passnet.db\n"
                         "  passnet replay t-… --agent --db passnet.db --json\n"
                         "  passnet replay c-… --regrade --sample 50 --db passnet.db",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {"ID", "trajectory or campaign; none: the whole journal", &flags->id},
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {"--agent", "requests and decisions", &flags->agent},
      {"--regrade", "measurements", &flags->regrade},
      {"--campaign", "only this campaign", &flags->campaign},
      {"--trajectory", "only this trajectory", &flags->trajectory},
      {.name = "--sample", .help = "with --regrade: only so many candidates, evenly spread", .value = &flags->sample,
       .allowed = NotNegative()},
      {"--all-rounds", "with --regrade: the candidates of all rounds, not only the final ones", &flags->all_rounds},
      {"--json", "one object (passnet.replay/1 or passnet.regrade/1) as the last line", &flags->json},
  };
  Append(&verb.options, OptionsOfLane(&flags->lane));
  return verb;
}

}  // namespace passnet::cli
