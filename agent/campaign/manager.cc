#include "agent/campaign/manager.h"

#include <boost/asio/this_coro.hpp>
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

constexpr Nanos kWorkerWait = std::chrono::milliseconds(50);  // chosen: some of a worker's pieces of work

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

Result<StoredCampaign> LoadOne(const std::string& path, const std::string& campaign_id) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(path));
  return LoadCampaign(*reader, campaign_id);
}

JournalEntry OperatorEntry(const std::string& campaign_id, const std::string& action, const std::string& who) {
  JournalEntry entry;
  entry.event.campaign_id = campaign_id;
  entry.event.kind = EventKind::kOperatorAction;
  entry.event.label = action;
  entry.event.payload = Json({{"who", who}}).Dump();
  return entry;
}

JournalEntry StateEntry(const std::string& campaign_id, const std::string& state, const std::string& reason) {
  JournalEntry entry;
  entry.event.campaign_id = campaign_id;
  entry.event.kind = EventKind::kCampaignState;
  entry.event.label = state;
  entry.event.payload = Json({{"reason", reason}}).Dump();
  return entry;
}

CampaignPorts WithHangUp(CampaignPorts ports, std::stop_token hang_up) {
  ports.hang_up = std::move(hang_up);
  return ports;
}

}  // namespace

class CampaignManager::Claim {
 public:
  Claim(CampaignManager* manager, std::string campaign_id) : manager_(manager), id_(std::move(campaign_id)) {
    const bool free = manager_->campaigns_.count(id_) == 0;
    mine_ = free && manager_->claimed_.insert(id_).second;
  }
  ~Claim() {
    if (mine_) manager_->claimed_.erase(id_);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  bool mine() const { return mine_; }

 private:
  CampaignManager* const manager_;
  const std::string id_;
  bool mine_ = false;
};

CampaignManager::CampaignManager(boost::asio::any_io_executor executor, CampaignPorts ports, ManagerOptions options)
    : ports_(WithHangUp(std::move(ports), hang_up_.get_token())),
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
    if (stored.held && !stored.cancelled) {
      if (stored.state == "paused") continue;
      // The daemon ended between the operator's action and what follows from it.
      std::vector<JournalEntry> entries;
      entries.push_back(StateEntry(stored.launch.campaign_id, "paused", "paused by the operator"));
      Status written = co_await Append(std::move(entries));
      if (!written) co_return written;
      continue;
    }
    log::Info("agent", "campaign goes on", {{"campaign_id", stored.launch.campaign_id}, {"state", stored.state}});
    StartCampaign(std::move(stored));
  }
  co_return OkStatus();
}

Task<Result<std::string>> CampaignManager::Launch(CampaignSpec spec) {
  Status may = MayStart();
  if (!may) co_return may.error();
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
  // Found here and not by every trajectory: the lane answers for one device.
  const auto lane = environment.value().find("device");
  const std::string& wanted = spec.refine.scoring.device;
  if (lane != environment.value().end() && lane->second != wanted) {
    co_return InvalidArgument("campaign spec: scoring.device: the lane of this daemon is " + lane->second + ", not " + wanted);
  }
  stored.launch.spec = std::move(spec);
  stored.launch.tasks = std::move(tasks).value();
  stored.launch.environment = std::move(environment).value();
  stored.launch.prompts = std::move(texts).value();
  stored.launch.build = options_.build;
  auto entries = std::make_shared<std::vector<JournalEntry>>(ToJournalEntries(&stored.launch));
  Status written = co_await ports_.journal->Append(std::move(entries), ports_.hang_up);
  if (!written) co_return written.error();
  FailpointAfter(EventKind::kCampaignLaunched);
  stored.state = "launched";
  stored.launched_at_utc_us = ports_.clock->UtcMicros();
  std::string id = stored.launch.campaign_id;
  StartCampaign(std::move(stored));
  co_return id;
}

Status CampaignManager::MayStart() const {
  if (stop_.stop_requested()) return Error{ErrorCode::kCancelled, "the daemon stops"};
  if (running() < options_.max_campaigns) return OkStatus();
  return Error{ErrorCode::kOverloaded, std::to_string(running()) + " campaigns are running; wait for one to end"};
}

