#include "trajectories/state_table.h"

#include <string>

namespace passnet::trajectories {
namespace {

constexpr std::string_view kCampaignColumns =
    "campaign_id, name, state, launched_at_utc_us, updated_at_utc_us, trajectories_started, trajectories_finished, "
    "prompt_tokens, completion_tokens, cost_microusd, calls, calls_lost, first_row_id, head_seq, head_hash";

constexpr std::string_view kTrajectoryColumns =
    "trajectory_id, campaign_id, task, state, outcome, verdict, rounds, evaluations, best_score, best_round, "
    "final_score, final_subject, started_at_utc_us, updated_at_utc_us, prompt_tokens, completion_tokens, "
    "cost_microusd, calls, calls_lost, first_row_id, head_seq, head_hash";

UsageTotals ReadUsage(const Statement& row, int first) {
  return {row.Int64(first), row.Int64(first + 1), row.Int64(first + 2), row.Int64(first + 3), row.Int64(first + 4)};
}

void BindUsage(const UsageTotals& usage, int first, Statement* statement) {
  statement->Bind(first, usage.prompt_tokens).Bind(first + 1, usage.completion_tokens);
  statement->Bind(first + 2, usage.cost_microusd).Bind(first + 3, usage.calls).Bind(first + 4, usage.calls_lost);
}

Result<CampaignState> ReadCampaign(const Statement& row) {
  CampaignState state;
  state.campaign_id = row.Text(0);
  state.name = row.Text(1);
  state.state = row.Text(2);
  state.launched_at_utc_us = row.Int64(3);
  state.updated_at_utc_us = row.Int64(4);
  state.trajectories_started = row.Int64(5);
  state.trajectories_finished = row.Int64(6);
  state.usage = ReadUsage(row, 7);
  state.first_row_id = row.Int64(12);
  state.head_seq = row.Int64(13);
  ASSIGN_OR_RETURN(state.head_hash, row.Digest(14));
  return state;
}

Result<TrajectoryState> ReadTrajectory(const Statement& row) {
  TrajectoryState state;
  state.trajectory_id = row.Text(0);
  state.campaign_id = row.Text(1);
  state.task = row.Text(2);
  state.state = row.Text(3);
  state.outcome = row.Text(4);
  state.verdict = row.Text(5);
  state.rounds = row.Int64(6);
  state.evaluations = row.Int64(7);
  state.best_score = row.OptionalDouble(8);
  state.best_round = row.OptionalInt64(9);
  state.final_score = row.OptionalDouble(10);
  state.final_subject = row.Text(11);
  state.started_at_utc_us = row.Int64(12);
  state.updated_at_utc_us = row.Int64(13);
  state.usage = ReadUsage(row, 14);
  state.first_row_id = row.Int64(19);
  state.head_seq = row.Int64(20);
  ASSIGN_OR_RETURN(state.head_hash, row.Digest(21));
  return state;
}

template <typename State>
Result<std::vector<State>> ReadAll(Statement* select, Result<State> (*read)(const Statement&)) {
  std::vector<State> states;
  while (true) {
    ASSIGN_OR_RETURN(bool row, select->Step());
    if (!row) return states;
    ASSIGN_OR_RETURN(State state, read(*select));
    states.push_back(std::move(state));
  }
}

std::string Select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " FROM " + std::string(rest);
}

// Collects the names of fields that differ.
class Names {
 public:
  template <typename T>
  Names& Compare(std::string_view name, const T& a, const T& b) {
    if (!(a == b)) text_ += (text_.empty() ? "" : ", ") + std::string(name);
    return *this;
  }
  Names& CompareUsage(const UsageTotals& a, const UsageTotals& b) {
    Compare("prompt_tokens", a.prompt_tokens, b.prompt_tokens);
    Compare("completion_tokens", a.completion_tokens, b.completion_tokens);
    Compare("cost_microusd", a.cost_microusd, b.cost_microusd);
    return Compare("calls", a.calls, b.calls).Compare("calls_lost", a.calls_lost, b.calls_lost);
  }
  std::string Text() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

Status SaveCampaign(Database* database, const CampaignState& state) {
  ASSIGN_OR_RETURN(
      Statement save,
      database->Prepare(
          "INSERT INTO campaigns (" + std::string(kCampaignColumns) +
          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) "
          "ON CONFLICT (campaign_id) DO UPDATE SET name = ?2, state = ?3, launched_at_utc_us = ?4, "
          "updated_at_utc_us = ?5, trajectories_started = ?6, trajectories_finished = ?7, prompt_tokens = ?8, "
          "completion_tokens = ?9, cost_microusd = ?10, calls = ?11, calls_lost = ?12, first_row_id = ?13, "
          "head_seq = ?14, head_hash = ?15"));
  save.Bind(1, state.campaign_id).Bind(2, state.name).Bind(3, state.state).Bind(4, state.launched_at_utc_us);
  save.Bind(5, state.updated_at_utc_us).Bind(6, state.trajectories_started).Bind(7, state.trajectories_finished);
  BindUsage(state.usage, 8, &save);
  save.Bind(13, state.first_row_id).Bind(14, state.head_seq).Bind(15, state.head_hash);
  return save.Run();
}

Status SaveTrajectory(Database* database, const TrajectoryState& state) {
  ASSIGN_OR_RETURN(
      Statement save,
      database->Prepare(
          "INSERT INTO trajectories (" + std::string(kTrajectoryColumns) +
          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, "
          "?22) ON CONFLICT (trajectory_id) DO UPDATE SET campaign_id = ?2, task = ?3, state = ?4, outcome = ?5, "
          "verdict = ?6, rounds = ?7, evaluations = ?8, best_score = ?9, best_round = ?10, final_score = ?11, "
          "final_subject = ?12, started_at_utc_us = ?13, updated_at_utc_us = ?14, prompt_tokens = ?15, "
          "completion_tokens = ?16, cost_microusd = ?17, calls = ?18, calls_lost = ?19, first_row_id = ?20, "
          "head_seq = ?21, head_hash = ?22"));
  save.Bind(1, state.trajectory_id).Bind(2, state.campaign_id).Bind(3, state.task).Bind(4, state.state);
  save.Bind(5, state.outcome).Bind(6, state.verdict).Bind(7, state.rounds).Bind(8, state.evaluations);
  save.Bind(9, state.best_score).Bind(10, state.best_round).Bind(11, state.final_score);
  save.Bind(12, state.final_subject).Bind(13, state.started_at_utc_us).Bind(14, state.updated_at_utc_us);
  BindUsage(state.usage, 15, &save);
  save.Bind(20, state.first_row_id).Bind(21, state.head_seq).Bind(22, state.head_hash);
  return save.Run();
}

Result<CampaignState> LoadCampaign(Database* database, std::string_view campaign_id) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare(Select(kCampaignColumns, "campaigns WHERE campaign_id = ?1")));
  ASSIGN_OR_RETURN(bool row, select.Bind(1, campaign_id).Step());
  if (!row) return NotFound("journal: no campaign " + std::string(campaign_id));
  return ReadCampaign(select);
}

