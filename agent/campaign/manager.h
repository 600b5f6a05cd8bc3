// All campaigns of the daemon: launches, goes on with what an earlier life left unfinished, cancels, stops.
// Threads: loop-only. Borrows: the ports and the journal file. Owns: running campaigns.
// Errors: Launch: kInvalidArgument (tasks), those of the endpoint book, kOverloaded (too many campaigns),
// kUnavailable (the lane does not start), kCancelled (stopping), the journal's. Cancel:
// kNotFound (it does not run).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "agent/campaign/campaign.h"
#include "agent/campaign/launch.h"
#include "agent/campaign/task_group.h"

namespace passnet::agent {

struct ManagerOptions {
  std::string journal_path;
  BuildFacts build;
  int64_t max_campaigns = 64;  // at the same time; chosen: one lane serves them one request at a time
};

class CampaignManager {
 public:
  CampaignManager(boost::asio::any_io_executor executor, CampaignPorts ports, ManagerOptions options);

  // Goes on with every unfinished campaign of the journal. A trajectory, or a campaign, whose events do not parse is left
  // as it is, logged and named by quarantined().
  Task<Status> Resume();
  // Pins everything, stores it, starts it. The campaign's id.
  Task<Result<std::string>> Launch(CampaignSpec spec);
  // Stores the operator's action first.
  Task<Status> Cancel(std::string campaign_id, std::string who);
  // Ends what is in flight; campaigns stay unfinished and go on after the next start.
  Task<void> Stop();

  // Why, by id of trajectory or campaign.
  const std::map<std::string, std::string>& quarantined() const { return quarantined_; }
  int64_t running() const { return static_cast<int64_t>(campaigns_.size()); }

 private:
  void StartCampaign(StoredCampaign stored);
  Task<void> RunCampaign(std::string campaign_id);

  const CampaignPorts ports_;
  const ManagerOptions options_;
  TaskGroup group_;
  std::stop_source stop_;
  std::map<std::string, std::unique_ptr<Campaign>> campaigns_;  // by id
  std::map<std::string, std::string> quarantined_;
};

}  // namespace passnet::agent
