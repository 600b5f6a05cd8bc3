// The pass over the event log that verify makes: order, links, hashes, campaign heads; folds the states on the way and
// notes which content the events stand on.
// Threads: as Database, inside one read transaction. Borrows: the database.
// Errors: those of Database; damage is a Finding.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "trajectories/database.h"
#include "trajectories/event.h"
#include "trajectories/event_table.h"
#include "trajectories/state.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {

class LogCheck {
 public:
  // An empty campaign id: every campaign.
  LogCheck(Database* database, std::string campaign_id)
      : database_(database), campaign_id_(std::move(campaign_id)) {}

  // The first row that is not what was written, if any.
  Result<std::optional<Finding>> Run();

  struct Named {
    Sha256Digest sha256;
    int64_t row_id;  // of the first event that names it
    std::string name;
  };
  // In the order of the rows, each digest once.
  const std::vector<Named>& content() const { return content_; }
  const std::map<std::string, CampaignState>& campaigns() const { return campaigns_; }
  const std::map<std::string, TrajectoryState>& trajectories() const { return trajectories_; }
  int64_t events() const { return events_; }

 private:
  using MaybeFinding = Result<std::optional<Finding>>;

  MaybeFinding CheckRow(const Statement& row);
  Result<Event> ReadEvent(const Statement& row, bool* payload_is_blob);
  MaybeFinding CheckOrder(const Event& event, const ChainEnd& end);
  std::optional<Finding> CheckHashes(const Event& event, bool payload_is_blob, const ChainEnd& end);
  MaybeFinding CheckCampaignHead(const Event& event, bool payload_is_blob);
  void Name(const Sha256Digest& sha256, int64_t row_id, std::string name);
  void Fold(const Event& event);

  Database* database_;
  const std::string campaign_id_;
  int64_t last_row_id_ = 0;
  int64_t events_ = 0;
  std::map<std::pair<std::string, std::string>, ChainEnd> ends_;
  std::map<std::string, CampaignState> campaigns_;
  std::map<std::string, TrajectoryState> trajectories_;
  std::vector<Named> content_;
  std::map<Sha256Digest, size_t> content_index_;
};

}  // namespace passnet::trajectories
