#include "agent/campaign/launch.h"

#include <set>
#include <utility>

#include "base/fields.h"
#include "base/json.h"
#include "base/sha256.h"

namespace passnet::agent {
namespace {

using trajectories::Event;
using trajectories::EventKind;

constexpr std::string_view kPromptPrefix = "prompt:";
constexpr std::string_view kFilePrefix = "file:";
constexpr int64_t kPage = 1000;

bool IsSpending(EventKind kind) {
  return kind == EventKind::kLlmIntent || kind == EventKind::kLlmAttemptEnd || kind == EventKind::kLlmOutcome ||
         kind == EventKind::kLlmLost;
}

void VisitPrices(FieldVisitor& fields, const std::string& model, Prices& prices) {
  fields.Enter(model);
  fields.Number("prompt_usd_per_million", &prices.prompt_usd_per_million, 0, kAnyNumber);
  fields.Number("completion_usd_per_million", &prices.completion_usd_per_million, 0, kAnyNumber);
  fields.Leave();
}

ContentFn ContentOf(trajectories::Reader& reader, const Event& event) {
  return [&reader, &event](const std::string& name) -> Result<std::string> {
    for (const auto& ref : event.body.refs) {
      if (ref.name == name) return reader.Content(ref.sha256);
    }
    return DataCorrupt("journal row " + std::to_string(event.row_id) + " has no content " + name);
  };
}

// Calls that have ended. Nobody sends their requests again, and each holds the whole conversation before it.
std::set<std::string> EndedCalls(const std::vector<Event>& events) {
  std::set<std::string> ended;
  for (const Event& event : events) {
    const bool ends = event.body.kind == EventKind::kLlmOutcome || event.body.kind == EventKind::kLlmLost;
    if (ends) ended.insert(event.body.subject);
  }
  return ended;
}

// One that does not fold is left as it is and named; the others of its campaign go on without it.
Result<StoredTrajectory> LoadTrajectory(trajectories::Reader& reader, const trajectories::TrajectoryState& state) {
  StoredTrajectory stored;
  stored.trajectory_id = state.trajectory_id;
  stored.task = state.task;
  stored.sample = state.sample;
  stored.started_at_utc_us = state.started_at_utc_us;
  stored.solved = state.outcome == "solved";
  stored.finished = state.state == "finished";
  stored.outcome = state.outcome;
  if (stored.finished) return stored;
  auto fold = LoadFold(reader, state);
  if (fold) {
    stored.fold = std::move(fold).value();
  } else if (IsDamage(fold.error())) {
    stored.finished = true;
    stored.quarantined = fold.error().context;
  } else {
    return fold.error();
  }
  return stored;
}

// `read` gives the page of rows after one.
template <typename State, typename ReadPage>
Result<std::vector<State>> AllPages(ReadPage read) {
  std::vector<State> all;
  for (;;) {
    ASSIGN_OR_RETURN(auto page, read(all.empty() ? 0 : all.back().first_row_id));
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < static_cast<size_t>(kPage)) return all;
  }
}

void ApplyOperator(const trajectories::EventDraft& event, std::set<std::string>* ended_infra, StoredCampaign* stored) {
  if (event.label == "cancel") stored->cancelled = true;
  if (event.label == "pause") stored->held = true;
  if (event.label == "resume" || event.label == "retry_infra") stored->held = false;
  if (event.label != "retry_infra") return;
  for (StoredTrajectory& trajectory : stored->trajectories) {
    if (ended_infra->contains(trajectory.trajectory_id)) trajectory.superseded = true;
  }
}

// In the order of rows. A campaign that paused itself for good says so in its state.
void ApplyControl(const trajectories::EventDraft& event, std::set<std::string>* ended_infra, StoredCampaign* stored) {
  if (event.kind == EventKind::kTrajectoryFinished && event.label == "infra") ended_infra->insert(event.trajectory_id);
  if (!event.trajectory_id.empty()) return;
  if (event.kind == EventKind::kOperatorAction) ApplyOperator(event, ended_infra, stored);
  if (event.kind != EventKind::kCampaignState || event.label != "paused") return;
  auto payload = ParseJson(event.payload);
  if (payload && payload.value()["held"].Flag()) stored->held = true;
}

// What the budget folds, and what the operator has asked for.
Status LoadSpending(trajectories::Reader& reader, StoredCampaign* stored) {
  std::set<std::string> ended_infra, quarantined;
  for (const StoredTrajectory& one : stored->trajectories) {
    if (!one.quarantined.empty()) quarantined.insert(one.trajectory_id);
  }
  trajectories::EventQuery query;
  query.campaign_id = stored->launch.campaign_id;
  query.limit = kPage;
  for (;;) {
    ASSIGN_OR_RETURN(auto events, reader.Events(query));
    for (Event& event : events) {
      query.after_row_id = event.row_id;
      ApplyControl(event.body, &ended_infra, stored);
      // A call of what does not go on will never give its reservation back.
      const bool reserves = event.body.kind == EventKind::kLlmIntent && quarantined.contains(event.body.trajectory_id);
      if (IsSpending(event.body.kind) && !reserves) stored->spending.push_back(std::move(event.body));
    }
    if (events.size() < static_cast<size_t>(kPage)) return OkStatus();
  }
}

// passnet.campaign_launch/1. `prompts` has the digests by name; the texts are contents of the event.
void VisitLaunch(FieldVisitor& fields, Launch& launch, std::map<std::string, std::string>& prompts) {
  VisitSchema(fields, "passnet.campaign_launch/1");
  fields.Required("spec");
  fields.Enter("spec");
  VisitFields(fields, launch.spec);
  fields.Leave();
  fields.Required("tasks");
  VisitList(fields, "tasks", &launch.tasks, [](FieldVisitor& task, CampaignTask& value) {
    task.Text("name", &value.name);
    task.Text("path", &value.path);
    task.Text("hash", &value.hash);
  });
  fields.Enter("prices");
  VisitPrices(fields, launch.spec.refine.sampling.model, launch.spec.refine.prices);
  fields.Leave();
  fields.TextMap("prompts", &prompts);
  fields.TextMap("environment", &launch.environment);
  fields.Enter("build");
  fields.Text("version", &launch.build.version);
  fields.Text("git", &launch.build.git);
  fields.Leave();
}

Status ReadLaunch(const std::string& payload, Launch* launch) {
  std::map<std::string, std::string> prompts;
  auto problems = FieldsFromJson(payload, [&](FieldVisitor& fields) { VisitLaunch(fields, *launch, prompts); });
  if (problems.empty()) problems = Check(launch->spec);
  if (problems.empty()) return OkStatus();
  return DataCorrupt("campaign " + launch->campaign_id + ": its launch does not parse: " + ToString(problems));
}

}  // namespace

