#include "trajectories/state_table.h"

#include <functional>
#include <string>

#include "trajectories/state_columns.h"

namespace passnet::trajectories {
namespace {

// ---- the types that a column may have, in SQL and through a statement

std::string_view SqlType(const std::string&) { return "TEXT NOT NULL"; }
std::string_view SqlType(const int64_t&) { return "INTEGER NOT NULL"; }
std::string_view SqlType(const std::optional<int64_t>&) { return "INTEGER"; }
std::string_view SqlType(const std::optional<double>&) { return "REAL"; }
std::string_view SqlType(const Sha256Digest&) { return "BLOB NOT NULL"; }

Status ReadColumn(const Statement& row, int column, std::string* value) {
  *value = row.Text(column);
  return OkStatus();
}
Status ReadColumn(const Statement& row, int column, int64_t* value) {
  *value = row.Int64(column);
  return OkStatus();
}
Status ReadColumn(const Statement& row, int column, std::optional<int64_t>* value) {
  *value = row.OptionalInt64(column);
  return OkStatus();
}
Status ReadColumn(const Statement& row, int column, std::optional<double>* value) {
  *value = row.OptionalDouble(column);
  return OkStatus();
}
Status ReadColumn(const Statement& row, int column, Sha256Digest* value) {
  ASSIGN_OR_RETURN(*value, row.Digest(column));
  return OkStatus();
}

// ---- SQL of a table

template <typename State>
std::vector<std::string> ColumnNames() {
  std::vector<std::string> names;
  StateTable<State>::VisitColumns([&](std::string_view name, auto...) { names.emplace_back(name); });
  return names;
}

template <typename State>
std::string CreateSql() {
  const State state;
  std::string columns;
  StateTable<State>::VisitColumns([&](std::string_view name, auto field, const auto&, auto... constraint) {
    columns += columns.empty() ? "\n  " : ",\n  ";
    columns += std::string(name) + " " + std::string(SqlType(std::invoke(field, state)));
    ((columns += std::string(" ") + constraint), ...);
  });
  return "CREATE TABLE " + std::string(StateTable<State>::kName) + " (" + columns + "\n) STRICT;\n";
}

// Inserts, or replaces what stands under the same key.
template <typename State>
std::string SaveSql() {
  std::string names, values, updates;
  int parameter = 0;
  for (const std::string& name : ColumnNames<State>()) {
    std::string value = "?" + std::to_string(++parameter);
    names += (parameter == 1 ? "" : ", ") + name;
    values += (parameter == 1 ? "" : ", ") + value;
    if (parameter > 1) updates += (parameter == 2 ? "" : ", ") + name + " = " + value;
  }
  return "INSERT INTO " + std::string(StateTable<State>::kName) + " (" + names + ") VALUES (" + values +
         ") ON CONFLICT (" + ColumnNames<State>().front() + ") DO UPDATE SET " + updates;
}

template <typename State>
std::string SelectSql(std::string_view rest) {
  std::string names;
  for (const std::string& name : ColumnNames<State>()) names += (names.empty() ? "" : ", ") + name;
  return "SELECT " + names + " FROM " + std::string(StateTable<State>::kName) + " " + std::string(rest);
}

// ---- rows

template <typename State>
Status Save(Database* database, const State& state) {
  static const std::string sql = SaveSql<State>();  // every event is a save or two
  ASSIGN_OR_RETURN(Statement save, database->Prepare(sql));
  int parameter = 0;
  StateTable<State>::VisitColumns([&](std::string_view, auto field, auto...) {
    save.Bind(++parameter, std::invoke(field, state));
  });
  return save.Run();
}

template <typename State>
Result<State> ReadState(const Statement& row) {
  State state;
  Status read = OkStatus();
  int column = 0;
  StateTable<State>::VisitColumns([&](std::string_view, auto field, auto...) {
    if (read) read = ReadColumn(row, column++, &std::invoke(field, state));
  });
  if (!read) return read.error();
  return state;
}

// The one under `id`; `what` names it where there is none.
template <typename State>
Result<State> Load(Database* database, std::string_view id, std::string_view what) {
  static const std::string sql = SelectSql<State>("WHERE " + ColumnNames<State>().front() + " = ?1");
  ASSIGN_OR_RETURN(Statement select, database->Prepare(sql));
  ASSIGN_OR_RETURN(bool row, select.Bind(1, id).Step());
  if (!row) return NotFound("journal: no " + std::string(what) + " " + std::string(id));
  return ReadState<State>(select);
}

template <typename State>
Result<std::vector<State>> ReadAll(Statement* select) {
  std::vector<State> states;
  while (true) {
    ASSIGN_OR_RETURN(bool row, select->Step());
    if (!row) return states;
    ASSIGN_OR_RETURN(State state, ReadState<State>(*select));
    states.push_back(std::move(state));
  }
}

template <typename State>
std::string DifferentColumns(const State& a, const State& b) {
  std::string names;
  StateTable<State>::VisitColumns([&](std::string_view name, auto field, auto...) {
    if (std::invoke(field, a) != std::invoke(field, b)) names += (names.empty() ? "" : ", ") + std::string(name);
  });
  return names;
}

}  // namespace

std::string CreateCampaignsSql() { return CreateSql<CampaignState>(); }
std::string CreateTrajectoriesSql() { return CreateSql<TrajectoryState>(); }

Status SaveCampaign(Database* database, const CampaignState& state) { return Save(database, state); }
Status SaveTrajectory(Database* database, const TrajectoryState& state) { return Save(database, state); }

Result<CampaignState> LoadCampaign(Database* database, std::string_view campaign_id) {
  return Load<CampaignState>(database, campaign_id, "campaign");
}

Result<TrajectoryState> LoadTrajectory(Database* database, std::string_view trajectory_id) {
  return Load<TrajectoryState>(database, trajectory_id, "trajectory");
}

Result<std::vector<CampaignState>> LoadCampaigns(Database* database, int64_t after_row_id, int64_t limit) {
  ASSIGN_OR_RETURN(Statement select, database->Prepare(SelectSql<CampaignState>(
                                         "WHERE first_row_id > ?1 ORDER BY first_row_id LIMIT ?2")));
  select.Bind(1, after_row_id).Bind(2, limit);
  return ReadAll<CampaignState>(&select);
}

Result<std::vector<TrajectoryState>> LoadTrajectories(Database* database, std::string_view campaign_id,
                                                      int64_t after_row_id, int64_t limit) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare(SelectSql<TrajectoryState>(
                       "WHERE campaign_id = ?1 AND first_row_id > ?2 ORDER BY first_row_id LIMIT ?3")));
  select.Bind(1, campaign_id).Bind(2, after_row_id).Bind(3, limit);
  return ReadAll<TrajectoryState>(&select);
}

std::string Difference(const CampaignState& a, const CampaignState& b) { return DifferentColumns(a, b); }
std::string Difference(const TrajectoryState& a, const TrajectoryState& b) { return DifferentColumns(a, b); }

}  // namespace passnet::trajectories
