// The evaluation port over lanes. A lane is one timing core with one or more evaluator processes that take turns on it:
// while one of them times, another compiles, captures or waits for TorchInductor; the core's lock keeps measurements apart.
// The pool pulls: requests wait in the loop (lane_queue.h), and a process that is free takes the next one. Where it costs
// nothing, a request goes to the process that keeps its task's captures, a baseline to one with a warm TorchInductor.
// Processes are started when something waits, and again after they died; what a process could not even begin goes back to
// the front of the queue, and so does, once, a description or a baseline whose evaluator ended. An evaluation has its
// second try in evaluator/client/second_try.h, unchanged. A process that fails again and again is tried ever more seldom
// (agent/health/breaker.h); while all do, requests wait.
// Threads: loop-only; facts() and state() are thread-safe. Owns: processes, their threads and clients. Borrows: clock and
// sleeper.
// Errors: kCancelled, and what the evaluator failed with. Environment alone: kUnavailable while no lane can serve.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/campaign/lane_dispatch.h"
#include "agent/health/breaker.h"
#include "agent/loop/ports.h"

namespace passnet::agent {

class LanePool : public EvaluationPort, public SharedPart {
 public:
  // At least one lane.
  explicit LanePool(std::vector<LaneSetup> lanes, const LanePoolOptions& options = {});
  ~LanePool() override;

  Task<Result<evaluator::EvaluationReport>> Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                     std::stop_token cancel) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override;
  Task<Result<evaluator::BaselineReport>> Baseline(Asker asker, evaluator::BaselineRequest request,
                                                   std::stop_token cancel) override;
  // Whoever asked and got none has the pool try on until a lane is up.
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override;
  PortTally tally(const std::string& task) const override;

  std::optional<Outage> outage() const override;
  passnet::Event& changed() override;

  // Nothing starts any more; what runs, starts included, ends within seconds. Requests end with kCancelled; those that
  // are thrown away are named in the log.
  void Stop();
  // After Stop: returns once nothing is under way.
  Task<void> Ended();

  LanePoolFacts facts() const;
  // "busy" when any process works, "down" when none can, else "idle".
  std::string state() const;

 private:
  template <typename T, typename Fn>
  Task<Result<T>> Ask(LaneTicketPtr ticket, std::stop_token cancel, Fn fn);

  // Shared with the coroutines of its own that are under way.
  const std::shared_ptr<LaneDispatch> dispatch_;
};

}  // namespace passnet::agent
