// Which process of the lanes takes which request, and when one is started: the pool's state and its decisions.
// Threads: loop-only; facts() is thread-safe. Owns: processes, what waits, and coroutines of its own, which keep it alive
// until Ended has waited for them or their loop has ended. Borrows: clock and sleeper.
// Errors: as agent/campaign/lane_pool.h.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/campaign/lane_process.h"
#include "agent/campaign/lane_queue.h"
#include "agent/health/breaker.h"
#include "agent/llm/sleeper.h"
#include "agent/loop/ports.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/task.h"

namespace passnet::agent {

struct LaneSetup {
  std::string name;
  StartLaneFn start;
  int64_t processes = 1;
  int64_t timing_core = -1;
};

struct LanePoolOptions {
  Nanos start_limit = std::chrono::seconds(120);  // imports torch; measured 2 to 10 s on two busy cores
  Nanos evaluate_limit = std::chrono::minutes(30);
  Nanos baseline_limit = std::chrono::minutes(30);
  Nanos describe_limit = std::chrono::minutes(10);
  BreakerOptions breaker;
  const Clock* clock = &Clock::System();
  Sleeper* sleeper = nullptr;  // null: timers of the loop
};

// One process of the pool, for reports of the daemon's state.
struct LaneFacts {
  std::string name;
  std::string lane;
  int64_t timing_core = -1;  // -1: the last online core
  std::string state;         // "off" | "starting" | "idle" | "busy" | "down"
  std::string working_on;
  std::string campaign_id;   // for which it works
  int64_t served = 0;
  int64_t starts = 0;
  std::string last_error;
  std::optional<Outage> outage;  // while it fails again and again
};

struct LanePoolFacts {
  std::vector<LaneFacts> processes;
  std::map<std::string, int64_t> waiting;  // requests, by campaign
  std::optional<Outage> outage;            // while no process can serve
};

class LaneDispatch : public std::enable_shared_from_this<LaneDispatch> {
 public:
  LaneDispatch(std::vector<LaneSetup> lanes, const LanePoolOptions& options);
  // Ends every process and waits for its thread.
  void End();

  // The ticket waits from now on; `changed` of it tells that it is done.
  void Enter(boost::asio::any_io_executor executor, LaneTicketPtr ticket);
  // Nobody waits for it any more.
  void Leave(const LaneTicketPtr& ticket);
  // The same as long as no process works on it; else false, and nothing changes.
  bool Withdraw(const LaneTicketPtr& ticket);
  Task<Result<LaneEnvironment>> Environment(std::stop_token cancel);
  void Stop();
  Task<void> Ended();

  const LanePoolOptions& options() const { return options_; }
  bool stopped() const { return stopped_; }
  PortTally tally(const std::string& task) const;
  std::optional<Outage> outage() const;
  passnet::Event& outage_changed() { return outage_changed_; }
  LanePoolFacts facts() const;

 private:
  using Self = std::shared_ptr<LaneDispatch>;
  static Task<void> Bring(Self self, LaneProcess* process, uint64_t try_number);
  static Task<void> Serve(Self self, LaneProcess* process, LaneTicketPtr ticket, uint64_t try_number);
  static Task<void> Retry(Self self, Deadline at, std::stop_token cancelled);
  void Spawn(Task<void> task);

  void Dispatch();
  void AssignIdle();
  LaneTicketPtr Next(const std::vector<LaneProcess*>& idle);
  static LaneProcess* BestOf(const std::vector<LaneProcess*>& idle, const LaneTicket& ticket);
  void StartWanted();
  void ArmRetry();
  void GiveUpStarts();
  void Came(LaneProcess* process, uint64_t try_number, const Result<LaneEnvironment>& up);
  void Settle(LaneProcess* process, const LaneTicketPtr& ticket, uint64_t try_number, const LaneServed& served);
  void Fail(LaneProcess* process, uint64_t try_number, const Error& error);
  void CountFailure(const std::string& task);
  void Finish(const LaneTicketPtr& ticket);
  void TellWhatIsThrownAway() const;
  void Publish();

  bool AnyUp() const;
  // How many processes somebody waits for.
  size_t Wanted() const;

  const LanePoolOptions options_;
  const std::unique_ptr<Sleeper> own_sleeper_;
  Sleeper* const sleeper_;
  std::vector<std::unique_ptr<LaneProcess>> processes_;
  std::vector<LaneFacts> names_;  // what never changes in the facts of each
  LaneQueue queue_;
  PinnedEnvironment pinned_;
  bool environment_asked_ = false;  // and not got since: reason enough to have a lane
  // Requests that ended, as PortTally tells them.
  struct Ends {
    int64_t succeeded = 0;
    int64_t failed = 0;
    int64_t failed_once_measured = 0;
  };
  Ends ends_;
  std::map<std::string, Ends> ends_of_;  // by task
  bool stopped_ = false;

  boost::asio::any_io_executor executor_;
  int64_t under_way_ = 0;  // coroutines of ours
  passnet::Event ended_;            // one of them has
  passnet::Event moved_;            // a start has ended, or everything has
  std::optional<Deadline> retry_at_;
  std::stop_source retry_cancel_;

  std::optional<Outage> told_outage_;
  passnet::Event outage_changed_;
  mutable std::mutex mutex_;
  LanePoolFacts facts_;  // guarded by mutex_: the latest, for other threads
};

}  // namespace passnet::agent