Task<Status> CampaignManager::Append(std::vector<JournalEntry> entries) {
  auto shared = std::make_shared<const std::vector<JournalEntry>>(std::move(entries));
  co_return co_await ports_.journal->Append(std::move(shared), ports_.hang_up);
}

// A campaign that this daemon does not run now.
Task<Result<StoredCampaign>> CampaignManager::LoadStopped(std::string campaign_id) {
  for (;;) {
    auto load = [path = options_.journal_path, campaign_id] { return LoadOne(path, campaign_id); };
    Result<StoredCampaign> loaded = co_await RunBlocking(ports_.pool, std::move(load));
    if (loaded || loaded.error().code != ErrorCode::kOverloaded) co_return loaded;
    // All workers are busy. A cancel that is stored already would be left without its end.
    Deadline until = Deadline::After(kWorkerWait, *ports_.clock);
    std::stop_token stop = stop_.get_token();
    bool rested = co_await ports_.sleeper->SleepUntil(until, stop);
    if (!rested) co_return Error{ErrorCode::kCancelled, "the daemon stops"};
  }
}

Task<Status> CampaignManager::Cancel(std::string campaign_id, std::string who) {
  std::vector<JournalEntry> entries;
  entries.push_back(OperatorEntry(campaign_id, "cancel", who));
  if (campaigns_.count(campaign_id) > 0) {
    Status written = co_await Append(std::move(entries));
    auto running = campaigns_.find(campaign_id);
    if (!written) co_return written;
    if (running != campaigns_.end()) {
      running->second->Cancel();
      co_return OkStatus();
    }
    // It has stopped meanwhile. What is stored cancels it.
    co_return co_await EndCancelled(campaign_id);
  }
  const Claim claim(this, campaign_id);
  if (!claim.mine()) co_return Error{ErrorCode::kAlreadyExists, "campaign " + campaign_id + " is being started"};
  Result<StoredCampaign> stored = co_await LoadStopped(campaign_id);
  if (!stored) co_return stored.error();
  if (IsEndState(stored.value().state)) {
    co_return NotFound("campaign " + campaign_id + " is not running: it is " + stored.value().state);
  }
  Status written = co_await Append(std::move(entries));
  if (!written) co_return written;
  stored.value().cancelled = true;
  StartCampaign(std::move(stored).value());
  co_return OkStatus();
}

Task<Status> CampaignManager::PauseCampaign(std::string campaign_id, std::string who) {
  if (campaigns_.count(campaign_id) == 0) {
    co_return NotFound("campaign " + campaign_id + " is not running: it is unknown, paused or has ended");
  }
  std::vector<JournalEntry> entries;
  entries.push_back(OperatorEntry(campaign_id, "pause", who));
  Status written = co_await Append(std::move(entries));
  auto running = campaigns_.find(campaign_id);
  if (written && running != campaigns_.end()) running->second->Pause("paused by the operator");
  co_return written;
}

Task<Status> CampaignManager::ResumeCampaign(std::string campaign_id, std::string who) {
  Status may = MayStart();
  if (!may) co_return may;
  const Claim claim(this, campaign_id);
  if (!claim.mine()) co_return Error{ErrorCode::kAlreadyExists, "campaign " + campaign_id + " is running"};
  Result<StoredCampaign> stored = co_await LoadStopped(campaign_id);
  if (!stored) co_return stored.error();
  if (IsEndState(stored.value().state)) {
    co_return InvalidArgument("campaign " + campaign_id + " is not paused: it is " + stored.value().state);
  }
  std::vector<JournalEntry> entries;
  entries.push_back(OperatorEntry(campaign_id, "resume", who));
  Status written = co_await Append(std::move(entries));
  if (!written) co_return written;
  log::Info("agent", "campaign is resumed", {{"campaign_id", campaign_id}});
  StartCampaign(std::move(stored).value());
  co_return OkStatus();
}

