#include "agent/campaign/manager.h"

#include <stop_token>
#include <utility>

#include "agent/loop/commit_failpoints.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "prompts/prompt_folder.h"

namespace passnet::agent {
namespace {

using trajectories::EventKind;
using trajectories::Reader;

struct Unfinished {
  std::vector<StoredCampaign> campaigns;
  std::map<std::string, std::string> quarantined;  // why, by id
};

// What cannot be read is named, and left for whoever wants to look at it; everything else goes on.
Result<Unfinished> LoadUnfinished(const std::string& path) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(path));
  ASSIGN_OR_RETURN(auto campaigns, AllCampaigns(*reader));
  Unfinished unfinished;
  for (const auto& campaign : campaigns) {
    if (IsEndState(campaign.state)) continue;
    auto stored = LoadCampaign(*reader, campaign.campaign_id);
    if (!stored) {
      if (!IsDamage(stored.error())) return stored.error();
      unfinished.quarantined[campaign.campaign_id] = stored.error().context;
      continue;
    }
    for (const StoredTrajectory& trajectory : stored.value().trajectories) {
      if (trajectory.quarantined.empty()) continue;
      unfinished.quarantined[trajectory.trajectory_id] = trajectory.quarantined;
    }
    unfinished.campaigns.push_back(std::move(stored).value());
  }
  return unfinished;
}

}  // namespace

CampaignManager::CampaignManager(boost::asio::any_io_executor executor, CampaignPorts ports, ManagerOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      group_(executor, options_.max_campaigns) {}

Task<Status> CampaignManager::Resume() {
  auto load = [path = options_.journal_path] { return LoadUnfinished(path); };
  Result<Unfinished> unfinished = co_await RunBlocking(ports_.pool, std::move(load));
  if (!unfinished) co_return unfinished.error();
  quarantined_ = std::move(unfinished.value().quarantined);
  for (const auto& [id, error] : quarantined_) {
    log::Err("agent", "what is stored of it cannot be read: it does not go on", {{"id", id}, {"error", error}});
  }
  for (StoredCampaign& stored : unfinished.value().campaigns) {
    log::Info("agent", "campaign goes on", {{"campaign_id", stored.launch.campaign_id}, {"state", stored.state}});
    StartCampaign(std::move(stored));
  }
  co_return OkStatus();
}

Task<Result<std::string>> CampaignManager::Launch(CampaignSpec spec) {
  if (stop_.stop_requested()) co_return Error{ErrorCode::kCancelled, "the daemon stops"};
  if (running() >= options_.max_campaigns) {
    co_return Error{ErrorCode::kOverloaded, std::to_string(running()) + " campaigns are running; wait for one to end"};
  }
  Status pinned = ports_.endpoints->Pin(&spec.endpoint);
  if (!pinned) co_return pinned.error();
  // Which dialect it is written in is known only now, and so is what that has a place for.
  if (auto problems = Check(spec); !problems.empty()) co_return InvalidArgument("campaign spec: " + ToString(problems));
  StoredCampaign stored;
  stored.launch.campaign_id = NewId("c");
  auto resolve = [tasks = spec.tasks] { return ResolveTasks(tasks); };
  Result<std::vector<CampaignTask>> tasks = co_await RunBlocking(ports_.pool, std::move(resolve));
  if (!tasks) co_return tasks.error();
  auto read = [folder = spec.prompts] { return prompts::PromptsFrom(folder); };
  Result<prompts::PromptTexts> texts = co_await RunBlocking(ports_.pool, std::move(read));
  if (!texts) co_return texts.error();
  auto environment = co_await ports_.evaluation->Environment(stop_.get_token());
  if (!environment) co_return environment.error().Prefixed("lane");
  stored.launch.spec = std::move(spec);
  stored.launch.tasks = std::move(tasks).value();
  stored.launch.environment = std::move(environment).value();
  stored.launch.prompts = std::move(texts).value();
  stored.launch.build = options_.build;
  auto entries = std::make_shared<std::vector<JournalEntry>>(ToJournalEntries(&stored.launch));
  Status written = co_await ports_.journal->Append(std::move(entries), stop_.get_token());
  if (!written) co_return written.error();
  FailpointAfter(EventKind::kCampaignLaunched);
  stored.state = "launched";
  stored.launched_at_utc_us = ports_.clock->UtcMicros();
  std::string id = stored.launch.campaign_id;
  StartCampaign(std::move(stored));
  co_return id;
}

Task<Status> CampaignManager::Cancel(std::string campaign_id, std::string who) {
  if (campaigns_.count(campaign_id) == 0) {
    co_return NotFound("campaign " + campaign_id + " is not running: it is unknown, paused or has ended");
  }
  JournalEntry entry;
  entry.event.campaign_id = campaign_id;
  entry.event.kind = EventKind::kOperatorAction;
  entry.event.label = "cancel";
  entry.event.payload = Json({{"who", who}}).Dump();
  auto entries = std::make_shared<std::vector<JournalEntry>>();
  entries->push_back(std::move(entry));
  Status written = co_await ports_.journal->Append(std::move(entries), stop_.get_token());
  auto running = campaigns_.find(campaign_id);
  if (written && running != campaigns_.end()) running->second->Cancel();
  co_return written;
}

Task<void> CampaignManager::Stop() {
  stop_.request_stop();
  co_await group_.Wait();
}

void CampaignManager::StartCampaign(StoredCampaign stored) {
  std::string id = stored.launch.campaign_id;
  bool cancelled = stored.cancelled;
  auto campaign = std::make_unique<Campaign>(std::move(stored), ports_);
  if (cancelled) campaign->Cancel();
  campaigns_[id] = std::move(campaign);
  group_.Spawn(RunCampaign(std::move(id)));
}

Task<void> CampaignManager::RunCampaign(std::string campaign_id) {
  std::stop_token stop = stop_.get_token();
  co_await campaigns_.at(campaign_id)->Run(stop);
  campaigns_.erase(campaign_id);
}

}  // namespace passnet::agent
