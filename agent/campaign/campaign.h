// One running campaign: the samples of its tasks as trajectories with bounded concurrency, its budget, its end. Every
// task's first sample comes before any second one.
// Threads: loop-only. Borrows: the ports, until Run has ended. Owns: launch, client, budget, trajectories.
// Errors of Run: none; what ends it early is a campaign_state with its reason, or a log line when the journal is
// broken.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/budget/budget.h"
#include "agent/campaign/endpoints.h"
#include "agent/campaign/launch.h"
#include "agent/llm/adaptive_limiter.h"
#include "agent/llm/client.h"
#include "agent/loop/ports.h"
#include "agent/loop/refine_loop.h"
#include "base/clock.h"
#include "base/task.h"
#include "base/work_pool.h"

namespace passnet::agent {

struct CampaignPorts {
  Journal* journal = nullptr;
  EvaluationPort* evaluation = nullptr;
  LimiterRegistry* limiters = nullptr;
  const EndpointBook* endpoints = nullptr;
  Sleeper* sleeper = nullptr;
  const Clock* clock = nullptr;
  WorkPool* pool = nullptr;
  std::function<double()> jitter;
  std::function<Result<std::unique_ptr<LlmClient>>(EndpointOptions)> open_endpoint;
};

class Campaign {
 public:
  // `stored` is a new campaign (launched, nothing else) or an unfinished one.
  Campaign(StoredCampaign stored, CampaignPorts ports);

  // Until every trajectory has ended, the operator cancels, or the daemon stops (the campaign then stays unfinished).
  Task<void> Run(std::stop_token stop);
  // By the operator: trajectories end as cancelled.
  void Cancel() { cancel_.request_stop(); }

  const std::string& id() const { return stored_.launch.campaign_id; }

 private:
  Task<Status> Prepare(std::stop_token stop);
  Task<Status> CheckEnvironment(std::stop_token stop);
  Task<void> RunTrajectories(std::stop_token stop);
  Task<void> RunTrajectory(CampaignTask task, StoredTrajectory stored, std::stop_token stop);
  // Whether a sample of the task that has not begun is wanted at all.
  bool MayBegin(const std::string& task) const;
  bool WallIsOver() const;
  // When a trajectory has to come to its end, and by which limit.
  std::optional<WallLimit> WallLimitOf(const StoredTrajectory& stored) const;
  Task<Status> SetState(std::string state, std::string reason, std::stop_token stop);
  std::string EndState() const;

  StoredCampaign stored_;
  const CampaignPorts ports_;
  Budget budget_;
  std::stop_source cancel_;
  std::unique_ptr<LlmClient> client_;
  std::shared_ptr<AdaptiveLimiter> limiter_;
  std::string endpoint_failure_;  // no call will succeed any more: nothing new is started
  std::string journal_failure_;
  std::map<std::string, int64_t> solved_;  // samples, by task
};

}  // namespace passnet::agent
