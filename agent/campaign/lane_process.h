// One evaluator process of a lane: the thread that makes its blocking calls (`pn-work-lane`), its client, its breaker and
// what is known of it. The evaluator ends with the thread that started it, so that thread lives as long as this.
// Threads: loop-only. Owns: the thread and, on that thread, the client.
// Errors: of Start: whatever kept the evaluator from coming up, kUnavailable when its environment is not the pinned one,
// kCancelled (given up). Serve has none: what went wrong is in what it returns.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/campaign/lane_queue.h"
#include "agent/health/breaker.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "base/work_pool.h"
#include "evaluator/client/lane_client.h"

namespace passnet::agent {

using LaneEnvironment = std::map<std::string, std::string>;
// All processes of a pool must have it, or their figures could not be compared; null: none is known yet.
using PinnedEnvironment = std::shared_ptr<const LaneEnvironment>;

// Called on the process's thread. Once `stop` is requested, the client and what it does end.
using StartLaneFn = std::function<Result<std::unique_ptr<evaluator::LaneClient>>(Deadline, std::stop_token stop)>;

// What became of a request on a process.
struct LaneServed {
  bool up = false;               // the evaluator is still there
  bool lane_down = false;        // no evaluator was there to be asked: the failure says nothing about the request
  std::optional<Error> failure;  // on our side; not first, or an Error would do for the whole
};

class LaneProcess {
 public:
  enum class State { kOff, kStarting, kIdle, kBusy };

  LaneProcess(std::string process_name, StartLaneFn start, BreakerOptions breaker_options, const Clock* clock);
  ~LaneProcess() { End(); }

  // Blocking calls on the thread, one at a time. Renew before each start: what was given up stays so until then.
  void Renew() { life_ = std::stop_source(); }
  Task<Result<LaneEnvironment>> Start(Nanos limit, PinnedEnvironment pinned);
  Task<LaneServed> Serve(LaneTicketPtr work, Nanos start_limit, PinnedEnvironment pinned);

  // Whatever is under way ends within a second.
  void GiveUp() { life_.request_stop(); }
  bool given_up() const { return life_.stop_requested(); }
  // The evaluator ends, soon; nothing is under way.
  void Close();
  // Gives up and waits for the thread. Nothing may be asked any more.
  void End();

  void Remember(const LaneTicket& work);
  void Forget();
  bool Keeps(const std::string& task) const;

  const std::string name;
  Breaker breaker;
  State state = State::kOff;
  LaneTicketPtr ticket;    // what it works on
  uint64_t open_try = 0;   // of the breaker: came up, and has yet to show that it can serve; 0: none
  bool doubtful = false;   // its last failure was a request's, not a start's
  bool warm = false;       // has measured a baseline: it keeps a warm TorchInductor
  int64_t served = 0;
  int64_t starts = 0;
  std::string last_error;

 private:
  struct Held;

  const std::shared_ptr<Held> held_;
  std::stop_source life_;        // of the present client
  std::list<std::string> tasks_;  // the latest ones worked on, whose captures are kept
  std::unique_ptr<WorkPool> thread_;
};

}  // namespace passnet::agent
