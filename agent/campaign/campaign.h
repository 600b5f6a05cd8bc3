// One running campaign: the samples of its tasks as trajectories with bounded concurrency, its budget, its end. Every
// task's first sample comes before any second one; where later ones start from the best, a task has one at a time.
// While what they share does not work it is parked: everything waits and goes on by itself. What needs a person pauses
// it.
// Threads: loop-only. Borrows: the ports, until Run has ended. Owns: launch, client, budget, trajectories.
// Errors of Run: none; what ends it early is a campaign_state with its reason, or a log line when the journal is
// broken.
#pragma once

#include <deque>
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
#include "agent/campaign/park_watch.h"
#include "agent/llm/client.h"
#include "agent/llm/gate.h"
#include "agent/loop/ports.h"
#include "agent/loop/refine_loop.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/task.h"
#include "base/work_pool.h"

namespace passnet::agent {

struct CampaignPorts {
  Journal* journal = nullptr;
  EvaluationPort* evaluation = nullptr;
  SharedPart* lanes = nullptr;  // null: nobody tells whether they work
  GateRegistry* gates = nullptr;
  const EndpointBook* endpoints = nullptr;
  Sleeper* sleeper = nullptr;
  const Clock* clock = nullptr;
  WorkPool* pool = nullptr;
  ParkOptions park;
  std::function<double()> jitter;
  std::function<Result<std::unique_ptr<LlmClient>>(EndpointOptions)> open_endpoint;
  // Comes after Run's stop: nothing that is on its way is waited for any more. Set by the manager.
  std::stop_token hang_up;
};

class Campaign {
 public:
  // `stored` is a new campaign (launched, nothing else) or an unfinished one.
  Campaign(StoredCampaign stored, CampaignPorts ports);

  // Until every trajectory has ended, the operator cancels or pauses, or the daemon stops (the campaign then stays
  // unfinished, and replies that are on their way are waited for until CampaignPorts::hang_up).
  Task<void> Run(std::stop_token stop);
  // Trajectories that rested for the pause have no end yet; another start gives it to them.
  bool cancelled_while_pausing() const {
    return cancel_.stop_requested() && pause_.stop_requested() && !trajectory_failed_;
  }
  // By the operator: trajectories end as cancelled.
  void Cancel() { cancel_.request_stop(); }
  // By the operator: nothing further begins, replies that are on their way are waited for.
  void Pause(std::string reason);

  const std::string& id() const { return stored_.launch.campaign_id; }
  // What its trajectories share, as far as it is there.
  std::vector<SharedPart*> parts() const;
  // Trajectories that are under way now, and whether they wait for what they share.
  int64_t under_way() const { return under_way_; }
  bool parked() const { return state_ == "parked"; }

 private:
  // Beside the label of a campaign_state.
  struct StateDetail {
    std::string reason;
    std::string what;              // that does not work, while parked
    int64_t next_try_utc_us = 0;   // while parked
    bool held = false;             // paused until the operator resumes it
  };

  Status OpenEndpoint();
  Task<void> Work(std::stop_token stop);
  Task<Status> Prepare();
  Task<Status> CheckEnvironment(std::stop_token ends);
  Task<void> Watch(std::stop_token stop);
  Task<Status> TakeOutage(std::optional<Outage> outage);
  Task<Status> TellHealth();

  // A sample of a task, in the order in which they are played.
  struct Turn {
    size_t task = 0;  // in the launch
    int64_t sample = 1;
  };
  Task<void> RunTrajectories(std::stop_token stop);
  // The task's next sample, if it has one, after what stands in line already.
  void LineUpAfter(Turn turn);
  Task<void> RunTrajectory(Turn turn, StoredTrajectory stored, std::stop_token stop);
  Task<Status> Drive(RefineLoop* loop, std::string trajectory_id, std::stop_token stop);
  TrajectoryPlan PlanOf(Turn turn, const StoredTrajectory& stored, std::stop_token time_is_over) const;
  LoopPorts PortsOfLoop();
  void TakeEnd(Turn turn, const std::string& trajectory_id, const TrajectoryFold& fold);
  void StopFor(const std::string& trajectory_id, const Error& error);
  bool StartsFromBest() const { return stored_.launch.spec.restart == RestartKind::kBest; }
  const std::string& NameOf(Turn turn) const { return stored_.launch.tasks[turn.task].name; }
  // Whether a sample of the task that has not begun is wanted at all.
  bool MayBegin(const std::string& task) const;
  bool WallIsOver() const;
  // Whether an earlier life has left trajectories that have to come to their ends.
  bool HasBegun() const;
  // When a trajectory has to come to its end, and by which limit.
  std::optional<WallLimit> WallLimitOf(const StoredTrajectory& stored) const;
  Task<void> End(std::stop_token stop);
  Task<Status> SetState(std::string state, StateDetail detail);

  StoredCampaign stored_;
  const CampaignPorts ports_;
  Budget budget_;
  std::string state_;         // as stored last
  std::stop_source cancel_;
  std::stop_source pause_;
  std::stop_source no_more_;  // nothing further begins: cancel, pause or the daemon's end
  std::unique_ptr<LlmClient> client_;
  std::shared_ptr<Gate> gate_;
  StateDetail pause_detail_;
  int64_t under_way_ = 0;     // trajectories
  int64_t ended_ = 0;         // trajectories, since it was launched, resumed or taken up after a restart
  int64_t ended_infra_ = 0;
  bool trajectory_failed_ = false;         // one cannot go on, for no reason of its own; so nothing does
  std::deque<Turn> turns_;                 // in line
  std::map<std::string, int64_t> solved_;  // samples, by task

  // What its state is told from while it runs.
  bool prepared_ = false;
  std::optional<Outage> lane_outage_;   // it does not come up; until it was looked at once
  std::optional<Outage> parts_outage_;  // as the watch has told it
  std::optional<Outage> told_outage_;   // as stored last
  bool tells_ = false;                  // a state is on its way to the journal
  passnet::Event told_;
};

}  // namespace passnet::agent
