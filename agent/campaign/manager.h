// All campaigns of the daemon: launches, goes on with what an earlier life left unfinished, pauses, resumes, cancels,
// stops. A paused campaign is in the journal alone.
// Threads: loop-only. Borrows: the ports and the journal file. Owns: running campaigns.
// Errors: Launch: kInvalidArgument (tasks), those of the endpoint book, kOverloaded (too many campaigns),
// kUnavailable (the lane does not start), kCancelled (stopping), the journal's. The operator's commands: kNotFound (no
// such campaign), kInvalidArgument (not in a state for it), kAlreadyExists (another command is at it), the journal's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

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

  // Goes on with every unfinished campaign of the journal that is not held. A trajectory, or a campaign, whose events do not
  // parse is left as it is, logged and named by quarantined().
  Task<Status> Resume();
  // Pins everything, stores it, starts it. The campaign's id.
  Task<Result<std::string>> Launch(CampaignSpec spec);
  // Each stores the operator's action first. Cancel ends a running or paused campaign. Pause lets nothing further begin.
  Task<Status> Cancel(std::string campaign_id, std::string who);
  Task<Status> PauseCampaign(std::string campaign_id, std::string who);
  Task<Status> ResumeCampaign(std::string campaign_id, std::string who);
  // Of a paused or ended campaign: each trajectory that ended for a failure on our side gets a new one of its task. How
  // many.
  Task<Result<int64_t>> RetryInfra(std::string campaign_id, std::string who);
  // Nothing further begins, and replies of models that are on their way are waited for and stored, at most for `grace`;
  // what is in flight then is ended. Campaigns stay unfinished and go on after the next start.
  Task<void> Stop(Nanos grace = Nanos(0));
  struct Stopping {
    int64_t since_utc_us = 0;
    int64_t until_utc_us = 0;  // what is in flight then is ended
  };
  // Nothing: Stop was not called.
  const std::optional<Stopping>& stopping() const { return stopping_; }

  // Why, by id of trajectory or campaign.
  const std::map<std::string, std::string>& quarantined() const { return quarantined_; }
  int64_t running() const { return static_cast<int64_t>(campaigns_.size()); }
  // Trajectories that are under way, and those of them that wait because what they share does not work.
  struct Trajectories {
    int64_t under_way = 0;
    int64_t parked = 0;
  };
  Trajectories trajectories() const;
  // What running campaigns wait for now.
  std::vector<Outage> Outages() const;

 private:
  // Keeps two commands from working on one stopped campaign at the same time.
  class Claim;
  Task<Result<StoredCampaign>> LoadStopped(std::string campaign_id);
  Task<Status> EndCancelled(std::string campaign_id);
  Task<Status> Append(std::vector<JournalEntry> entries);
  Status MayStart() const;
  void StartCampaign(StoredCampaign stored);
  Task<void> RunCampaign(std::string campaign_id);
  Task<void> HangUpAfter(Nanos grace, std::stop_token ended);

  std::stop_source hang_up_;  // before the ports, which tell of it
  const CampaignPorts ports_;
  const ManagerOptions options_;
  TaskGroup group_;
  std::stop_source stop_;
  std::optional<Stopping> stopping_;
  std::map<std::string, std::unique_ptr<Campaign>> campaigns_;  // by id
  std::map<std::string, std::string> quarantined_;
  std::set<std::string> claimed_;                               // ids
};

}  // namespace passnet::agent