std::vector<JournalEntry> ToJournalEntries(Launch* launch) {
  std::vector<JournalEntry> entries(1);
  JournalEntry& entry = entries.front();
  entry.event.campaign_id = launch->campaign_id;
  entry.event.kind = EventKind::kCampaignLaunched;
  entry.event.subject = launch->spec.name;
  std::map<std::string, std::string> prompts;
  for (const auto& [name, text] : launch->prompts) {
    prompts[name] = Sha256Hex(text);
    entry.contents[std::string(kPromptPrefix) + name] = text;
  }
  entry.event.payload = FieldsToJson([&](FieldVisitor& fields) { VisitLaunch(fields, *launch, prompts); });
  for (CampaignTask& task : launch->tasks) {
    JournalEntry stored;
    stored.event.campaign_id = launch->campaign_id;
    stored.event.kind = EventKind::kCampaignTask;
    stored.event.subject = task.name;
    stored.event.payload = Json({{"hash", task.hash}}).Dump();
    for (auto& [path, bytes] : task.files) stored.contents[std::string(kFilePrefix) + path] = std::move(bytes);
    task.files.clear();
    entries.push_back(std::move(stored));
  }
  return entries;
}

Result<std::map<std::string, std::string>> LoadTaskFiles(trajectories::Reader& reader, const std::string& campaign_id,
                                                         const std::string& task) {
  trajectories::EventQuery query;
  query.campaign_id = campaign_id;
  query.limit = kPage;
  query.with_payload = false;
  query.kind = EventKind::kCampaignTask;
  for (;;) {
    ASSIGN_OR_RETURN(auto events, reader.Events(query));
    for (const Event& event : events) {
      query.after_row_id = event.row_id;
      if (event.body.subject != task) continue;
      std::map<std::string, std::string> files;
      for (const auto& ref : event.body.refs) {
        if (!ref.name.starts_with(kFilePrefix)) continue;
        ASSIGN_OR_RETURN(files[ref.name.substr(kFilePrefix.size())], reader.Content(ref.sha256));
      }
      return files;
    }
    if (events.size() < static_cast<size_t>(kPage)) break;
  }
  return NotFound("campaign " + campaign_id + " has not stored the files of task " + task +
                  ": it was launched by an older program");
}

