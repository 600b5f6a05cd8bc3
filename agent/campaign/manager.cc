#include "agent/campaign/manager.h"

#include <nlohmann/json.hpp>
#include <stop_token>
#include <utility>

#include "agent/loop/durable_steps.h"
#include "base/ids.h"
#include "base/log.h"

namespace passnet::agent {
namespace {

using trajectories::EventKind;
using trajectories::Reader;

constexpr int64_t kPage = 1000;

Result<std::vector<StoredCampaign>> LoadUnfinished(const std::string& path) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(path));
  std::vector<StoredCampaign> unfinished;
  for (int64_t after = 0;;) {
    ASSIGN_OR_RETURN(auto page, reader->Campaigns(after, kPage));
    for (const auto& campaign : page) {
      after = campaign.first_row_id;
      if (IsEndState(campaign.state)) continue;
      ASSIGN_OR_RETURN(auto stored, LoadCampaign(*reader, campaign.campaign_id));
      unfinished.push_back(std::move(stored));
    }
    if (page.size() < static_cast<size_t>(kPage)) return unfinished;
  }
}

}  // namespace

CampaignManager::CampaignManager(boost::asio::any_io_executor executor, CampaignPorts ports, ManagerOptions options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      group_(executor, options_.max_campaigns) {}

Task<Status> CampaignManager::Resume() {
  auto load = [path = options_.journal_path] { return LoadUnfinished(path); };
  Result<std::vector<StoredCampaign>> unfinished = co_await RunBlocking(ports_.pool, std::move(load));
  if (!unfinished) co_return unfinished.error();
  for (StoredCampaign& stored : unfinished.value()) {
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
  auto endpoint = EndpointOf(spec.endpoint);
  if (!endpoint) co_return endpoint.error();
  StoredCampaign stored;
  stored.launch.campaign_id = NewId("c");
  auto resolve = [tasks = spec.tasks] { return ResolveTasks(tasks); };
  Result<std::vector<CampaignTask>> tasks = co_await RunBlocking(ports_.pool, std::move(resolve));
  if (!tasks) co_return tasks.error();
  auto environment = co_await ports_.lane->Environment(stop_.get_token());
  if (!environment) co_return environment.error().Prefixed("lane");
  stored.launch.spec = std::move(spec);
  stored.launch.tasks = std::move(tasks).value();
  stored.launch.environment = std::move(environment).value();
  stored.launch.prompts = prompts::ShippedPrompts();
  stored.launch.build = options_.build;
  auto steps = std::make_shared<std::vector<Step>>();
  steps->push_back(ToStep(stored.launch));
  Status written = co_await ports_.journal->Append(std::move(steps), stop_.get_token());
  if (!written) co_return written.error();
  StepIsDurable(EventKind::kCampaignLaunched);
  stored.state = "launched";
  std::string id = stored.launch.campaign_id;
  StartCampaign(std::move(stored));
  co_return id;
}

Task<Status> CampaignManager::Cancel(std::string campaign_id, std::string who) {
  if (campaigns_.count(campaign_id) == 0) {
    co_return NotFound("campaign " + campaign_id + " is not running: it is unknown, paused or has ended");
  }
  nlohmann::ordered_json payload = {{"who", who}};
  Step step;
  step.event.campaign_id = campaign_id;
  step.event.kind = EventKind::kOperatorAction;
  step.event.label = "cancel";
  step.event.payload = payload.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  auto steps = std::make_shared<std::vector<Step>>();
  steps->push_back(std::move(step));
  Status written = co_await ports_.journal->Append(std::move(steps), stop_.get_token());
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