Result<TrajectoryState> LoadTrajectory(Database* database, std::string_view trajectory_id) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare(Select(kTrajectoryColumns, "trajectories WHERE trajectory_id = ?1")));
  ASSIGN_OR_RETURN(bool row, select.Bind(1, trajectory_id).Step());
  if (!row) return NotFound("journal: no trajectory " + std::string(trajectory_id));
  return ReadTrajectory(select);
}

Result<std::vector<CampaignState>> LoadCampaigns(Database* database, int64_t after_row_id, int64_t limit) {
  ASSIGN_OR_RETURN(
      Statement select,
      database->Prepare(Select(kCampaignColumns, "campaigns WHERE first_row_id > ?1 ORDER BY first_row_id LIMIT ?2")));
  select.Bind(1, after_row_id).Bind(2, limit);
  return ReadAll<CampaignState>(&select, &ReadCampaign);
}

Result<std::vector<TrajectoryState>> LoadTrajectories(Database* database, std::string_view campaign_id,
                                                      int64_t after_row_id, int64_t limit) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare(Select(kTrajectoryColumns,
                                            "trajectories WHERE campaign_id = ?1 AND first_row_id > ?2 "
                                            "ORDER BY first_row_id LIMIT ?3")));
  select.Bind(1, campaign_id).Bind(2, after_row_id).Bind(3, limit);
  return ReadAll<TrajectoryState>(&select, &ReadTrajectory);
}

std::string Difference(const CampaignState& a, const CampaignState& b) {
  Names names;
  names.Compare("name", a.name, b.name).Compare("state", a.state, b.state);
  names.Compare("launched_at_utc_us", a.launched_at_utc_us, b.launched_at_utc_us);
  names.Compare("updated_at_utc_us", a.updated_at_utc_us, b.updated_at_utc_us);
  names.Compare("trajectories_started", a.trajectories_started, b.trajectories_started);
  names.Compare("trajectories_finished", a.trajectories_finished, b.trajectories_finished);
  names.CompareUsage(a.usage, b.usage).Compare("first_row_id", a.first_row_id, b.first_row_id);
  names.Compare("head_seq", a.head_seq, b.head_seq).Compare("head_hash", a.head_hash, b.head_hash);
  return names.Text();
}

std::string Difference(const TrajectoryState& a, const TrajectoryState& b) {
  Names names;
  names.Compare("campaign_id", a.campaign_id, b.campaign_id).Compare("task", a.task, b.task);
  names.Compare("state", a.state, b.state).Compare("outcome", a.outcome, b.outcome);
  names.Compare("verdict", a.verdict, b.verdict).Compare("rounds", a.rounds, b.rounds);
  names.Compare("evaluations", a.evaluations, b.evaluations).Compare("best_score", a.best_score, b.best_score);
  names.Compare("best_round", a.best_round, b.best_round).Compare("final_score", a.final_score, b.final_score);
  names.Compare("final_subject", a.final_subject, b.final_subject);
  names.Compare("started_at_utc_us", a.started_at_utc_us, b.started_at_utc_us);
  names.Compare("updated_at_utc_us", a.updated_at_utc_us, b.updated_at_utc_us);
  names.CompareUsage(a.usage, b.usage).Compare("first_row_id", a.first_row_id, b.first_row_id);
  names.Compare("head_seq", a.head_seq, b.head_seq).Compare("head_hash", a.head_hash, b.head_hash);
  return names.Text();
}

}  // namespace passnet::trajectories
