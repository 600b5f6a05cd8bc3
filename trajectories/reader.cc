#include "trajectories/reader.h"

#include <utility>

#include "trajectories/content_table.h"
#include "trajectories/database.h"
#include "trajectories/event_table.h"
#include "trajectories/schema.h"
#include "trajectories/state_table.h"

namespace passnet::trajectories {
namespace {

std::string SelectEvents(std::string_view rest) {
  return "SELECT " + std::string(kEventColumns) + " FROM events e " + std::string(rest);
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open({.path = path, .read_only = true, .vfs = ""}));
  RETURN_IF_ERROR(CheckVersion(database.get()));
  return std::unique_ptr<Reader>(new Reader(std::move(database)));
}

Reader::Reader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Reader::~Reader() = default;

Result<std::vector<CampaignState>> Reader::Campaigns(int64_t after_row_id, int64_t limit) {
  return LoadCampaigns(database_.get(), after_row_id, limit);
}

Result<CampaignState> Reader::Campaign(std::string_view campaign_id) {
  return LoadCampaign(database_.get(), campaign_id);
}

Result<std::vector<TrajectoryState>> Reader::Trajectories(std::string_view campaign_id, int64_t after_row_id,
                                                          int64_t limit) {
  return LoadTrajectories(database_.get(), campaign_id, after_row_id, limit);
}

Result<TrajectoryState> Reader::Trajectory(std::string_view trajectory_id) {
  return LoadTrajectory(database_.get(), trajectory_id);
}

Result<std::vector<Event>> Reader::Events(const EventQuery& query) {
  // Within one chain seq and row id rise together. The unary + keeps SQLite from walking all rows of the campaign by
  // row id; it then takes the chain's own index.
  bool one_chain = !query.campaign_id.empty() && !query.trajectory_id.empty();
  std::string where = one_chain ? "WHERE +e.row_id > ?1" : "WHERE e.row_id > ?1";
  if (!query.campaign_id.empty()) where += " AND e.campaign_id = ?3";
  if (!query.trajectory_id.empty()) where += " AND e.trajectory_id = ?4";
  if (query.kind) where += " AND e.kind = ?5";
  where += one_chain ? " ORDER BY e.seq LIMIT ?2" : " ORDER BY e.row_id LIMIT ?2";
  ASSIGN_OR_RETURN(Statement select, database_->Prepare(SelectEvents(where)));
  select.Bind(1, query.after_row_id).Bind(2, query.limit);
  if (!query.campaign_id.empty()) select.Bind(3, query.campaign_id);
  if (!query.trajectory_id.empty()) select.Bind(4, query.trajectory_id);
  if (query.kind) select.Bind(5, EventKindName(*query.kind));
  return ReadEvents(database_.get(), &select, query.with_payload);
}

Result<std::vector<Event>> Reader::Chain(std::string_view campaign_id, std::string_view trajectory_id) {
  ASSIGN_OR_RETURN(
      Statement select,
      database_->Prepare(SelectEvents("WHERE e.campaign_id = ?1 AND e.trajectory_id = ?2 ORDER BY e.seq")));
  select.Bind(1, campaign_id).Bind(2, trajectory_id);
  return ReadEvents(database_.get(), &select, true);
}

// By the index of reports alone: it holds the row ids, so only the rows that are asked for are looked at.
Result<std::map<std::string, int64_t>> Reader::Verdicts(int64_t after_row_id, int64_t up_to_row_id) {
  ASSIGN_OR_RETURN(Statement select,
                   database_->Prepare("SELECT label, count(*) FROM events INDEXED BY events_one_report "
                                      "WHERE kind = 'evaluation_report' AND row_id > ?1 AND row_id <= ?2 "
                                      "GROUP BY label"));
  select.Bind(1, after_row_id).Bind(2, up_to_row_id);
  std::map<std::string, int64_t> verdicts;
  for (;;) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return verdicts;
    verdicts[select.Text(0)] = select.Int64(1);
  }
}

Result<int64_t> Reader::LastRowId() { return ReadLastRowId(database_.get()); }

Result<std::string> Reader::Content(const Sha256Digest& sha256) { return ReadContent(database_.get(), sha256); }

Result<std::vector<Sha256Digest>> Reader::Pieces(const Sha256Digest& sha256) {
  auto whole = ReadWholeRow(database_.get(), sha256);
  if (whole) return std::move(whole.value().parts);
  if (whole.error().code != ErrorCode::kNotFound) return whole.error();
  return std::vector<Sha256Digest>{sha256};
}

ReaderPool::ReaderPool(std::string path, size_t capacity) : path_(std::move(path)), capacity_(capacity) {}
ReaderPool::~ReaderPool() = default;

ReaderPool::Lease::Lease(ReaderPool* pool, std::unique_ptr<Reader> reader) : pool_(pool), reader_(std::move(reader)) {}

ReaderPool::Lease::~Lease() {
  if (reader_ != nullptr) pool_->GiveBack(std::move(reader_));
}

Result<ReaderPool::Lease> ReaderPool::Borrow() {
  std::unique_ptr<Reader> reader;
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return lent_ < capacity_; });
    ++lent_;
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (reader != nullptr) return Lease(this, std::move(reader));
  auto opened = Reader::Open(path_);
  if (opened) return Lease(this, std::move(opened).value());
  GiveBack(nullptr);
  return opened.error();
}

void ReaderPool::GiveBack(std::unique_ptr<Reader> reader) {
  {
    std::lock_guard lock(mutex_);
    --lent_;
    if (reader != nullptr) idle_.push_back(std::move(reader));
  }
  returned_.notify_one();
}

}  // namespace passnet::trajectories
