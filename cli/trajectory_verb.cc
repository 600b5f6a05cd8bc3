// passnet trajectory list | show | diff: what a journal tells of its trajectories.
#include <cstdio>
#include <limits>
#include <memory>

#include "base/clock.h"
#include "base/json.h"
#include "cli/graph_table.h"
#include "cli/output.h"
#include "cli/trajectory_diff.h"
#include "cli/verb.h"
#include "trajectories/reader.h"

namespace passnet::cli {
namespace {

using trajectories::Event;
using trajectories::Reader;
using trajectories::TrajectoryState;

constexpr int64_t kPage = 1000;

struct TrajectoryFlags {
  std::string db, campaign, a, b;
  int64_t seq = 0;
  bool json = false;
};

void PrintJson(const Json& json) { std::printf("%s\n", json.Dump().c_str()); }

Json ToJson(const TrajectoryState& state) {
  return {{"trajectory_id", state.trajectory_id},
          {"campaign_id", state.campaign_id},
          {"task", state.task},
          {"sample", state.sample},
          {"state", state.state},
          {"outcome", OrNull(state.outcome)},
          {"verdict", OrNull(state.verdict)},
          {"rounds", state.rounds},
          {"evaluations", state.evaluations},
          {"best_score", OrNull(state.best_score)},
          {"best_round", OrNull(state.best_round)},
          {"final_score", OrNull(state.final_score)},
          {"final_pass_dir", OrNull(state.final_subject)},
          {"started_at", FormatUtc(state.started_at_utc_us)},
          {"updated_at", FormatUtc(state.updated_at_utc_us)},
          {"calls", state.usage.calls},
          {"calls_lost", state.usage.calls_lost},
          {"prompt_tokens", state.usage.prompt_tokens},
          {"completion_tokens", state.usage.completion_tokens},
          {"cost_microusd", state.usage.cost_microusd},
          {"events", state.head_seq}};
}

Json ToJson(const Event& event) {
  Json refs = Json::MakeArray();
  for (const auto& ref : event.body.refs) refs.Push({{"name", ref.name}, {"sha256", ToHex(ref.sha256)}});
  return {{"row_id", event.row_id},
          {"seq", event.seq},
          {"at", FormatUtc(event.at_utc_us)},
          {"kind", EventKindName(event.body.kind)},
          {"subject", event.body.subject},
          {"label", event.body.label},
          {"round", OrNull(event.body.round)},
          {"score", OrNull(event.body.score)},
          {"prompt_tokens", OrNull(event.body.prompt_tokens)},
          {"completion_tokens", OrNull(event.body.completion_tokens)},
          {"cost_microusd", OrNull(event.body.cost_microusd)},
          {"refs", refs},
          {"hash", ToHex(event.hash)}};
}

Result<std::vector<TrajectoryState>> ReadStates(Reader* reader, const std::string& campaign_id) {
  std::vector<std::string> campaigns;
  if (campaign_id.empty()) {
    ASSIGN_OR_RETURN(auto all, reader->Campaigns(0, std::numeric_limits<int64_t>::max()));
    for (const auto& campaign : all) campaigns.push_back(campaign.campaign_id);
  } else {
    ASSIGN_OR_RETURN(auto campaign, reader->Campaign(campaign_id));
    campaigns.push_back(campaign.campaign_id);
  }
  std::vector<TrajectoryState> states;
  for (const std::string& id : campaigns) {
    for (int64_t after = 0;;) {
      ASSIGN_OR_RETURN(auto page, reader->Trajectories(id, after, kPage));
      if (page.empty()) break;
      after = page.back().first_row_id;
      states.insert(states.end(), page.begin(), page.end());
    }
  }
  return states;
}

int List(const TrajectoryFlags& flags) {
  auto reader = Reader::Open(flags.db);
  if (!reader) return Fail(reader.error());
  auto states = ReadStates(reader.value().get(), flags.campaign);
  if (!states) return Fail(states.error());
  if (flags.json) {
    Json list = Json::MakeArray();
    for (const TrajectoryState& state : states.value()) list.Push(ToJson(state));
    PrintJson({{"schema", "passnet.trajectory_list/1"}, {"trajectories", list}});
    return kExitDone;
  }
  Table table({"trajectory", "task", "sample", "state", "outcome", "verdict", "rounds", "best", "final", "calls"});
  for (const TrajectoryState& state : states.value()) {
    table.Add({state.trajectory_id, Printable(state.task), std::to_string(state.sample), state.state, state.outcome,
               state.verdict, std::to_string(state.rounds), ShowNumber(state.best_score), ShowNumber(state.final_score),
               std::to_string(state.usage.calls)});
  }
  std::printf("%s", table.Text().c_str());
  return kExitDone;
}

// Payload and content of one event, whole.
int ShowEvent(const TrajectoryFlags& flags, Reader* reader, const Event& event) {
  Json json = ToJson(event);
  json.Set("payload", event.body.payload);
  Json& contents = json.Set("contents", Json::MakeObject());
  for (const auto& ref : event.body.refs) {
    auto content = reader->Content(ref.sha256);
    if (!content) return Fail(content.error());
    contents.Set(ref.name, std::move(content).value());
  }
  if (flags.json) {
    json.Set("schema", "passnet.trajectory_event/1");
    PrintJson(json);
    return kExitDone;
  }
  std::printf("seq %lld %s %s %s\n%s\n", static_cast<long long>(event.seq),
              std::string(EventKindName(event.body.kind)).c_str(), Printable(event.body.subject).c_str(),
              Printable(event.body.label).c_str(), Printable(event.body.payload).c_str());
  for (const auto& [name, content] : contents.Members()) {
    std::printf("--- %s\n%s\n", Printable(name).c_str(), Printable(content.Text()).c_str());
  }
  return kExitDone;
}

void PrintEvents(const TrajectoryState& state, const std::vector<Event>& events) {
  std::printf("%s: task %s, sample %lld, %s %s, verdict %s, %lld rounds, best %s, final %s\n",
              state.trajectory_id.c_str(), Printable(state.task).c_str(), static_cast<long long>(state.sample),
              state.state.c_str(), state.outcome.c_str(), state.verdict.c_str(), static_cast<long long>(state.rounds),
              ShowNumber(state.best_score).c_str(), ShowNumber(state.final_score).c_str());
  Table table({"seq", "at", "kind", "round", "label", "score", "subject"});
  for (const Event& event : events) {
    table.Add({std::to_string(event.seq), FormatUtc(event.at_utc_us), std::string(EventKindName(event.body.kind)),
               event.body.round ? std::to_string(*event.body.round) : "-", Printable(event.body.label),
               ShowNumber(event.body.score), Printable(event.body.subject)});
  }
  std::printf("%s", table.Text().c_str());
}

int Show(const TrajectoryFlags& flags) {
  auto reader = Reader::Open(flags.db);
  if (!reader) return Fail(reader.error());
  auto state = reader.value()->Trajectory(flags.a);
  if (!state) return Fail(state.error());
  auto events = reader.value()->Chain(state.value().campaign_id, flags.a);
  if (!events) return Fail(events.error());
  if (flags.seq > 0) {
    for (const Event& event : events.value()) {
      if (event.seq == flags.seq) return ShowEvent(flags, reader.value().get(), event);
    }
    return Fail(NotFound("trajectory " + flags.a + " has no event " + std::to_string(flags.seq) + "; it has " +
                         std::to_string(events.value().size())));
  }
  if (!flags.json) {
    PrintEvents(state.value(), events.value());
    return kExitDone;
  }
  Json list = Json::MakeArray();
  for (const Event& event : events.value()) list.Push(ToJson(event));
  PrintJson({{"schema", "passnet.trajectory/1"}, {"trajectory", ToJson(state.value())}, {"events", list}});
  return kExitDone;
}

Json ToJson(const std::optional<StepDifference>& step) {
  if (!step) return nullptr;
  return {{"step", step->step}, {"a", step->a}, {"b", step->b}};
}

Json ToJson(const std::optional<ContentDifference>& content) {
  if (!content) return nullptr;
  return {{"call", content->call},
          {"what", content->what},
          {"line", content->line},
          {"a", content->a},
          {"b", content->b}};
}

Json ToJson(const TrajectoryFlags& flags, const TrajectoryDifference& difference) {
  Json fields = Json::MakeArray();
  for (const auto& field : difference.fields) {
    fields.Push({{"name", field.name}, {"a", field.a}, {"b", field.b}});
  }
  return {{"schema", "passnet.trajectory_diff/1"},
          {"a", flags.a},
          {"b", flags.b},
          {"same", difference.Same()},
          {"fields", fields},
          {"first_step", ToJson(difference.step)},
          {"first_content", ToJson(difference.content)}};
}

void PrintDifference(const TrajectoryFlags& flags, const TrajectoryDifference& difference) {
  if (difference.Same()) {
    std::printf("no difference but ids and times\n");
    return;
  }
  Table table({"", flags.a, flags.b});
  for (const auto& field : difference.fields) table.Add({field.name, Printable(field.a), Printable(field.b)});
  std::printf("%s", table.Text().c_str());
  if (const auto& step = difference.step) {
    std::printf("\nfirst different step: %lld\n- %s\n+ %s\n", static_cast<long long>(step->step),
                Printable(step->a).c_str(), Printable(step->b).c_str());
  }
  if (const auto& content = difference.content) {
    std::printf("\nfirst different %s: call %lld, line %lld\n- %s\n+ %s\n", content->what.c_str(),
                static_cast<long long>(content->call), static_cast<long long>(content->line),
                Printable(content->a).c_str(), Printable(content->b).c_str());
  }
}

int Diff(const TrajectoryFlags& flags) {
  auto reader = Reader::Open(flags.db);
  if (!reader) return Fail(reader.error());
  auto difference = CompareTrajectories(reader.value().get(), flags.a, flags.b);
  if (!difference) return Fail(difference.error());
  if (flags.json) {
    PrintJson(ToJson(flags, difference.value()));
  } else {
    PrintDifference(flags, difference.value());
  }
  return kExitDone;
}

Command SubVerb(const std::shared_ptr<TrajectoryFlags>& flags, const char* name, const char* help,
                int (*act)(const TrajectoryFlags&), std::vector<Option> more) {
  Command verb{.name = name, .help = help, .run = [flags, act] { return act(*flags); }};
  verb.options = {
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {"--json", "one object as the last line", &flags->json},
  };
  Append(&verb.options, std::move(more));
  return verb;
}

}  // namespace

Command TrajectoryVerb() {
  auto flags = std::make_shared<TrajectoryFlags>();
  Option campaign{"--campaign", "only this campaign's", &flags->campaign};
  Option id{.name = "ID", .help = "trajectory id", .value = &flags->a, .required = true};
  Option seq{.name = "--seq", .help = "one event with its payload, request, reply or files in full", .value = &flags->seq,
             .allowed = Integers{1, INT64_MAX}};
  Option a{.name = "A", .help = "trajectory id", .value = &flags->a, .required = true};
  Option b{.name = "B", .help = "trajectory id", .value = &flags->b, .required = true};
  return {.name = "trajectory",
          .help = "look into the trajectories of a journal",
          .footer = "Examples:\n"
                    "  passnet trajectory list --db passnet.db\n"
                    "  passnet trajectory show t-… --db passnet.db --seq 7\n"
                    "  passnet trajectory diff t-… t-… --db passnet.db",
          .verbs = {SubVerb(flags, "list", "all trajectories, in order of start", List, {campaign}),
                    SubVerb(flags, "show", "the events of one trajectory", Show, {id, seq}),
                    SubVerb(flags, "diff", "where two trajectories part", Diff, {a, b})}};
}

}  // namespace passnet::cli