Task<Result<int64_t>> CampaignManager::RetryInfra(std::string campaign_id, std::string who) {
  Status may = MayStart();
  if (!may) co_return may.error();
  const Claim claim(this, campaign_id);
  if (!claim.mine()) {
    co_return Error{ErrorCode::kAlreadyExists, "campaign " + campaign_id + " is running; pause it first"};
  }
  Result<StoredCampaign> loaded = co_await LoadStopped(campaign_id);
  if (!loaded) co_return loaded.error();
  StoredCampaign& stored = loaded.value();
  if (stored.cancelled) co_return InvalidArgument("campaign " + campaign_id + " was cancelled; launch a new one");
  int64_t again = 0;
  for (StoredTrajectory& trajectory : stored.trajectories) {
    if (trajectory.superseded || trajectory.outcome != "infra") continue;
    trajectory.superseded = true;
    ++again;
  }
  if (again == 0) {
    co_return InvalidArgument("no trajectory of campaign " + campaign_id + " has ended for a failure on our side");
  }
  // Together, so that there is no moment at which the campaign has ended and is to go on.
  std::vector<JournalEntry> entries;
  entries.push_back(OperatorEntry(campaign_id, "retry_infra", who));
  entries.push_back(StateEntry(campaign_id, "running", std::to_string(again) + " trajectories are tried again"));
  Status written = co_await Append(std::move(entries));
  if (!written) co_return written.error();
  log::Info("agent", "campaign tries again", {{"campaign_id", campaign_id}, {"trajectories", again}});
  stored.state = "running";
  StartCampaign(std::move(stored));
  co_return again;
}

CampaignManager::Trajectories CampaignManager::trajectories() const {
  Trajectories all;
  for (const auto& [id, campaign] : campaigns_) {
    all.under_way += campaign->under_way();
    if (campaign->parked()) all.parked += campaign->under_way();
  }
  return all;
}

std::vector<Outage> CampaignManager::Outages() const {
  std::set<const SharedPart*> parts;
  if (ports_.lanes != nullptr) parts.insert(ports_.lanes);
  for (const auto& [id, campaign] : campaigns_) {
    for (const SharedPart* part : campaign->parts()) parts.insert(part);
  }
  std::vector<Outage> outages;
  for (const SharedPart* part : parts) {
    if (auto outage = part->outage()) outages.push_back(std::move(*outage));
  }
  return outages;
}

Task<void> CampaignManager::Stop(Nanos grace) {
  if (!stopping_) {
    const int64_t now = ports_.clock->UtcMicros();
    stopping_ = Stopping{now, now + std::chrono::duration_cast<std::chrono::microseconds>(grace).count()};
  }
  stop_.request_stop();
  TaskGroup patience(co_await boost::asio::this_coro::executor, 1);
  std::stop_source ended;
  patience.Spawn(HangUpAfter(grace, ended.get_token()));
  co_await group_.Wait();
  ended.request_stop();
  co_await patience.Wait();
  // An operator's command may still wait for a disk.
  hang_up_.request_stop();
}

Task<void> CampaignManager::HangUpAfter(Nanos grace, std::stop_token ended) {
  Deadline until = Deadline::After(grace, *ports_.clock);
  const bool over = co_await ports_.sleeper->SleepUntil(until, ended);
  if (over) hang_up_.request_stop();
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
  Campaign& campaign = *campaigns_.at(campaign_id);
  co_await campaign.Run(stop);
  const bool cancelled_while_pausing = campaign.cancelled_while_pausing();
  campaigns_.erase(campaign_id);
  if (!cancelled_while_pausing || stop.stop_requested()) co_return;
  Status ended = co_await EndCancelled(campaign_id);
  if (!ended) log::Err("agent", "a cancelled campaign has no end yet", {{"campaign_id", campaign_id}, {"error", ended.error().context}});
}

// Its action is stored; what had begun gets its end.
Task<Status> CampaignManager::EndCancelled(std::string campaign_id) {
  const Claim claim(this, campaign_id);
  if (!claim.mine()) co_return Error{ErrorCode::kAlreadyExists, "campaign " + campaign_id + " is being started"};
  Result<StoredCampaign> stored = co_await LoadStopped(campaign_id);
  if (!stored) co_return stored.error();
  if (!IsEndState(stored.value().state)) StartCampaign(std::move(stored).value());
  co_return OkStatus();
}

}  // namespace passnet::agent
