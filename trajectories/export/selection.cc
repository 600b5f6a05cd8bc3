#include "trajectories/export/selection.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "trajectories/export/normalised_candidate.h"

namespace passnet::trajectories {
namespace {

constexpr int64_t kPage = 1000;
constexpr const char* kDuplicate = "duplicate";
constexpr const char* kUnreadable = "unreadable";
constexpr const char* kNotAboveStart = "not_above_start";

// One task, whatever it is called: by its files where the journal knows them.
std::string TaskKey(const StoredTask& task) { return task.hash.empty() ? "name " + task.name : task.hash; }

const char* ReasonInState(const TrajectoryState& state) {
  if (state.state != "finished") return "not_finished";
  if (state.outcome == "infra") return "infra";
  return nullptr;
}

}  // namespace

double Candidate::Score() const {
  return state.final_score.value_or(state.best_score.value_or(-std::numeric_limits<double>::infinity()));
}

bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kDataCorrupt || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kInvalidArgument;
}

Status Selection::Run() {
  RETURN_IF_ERROR(ChooseCampaigns());
  for (const CampaignState& campaign : campaigns_) RETURN_IF_ERROR(ReadTrajectories(campaign.campaign_id));
  std::stable_sort(chosen_.begin(), chosen_.end(), [](const Candidate& a, const Candidate& b) {
    return a.state.first_row_id < b.state.first_row_id;
  });
  LearnOpSequences();
  Drop([](const Candidate& candidate) { return candidate.figures.barred ? "integrity" : nullptr; });
  Drop([this](const Candidate& candidate) { return Contaminated(candidate); });
  honest_ = chosen_;
  Drop([this](const Candidate& candidate) { return NotGoodEnough(candidate); });
  if (options_.beats_inductor) {
    Drop([this](const Candidate& candidate) { return NotBetterThanInductor(candidate); });
  }
  RETURN_IF_ERROR(DropDuplicates());
  if (options_.per_task > 0) KeepBestOfEachTask();
  return OkStatus();
}

Status Selection::ChooseCampaigns() {
  if (options_.campaign_ids.empty()) {
    int64_t after = 0;
    while (true) {
      ASSIGN_OR_RETURN(auto page, reader_->Campaigns(after, kPage));
      if (page.empty()) return OkStatus();
      after = page.back().first_row_id;
      campaigns_.insert(campaigns_.end(), page.begin(), page.end());
    }
  }
  for (const std::string& id : options_.campaign_ids) {
    auto campaign = reader_->Campaign(id);
    if (!campaign && campaign.error().code == ErrorCode::kNotFound) {
      return InvalidArgument(campaign.error().context + "; without --campaign all of the journal's are taken");
    }
    ASSIGN_OR_RETURN(CampaignState found, std::move(campaign));
    campaigns_.push_back(std::move(found));
  }
  return OkStatus();
}

Status Selection::ReadTrajectories(const std::string& campaign_id) {
  int64_t after = 0;
  while (true) {
    ASSIGN_OR_RETURN(auto page, reader_->Trajectories(campaign_id, after, kPage));
    if (page.empty()) return OkStatus();
    after = page.back().first_row_id;
    for (TrajectoryState& state : page) RETURN_IF_ERROR(Read(std::move(state)));
  }
}

Status Selection::Read(TrajectoryState state) {
  ++looked_at_;
  const char* reason = ReasonInState(state);
  if (reason != nullptr) Exclude(reason, state.trajectory_id);
  // The baseline is the task's, whichever trajectory measured it.
  if (reason != nullptr && !options_.beats_inductor) return OkStatus();
  auto events = reader_->Chain(state.campaign_id, state.trajectory_id);
  if (!events && !IsDamage(events.error())) return events.error();
  auto figures = events ? ReadFigures(events.value(), {options_.barred_verdicts, options_.good_verdict})
                        : Result<TrajectoryFigures>(events.error());
  if (!figures) {
    if (reason == nullptr) Unreadable(state.trajectory_id, figures.error());
    return OkStatus();
  }
  Candidate candidate{std::move(state), std::move(figures).value()};
  if (candidate.figures.task.name.empty()) candidate.figures.task.name = candidate.state.task;
  if (const auto& score = candidate.figures.inductor_score) {
    inductor_[{candidate.state.campaign_id, TaskKey(candidate.figures.task)}] = *score;
  }
  if (reason == nullptr) chosen_.push_back(std::move(candidate));
  return OkStatus();
}

void Selection::Unreadable(const std::string& id, const Error& error) {
  Exclude(kUnreadable, id);
  exclusions_.unreadable.emplace_back(id, OneLine(error.context));
}

// Two campaigns may know the same files by two paths, of which one is still there.
void Selection::LearnOpSequences() {
  std::set<std::pair<std::string, std::string>> asked;
  for (const Candidate& candidate : chosen_) {
    const StoredTask& task = candidate.figures.task;
    OpSequences& known = ops_[TaskKey(task)];
    if (!known.hashes.empty() || !asked.emplace(TaskKey(task), task.path).second) continue;
    known = options_.op_sequences ? options_.op_sequences(task) : OpSequences{{}, "nobody was asked"};
  }
}

const OpSequences& Selection::OpsOf(const StoredTask& task) const {
  static const OpSequences kUnknown{{}, "not looked at"};
  const auto found = ops_.find(TaskKey(task));
  return found == ops_.end() ? kUnknown : found->second;
}

