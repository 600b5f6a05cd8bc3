#include "trajectories/schema.h"

#include <array>
#include <map>
#include <string>

#include "trajectories/event_table.h"
#include "trajectories/state_table.h"

namespace passnet::trajectories {
namespace {

constexpr int64_t kApplicationId = 0x504E544A;  // "PNTJ". Do not renumber: files carry it

// Version 1. Nullable columns are those where "does not apply" or "not known" must not look like a number.
constexpr const char* kVersion1Content = R"sql(
CREATE TABLE blobs (
  sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
  plain_size_bytes INTEGER NOT NULL,
  zstd BLOB NOT NULL
) STRICT;

CREATE TABLE wholes (
  sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
  plain_size_bytes INTEGER NOT NULL,
  parts BLOB NOT NULL CHECK (length(parts) % 32 = 0)
) STRICT;
)sql";

constexpr const char* kTrajectoriesIndex =
    "CREATE INDEX trajectories_by_campaign ON trajectories (campaign_id, first_row_id);\n";

// No query goes by events_call_ends any more; it stays until a version changes the table of events.
constexpr const char* kVersion1Events = R"sql(
CREATE TABLE events (
  row_id INTEGER NOT NULL PRIMARY KEY,
  campaign_id TEXT NOT NULL REFERENCES campaigns (campaign_id) DEFERRABLE INITIALLY DEFERRED,
  trajectory_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at_utc_us INTEGER NOT NULL,
  subject TEXT NOT NULL,
  label TEXT NOT NULL,
  round INTEGER,
  score REAL,
  prompt_tokens INTEGER,
  completion_tokens INTEGER,
  cost_microusd INTEGER,
  payload BLOB,
  payload_sha256 BLOB NOT NULL,
  prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE (campaign_id, trajectory_id, seq)
) STRICT;
CREATE INDEX events_by_campaign ON events (campaign_id, row_id);
CREATE UNIQUE INDEX events_one_launch ON events (campaign_id) WHERE kind = 'campaign_launched';
CREATE UNIQUE INDEX events_one_start ON events (trajectory_id) WHERE kind = 'trajectory_started';
CREATE UNIQUE INDEX events_one_finish ON events (trajectory_id) WHERE kind = 'trajectory_finished';
CREATE UNIQUE INDEX events_one_call_intent ON events (subject) WHERE kind = 'llm_intent';
CREATE UNIQUE INDEX events_one_settled_outcome ON events (subject)
  WHERE kind = 'llm_outcome' AND label IN ('accepted', 'truncated', 'refused', 'malformed');
CREATE UNIQUE INDEX events_one_loss ON events (subject) WHERE kind = 'llm_lost';
CREATE UNIQUE INDEX events_one_evaluation_intent ON events (subject) WHERE kind = 'evaluation_intent';
CREATE UNIQUE INDEX events_one_report ON events (subject) WHERE kind = 'evaluation_report';
CREATE INDEX events_call_ends ON events (subject) WHERE kind IN ('llm_outcome', 'llm_lost');
CREATE INDEX events_of_campaign_kind ON events (campaign_id, kind, row_id);

CREATE TABLE event_refs (
  row_id INTEGER NOT NULL REFERENCES events (row_id),
  ordinal INTEGER NOT NULL,
  name TEXT NOT NULL,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (row_id, ordinal)
) STRICT, WITHOUT ROWID;
)sql";

// The state tables are caches, so they are made by the list of today's columns (state_columns.h). A version that changes
// the list drops and creates them anew and folds the events into them; it never alters them.
Status Version1(Database* database) {
  return database->Execute(kVersion1Content + CreateCampaignsSql() + CreateTrajectoriesSql() + kTrajectoriesIndex +
                           kVersion1Events);
}

Status RefoldTrajectories(Database* database) {
  RETURN_IF_ERROR(database->Execute("DROP TABLE trajectories;\n" + CreateTrajectoriesSql() + kTrajectoriesIndex));
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT " + std::string(kEventColumns) +
                                     " FROM events e WHERE e.trajectory_id != '' ORDER BY e.row_id"));
  std::map<std::string, TrajectoryState> states;
  for (;;) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) break;
    bool payload_is_blob = false;
    ASSIGN_OR_RETURN(Event event, ReadEventRow(select, &payload_is_blob));
    Apply(event, &states[event.body.trajectory_id]);
  }
  for (const auto& [id, state] : states) RETURN_IF_ERROR(SaveTrajectory(database, state));
  return OkStatus();
}

// A trajectory is a sample of its task.
Status Version2(Database* database) { return RefoldTrajectories(database); }

// Index n makes version n + 1. Append only.
constexpr std::array<Status (*)(Database*), kSchemaVersion> kMigrations = {Version1, Version2};

Result<int64_t> ReadNumber(Database* database, std::string_view sql) {
  ASSIGN_OR_RETURN(Statement statement, database->Prepare(sql));
  ASSIGN_OR_RETURN(bool row, statement.Step());
  if (!row) return Internal("journal: no row from " + std::string(sql));
  return statement.Int64(0);
}

Error NotOurs(const Database& database) {
  return InvalidArgument(database.path() + " is an SQLite file of another program, not a passnet journal");
}

// The version of the file; 0 for an empty one.
Result<int64_t> VersionOf(Database* database) {
  ASSIGN_OR_RETURN(int64_t version, ReadNumber(database, "PRAGMA user_version"));
  ASSIGN_OR_RETURN(int64_t application, ReadNumber(database, "PRAGMA application_id"));
  ASSIGN_OR_RETURN(int64_t tables, ReadNumber(database, "SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && application == 0 && tables == 0) return 0;
  if (application != kApplicationId) return NotOurs(*database);
  if (version > kSchemaVersion) {
    return InvalidArgument("journal " + database->path() + " has version " + std::to_string(version) +
                           ", this program knows up to " + std::to_string(kSchemaVersion) +
                           "; use the newer program that wrote it");
  }
  return version;
}

Status Step(Database* database, int64_t version) {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  RETURN_IF_ERROR(kMigrations[static_cast<size_t>(version)](database));
  RETURN_IF_ERROR(database->Execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
  RETURN_IF_ERROR(database->Execute("PRAGMA user_version = " + std::to_string(version + 1)));
  return transaction.Commit();
}

}  // namespace

Status Migrate(Database* database) {
  ASSIGN_OR_RETURN(int64_t version, VersionOf(database));
  for (; version < kSchemaVersion; ++version) RETURN_IF_ERROR(Step(database, version));
  return OkStatus();
}

Result<std::map<std::string, std::string>> SchemaObjects(Database* database) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT type || ' ' || name, coalesce(tbl_name || ': ' || sql, '') "
                                     "FROM sqlite_schema"));
  std::map<std::string, std::string> objects;
  while (true) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return objects;
    objects[select.Text(0)] = select.Text(1);
  }
}

Result<std::map<std::string, std::string>> ExpectedSchemaObjects() {
  ASSIGN_OR_RETURN(auto fresh, Database::Open({.path = ":memory:", .read_only = false, .vfs = ""}));
  RETURN_IF_ERROR(Migrate(fresh.get()));
  return SchemaObjects(fresh.get());
}

Status CheckVersion(Database* database) {
  ASSIGN_OR_RETURN(int64_t version, VersionOf(database));
  if (version == 0) return NotOurs(*database);
  if (version < kSchemaVersion) {
    return Error{ErrorCode::kUnavailable, "journal " + database->path() + " has the older version " +
                                              std::to_string(version) + "; start passnetd once to upgrade it"};
  }
  return OkStatus();
}

}  // namespace passnet::trajectories
