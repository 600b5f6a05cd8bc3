// Watches one started program to its end: streams, limits, violations, cancelling; decides what its end means.
// Used by run.cc only.
// Threads: blocking. Borrows: the WatchedRun. After UntilEnd nothing of the tree is alive.
// Errors: kCancelled, kDeadlineExceeded (the caller's), kIo; each of them after the tree has been killed.
#pragma once

#include <linux/seccomp.h>

#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/captured_stream.h"
#include "sandbox/cgroup.h"
#include "sandbox/launcher.h"
#include "sandbox/limits.h"
#include "sandbox/outcome.h"
#include "sandbox/policy.h"
#include "sandbox/run.h"

namespace passnet::sandbox {

struct WatchedRun {
  // Before the process, so that it is destroyed (and the group removed) after the process has been reaped.
  std::optional<Cgroup> cgroup;
  JailProcess jail;
  UniqueFd out;
  UniqueFd err;
  UniqueFd listener;
};

class RunWatch {
 public:
  RunWatch(WatchedRun& run, const Limits& limits, int cancel_fd, Deadline deadline);

  // Calls that come to the listener are answered as `policy` (borrowed) does and kept, instead of ending the run.
  void TellRefused(const SyscallPolicy* policy) { answers_ = policy; }

  Status UntilEnd();

  const RunOutcome& outcome() const { return *outcome_; }
  const Accounting& accounting() const { return accounting_; }
  const std::vector<RefusedCall>& refused() const { return refused_; }
  CapturedStream TakeOut() { return std::move(out_).Finish(); }
  CapturedStream TakeErr() { return std::move(err_).Finish(); }

 private:
  void PollOnce();
  void Sample();
  void ReadStream(UniqueFd& pipe, StreamKeeper& keeper, const char* name);
  void ReadControl();
  void ReadViolation();
  void AnswerRefused(const seccomp_notif& notice);
  void Decide(RunOutcome outcome);
  void DecideAndKill(OutcomeKind kind, std::string reason);
  void DecideFromStatus(int status);
  void DecideFromEnd(const JailProcess::End& end);
  void Stop(ErrorCode code, const char* why);
  std::optional<Nanos> TreeCpu() const;

  WatchedRun& run_;
  const Limits limits_;
  const int cancel_fd_;
  const Deadline deadline_;
  const SteadyTime started_;
  const Deadline wall_limit_;
  StreamKeeper out_;
  StreamKeeper err_;
  const SyscallPolicy* answers_ = nullptr;
  std::vector<RefusedCall> refused_;
  std::optional<RunOutcome> outcome_;  // the first cause that was seen
  std::optional<int> status_;          // the program's wait status, as pid 1 reported it
  std::optional<Error> stopped_;
  bool control_done_ = false;          // it has told how the program failed to start or ended, or was closed
  bool ending_ = false;                // killed by us, or leaving by itself
  Accounting accounting_;
};

}  // namespace passnet::sandbox
