// One trajectory of mode refine: prompt, call, parse, evaluate, feed back, until a limit; then the best candidate is
// measured once more with the scoring profile. Every step is durable before the next one begins, and the next step is
// always decided from what is durable (trajectory_fold.h), so that a killed daemon goes on where it was.
// Threads: loop-only. Borrows: everything in LoopPorts until Run has ended.
// Errors of Run: kCancelled (the daemon stops, or a pause; the trajectory stays unfinished and goes on later), and what the
// journal returned when it is broken. Whatever happens to endpoint, evaluator or candidate is an outcome, not an Error.
#pragma once

#include <stop_token>

#include "agent/loop/asking.h"
#include "agent/loop/live_trajectory.h"
#include "agent/loop/measuring.h"

namespace passnet::agent {

class RefineLoop {
 public:
  // `options` and `texts` are the campaign's pinned ones and outlive the loop.
  RefineLoop(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts, LoopPorts ports,
             TrajectoryFold fold);
  RefineLoop(const RefineLoop&) = delete;
  RefineLoop& operator=(const RefineLoop&) = delete;

  // `stop`: the daemon ends, `pause`: the campaign rests: it takes no further step; a reply that is on its way is waited
  // for (after `stop` until LoopPorts::hang_up), an evaluation is asked for again later. `cancel`: the operator ends this
  // trajectory.
  Task<Status> Run(std::stop_token stop, std::stop_token cancel, std::stop_token pause = {});

  const TrajectoryFold& fold() const { return trajectory_.fold(); }

 private:
  Task<Status> Do(NextStep step);
  Task<Status> Start();
  Task<Status> RenderFirstRound();
  Task<Status> RenderLaterRound();
  Task<Status> Parse();
  Task<Status> Feedback();
  Task<Status> CannotRender(Error problem);
  Task<Status> Finish();
  Task<Status> CancelNow();

  LiveTrajectory trajectory_;
  Asking asking_;
  Measuring measuring_;
};

}  // namespace passnet::agent