Result<Launch> LoadLaunch(trajectories::Reader& reader, const std::string& campaign_id) {
  trajectories::EventQuery first;  // of the campaign: the launch comes before everything else
  first.campaign_id = campaign_id;
  first.limit = 1;
  ASSIGN_OR_RETURN(auto events, reader.Events(first));
  if (events.empty() || events.front().body.kind != EventKind::kCampaignLaunched) {
    return NotFound("campaign " + campaign_id + " is not in the journal");
  }
  const Event& event = events.front();
  Launch launch;
  launch.campaign_id = campaign_id;
  RETURN_IF_ERROR(ReadLaunch(event.body.payload, &launch));
  for (const auto& ref : event.body.refs) {
    if (!ref.name.starts_with(kPromptPrefix)) continue;
    ASSIGN_OR_RETURN(launch.prompts[ref.name.substr(kPromptPrefix.size())], reader.Content(ref.sha256));
  }
  return launch;
}

Result<TrajectoryFold> LoadFold(trajectories::Reader& reader, const trajectories::TrajectoryState& state) {
  TrajectoryFold fold;
  ASSIGN_OR_RETURN(auto events, reader.Chain(state.campaign_id, state.trajectory_id));
  const std::set<std::string> ended = EndedCalls(events);
  const ContentFn unread = [](const std::string&) -> Result<std::string> { return std::string(); };
  for (const Event& event : events) {
    const bool settled = event.body.kind == EventKind::kLlmIntent && ended.contains(event.body.subject);
    RETURN_IF_ERROR(fold.Apply(event.body, settled ? unread : ContentOf(reader, event), nullptr, event.at_utc_us));
  }
  return fold;
}

Result<std::vector<trajectories::TrajectoryState>> AllTrajectories(trajectories::Reader& reader,
                                                                   const std::string& campaign_id) {
  return AllPages<trajectories::TrajectoryState>(
      [&](int64_t after) { return reader.Trajectories(campaign_id, after, kPage); });
}

Result<std::vector<trajectories::CampaignState>> AllCampaigns(trajectories::Reader& reader) {
  return AllPages<trajectories::CampaignState>([&](int64_t after) { return reader.Campaigns(after, kPage); });
}

Result<StoredCampaign> LoadCampaign(trajectories::Reader& reader, const std::string& campaign_id) {
  StoredCampaign stored;
  ASSIGN_OR_RETURN(stored.launch, LoadLaunch(reader, campaign_id));
  ASSIGN_OR_RETURN(auto state, reader.Campaign(campaign_id));
  stored.state = state.state;
  stored.launched_at_utc_us = state.launched_at_utc_us;
  ASSIGN_OR_RETURN(auto trajectories, AllTrajectories(reader, campaign_id));
  for (const auto& trajectory : trajectories) {
    ASSIGN_OR_RETURN(auto loaded, LoadTrajectory(reader, trajectory));
    stored.trajectories.push_back(std::move(loaded));
    if (stored.launch.spec.restart != RestartKind::kBest) continue;
    if (!stored.starting_points.IsBetter(trajectory.task, trajectory.final_score.value_or(0))) continue;
    ASSIGN_OR_RETURN(auto restart, LoadRestart(reader, trajectory));
    if (restart) stored.starting_points.Keep(trajectory.task, std::move(*restart));
  }
  RETURN_IF_ERROR(LoadSpending(reader, &stored));
  return stored;
}

bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kDataCorrupt || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kInvalidArgument;
}

bool IsEndState(const std::string& state) { return state == "finished" || state == "cancelled" || state == "failed"; }

}  // namespace passnet::agent