void Selection::Drop(const Reason& reason_of) {
  std::erase_if(chosen_, [&](const Candidate& candidate) {
    const char* reason = reason_of(candidate);
    if (reason != nullptr) Exclude(reason, candidate.state.trajectory_id);
    return reason != nullptr;
  });
}

const char* Selection::Contaminated(const Candidate& candidate) const {
  if (options_.excluded_tasks.contains(candidate.state.task)) return "excluded_task";
  const StoredTask& task = candidate.figures.task;
  return ContaminationOf(task, OpsOf(task), options_.evaluation_lists);
}

const char* Selection::NotGoodEnough(const Candidate& candidate) const {
  const TrajectoryFigures& figures = candidate.figures;
  if (!options_.outcomes.empty() && !options_.outcomes.contains(candidate.state.outcome)) return "outcome";
  if (!figures.winner_round) return "no_winner";
  if (options_.min_score && !(candidate.Score() >= *options_.min_score)) return "min_score";
  const double speedup = figures.final ? figures.final->speedup.value_or(0) : 0;
  if (options_.min_speedup > 0 && !(speedup > options_.min_speedup)) return "not_faster";
  if (figures.start_score && !(candidate.Score() > *figures.start_score)) return kNotAboveStart;
  return nullptr;
}

const char* Selection::NotBetterThanInductor(const Candidate& candidate) const {
  const TrajectoryFigures& figures = candidate.figures;
  std::optional<double> inductor = figures.inductor_score;
  const auto of_task = inductor_.find({candidate.state.campaign_id, TaskKey(figures.task)});
  if (!inductor && of_task != inductor_.end()) inductor = of_task->second;
  if (!inductor) return "baseline_unknown";
  const bool beaten = figures.final && figures.final->score && *figures.final->score > *inductor;
  return beaten ? nullptr : "baseline_not_beaten";
}

Result<Selection::FilesKeys> Selection::ReadFilesKeys(const Candidate& candidate) {
  EventQuery query;
  query.campaign_id = candidate.state.campaign_id;
  query.trajectory_id = candidate.state.trajectory_id;
  query.limit = std::numeric_limits<int64_t>::max();
  query.with_payload = false;
  ASSIGN_OR_RETURN(auto events, reader_->Events(query));
  std::map<std::string, std::string> winner, start;
  for (const Event& event : events) {
    const EventDraft& body = event.body;
    if (body.kind == EventKind::kTrajectoryStarted) {
      ASSIGN_OR_RETURN(start, FilesOf(body, "start:"));
    }
    if (body.kind == EventKind::kCandidate && body.round == candidate.figures.winner_round) {
      ASSIGN_OR_RETURN(winner, FilesOf(body, "file:"));
    }
  }
  FilesKeys keys;
  keys.winner = winner.empty() ? candidate.state.final_subject : NormalisedCandidateHash(winner);
  if (!start.empty()) keys.start = NormalisedCandidateHash(start);
  return keys;
}

Result<std::map<std::string, std::string>> Selection::FilesOf(const EventDraft& event, std::string_view prefix) {
  std::map<std::string, std::string> files;
  for (const ContentRef& ref : event.refs) {
    if (!ref.name.starts_with(prefix)) continue;
    ASSIGN_OR_RETURN(files[ref.name.substr(prefix.size())], reader_->Content(ref.sha256));
  }
  return files;
}

// Of candidates that differ in nothing but their looks the best measured; the earlier wins a tie. What hands back the
// folder that it was shown is no second finder of it, however the two were measured.
Status Selection::DropDuplicates() {
  std::map<std::string, size_t> best;
  std::vector<const char*> reasons(chosen_.size(), nullptr);
  for (size_t i = 0; i < chosen_.size(); ++i) {
    auto keys = ReadFilesKeys(chosen_[i]);
    if (!keys && !IsDamage(keys.error())) return keys.error();
    if (!keys) {
      Unreadable(chosen_[i].state.trajectory_id, keys.error());
      reasons[i] = kUnreadable;
      continue;
    }
    const std::string& key = keys.value().winner;
    if (!key.empty() && key == keys.value().start) reasons[i] = kNotAboveStart;
    if (key.empty() || reasons[i] != nullptr) continue;
    auto [at, first] = best.emplace(key, i);
    if (first) continue;
    const bool better = chosen_[i].Score() > chosen_[at->second].Score();
    reasons[better ? at->second : i] = kDuplicate;
    if (better) at->second = i;
  }
  std::vector<Candidate> kept;
  for (size_t i = 0; i < chosen_.size(); ++i) {
    if (reasons[i] == nullptr) {
      kept.push_back(std::move(chosen_[i]));
    } else if (reasons[i] != kUnreadable) {
      Exclude(reasons[i], chosen_[i].state.trajectory_id);
    }
  }
  chosen_ = std::move(kept);
  return OkStatus();
}

void Selection::KeepBestOfEachTask() {
  std::vector<const Candidate*> by_score;
  for (const Candidate& candidate : chosen_) by_score.push_back(&candidate);
  std::stable_sort(by_score.begin(), by_score.end(),
                   [](const Candidate* a, const Candidate* b) { return a->Score() > b->Score(); });
  std::map<std::string, int64_t> taken;
  std::set<std::string> kept;
  for (const Candidate* candidate : by_score) {
    if (++taken[TaskKey(candidate->figures.task)] <= options_.per_task) kept.insert(candidate->state.trajectory_id);
  }
  Drop([&](const Candidate& candidate) {
    return kept.contains(candidate.state.trajectory_id) ? nullptr : "not_best";
  });
}

}  // namespace passnet::trajectories
