#include "sandbox/run_watch.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "sandbox/policy.h"
#include "sandbox/process_tree.h"

namespace passnet::sandbox {
namespace {

constexpr uint64_t kKillAtCaps = 4;  // docs/sandbox.md, "What decides the outcome"
constexpr Millis kSamplePeriod = kMemoryLookPeriod;
constexpr std::chrono::seconds kReapPatience{5};
constexpr size_t kMaxRefusedCalls = 256;  // different ones; a program of ours knows some dozens

std::string Seconds(std::chrono::nanoseconds span) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  return std::to_string(millis / 1000) + "." + std::to_string(millis % 1000 + 1000).substr(1) + " s";
}

// A call by its name, with the command of those that have one.
std::string NameOf(const seccomp_data& call) {
  const bool second = call.nr == SYS_ioctl || call.nr == SYS_fcntl;
  if (!second && call.nr != SYS_prctl) return SyscallName(call.nr);
  char command[32];
  snprintf(command, sizeof command, " 0x%x", static_cast<uint32_t>(call.args[second ? 1 : 0]));
  return SyscallName(call.nr) + command;
}

Nanos CpuOf(const rusage& usage) {
  const auto of = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

RunWatch::RunWatch(WatchedRun& run, const Limits& limits, int cancel_fd, Deadline deadline)
    : run_(run),
      limits_(limits),
      cancel_fd_(cancel_fd),
      deadline_(deadline),
      started_(Clock::System().Now()),
      wall_limit_(Deadline::At(started_ + limits.wall)),
      out_(limits.output_bytes),
      err_(limits.output_bytes) {}

Status RunWatch::UntilEnd() {
  Deadline patience = Deadline::Never();
  pollfd ended{run_.jail.pidfd(), POLLIN, 0};
  while (poll(&ended, 1, 0) == 0) {
    PollOnce();
    if (!ending_ && (outcome_ || stopped_ || status_)) {
      ending_ = true;
      patience = Deadline::After(kReapPatience);
      // After its program has ended, pid 1 ends by itself and takes everything along.
      if (!status_) run_.jail.Kill();
    }
    if (patience.Passed()) {
      return Error{ErrorCode::kIo, "sandbox run: the killed program does not end; it is stuck in the kernel"};
    }
  }
  accounting_.wall = Clock::System().Now() - started_;
  ReadControl();
  ReadStream(run_.out, out_, "standard output");
  ReadStream(run_.err, err_, "standard error");
  ASSIGN_OR_RETURN(const JailProcess::End end, run_.jail.Reap(Deadline::After(kReapPatience)));
  DecideFromEnd(end);
  if (stopped_) return *stopped_;
  return OkStatus();
}

void RunWatch::PollOnce() {
  // A closed descriptor (-1) is skipped by poll(2).
  std::array<pollfd, 6> wait{{{run_.jail.pidfd(), POLLIN, 0},
                              {run_.out.get(), POLLIN, 0},
                              {run_.err.get(), POLLIN, 0},
                              {control_done_ ? -1 : run_.jail.control(), POLLIN, 0},
                              {run_.listener.get(), POLLIN, 0},
                              {ending_ ? -1 : cancel_fd_, POLLIN, 0}}};
  const Deadline sample = Deadline::After(kSamplePeriod);
  const Deadline next = ending_ ? sample : wall_limit_.Earlier(deadline_).Earlier(sample);
  if (poll(wait.data(), wait.size(), next.PollMillis()) < 0 && errno != EINTR) {
    Stop(ErrorCode::kIo, "sandbox run: poll failed");
    return;
  }
  if (wait[4].revents & POLLIN) ReadViolation();
  if (wait[4].revents & POLLHUP) run_.listener.Reset();  // nobody is left who could make a call
  if (wait[1].revents) ReadStream(run_.out, out_, "standard output");
  if (wait[2].revents) ReadStream(run_.err, err_, "standard error");
  if (wait[3].revents) ReadControl();
  if (wait[5].revents) Stop(ErrorCode::kCancelled, "sandbox run: cancelled");
  if (ending_ || status_) return;
  if (wall_limit_.Passed()) {
    DecideAndKill(OutcomeKind::kWallTimeout, "still running after " + Seconds(limits_.wall));
  } else if (deadline_.Passed()) {
    Stop(ErrorCode::kDeadlineExceeded, "sandbox run: the caller's deadline passed");
  } else {
    Sample();
  }
}

std::optional<Nanos> RunWatch::TreeCpu() const {
  if (run_.cgroup) {
    if (const auto cpu = run_.cgroup->CpuTime()) return cpu;
  }
  return run_.jail.reaped() ? std::nullopt : std::optional<Nanos>(UsageOfTree(run_.jail.pid()).cpu);
}

void RunWatch::Sample() {
  if (run_.cgroup) {
    if (run_.cgroup->OomKills() > 0) DecideAndKill(OutcomeKind::kMemory, "used more memory than its limit");
  } else if (UsageOfTree(run_.jail.pid()).resident_bytes > limits_.memory_bytes) {
    DecideAndKill(OutcomeKind::kMemory, "used more memory than its limit");
  }
  if (const auto cpu = TreeCpu(); cpu && *cpu > limits_.cpu) {
    DecideAndKill(OutcomeKind::kCpuTimeout, "used more than " + Seconds(limits_.cpu) + " of processor time");
  }
}

void RunWatch::ReadStream(UniqueFd& pipe, StreamKeeper& keeper, const char* name) {
  char buffer[1 << 16];
  while (pipe.valid()) {
    const ssize_t got = read(pipe.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      pipe.Reset();
      return;
    }
    keeper.Add({buffer, static_cast<size_t>(got)});
    if (keeper.total() > kKillAtCaps * limits_.output_bytes) {
      DecideAndKill(OutcomeKind::kOutput, std::string(name) + " went beyond " +
                                              std::to_string(kKillAtCaps * limits_.output_bytes) + " bytes");
      return;
    }
  }
}

void RunWatch::ReadControl() {
  while (!control_done_) {
    const Result<ControlMessage> received = ReceiveControl(run_.jail.control(), Deadline::After(Nanos(0)));
    if (received.has_error()) {
      // poll(2) tells a hang-up whether asked or not: looked at further, the wait for the last process would be a spin.
      control_done_ = received.error().code == ErrorCode::kUnavailable;
      return;
    }
    if (received->message.kind == LaunchMessageKind::kFailed) {
      control_done_ = true;
      Decide({OutcomeKind::kSetupFailed, 0, 0, 0, SetupError(received->message.error).context});
    } else if (received->message.kind == LaunchMessageKind::kEnded) {
      control_done_ = true;
      status_ = received->message.wait_status;
    }
  }
}

void RunWatch::ReadViolation() {
  seccomp_notif notice;
  memset(&notice, 0, sizeof notice);
  if (ioctl(run_.listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &notice) != 0) return;
  if (answers_ != nullptr) return AnswerRefused(notice);
  const std::string name = SyscallName(notice.data.nr);
  RunOutcome violation{OutcomeKind::kSyscall, 0, SIGSYS, notice.data.nr, "made the forbidden system call " + name};
  Decide(std::move(violation));
}

void RunWatch::AnswerRefused(const seccomp_notif& notice) {
  seccomp_notif_resp response{};
  response.id = notice.id;
  response.error = -answers_->ErrnoOf(notice.data.nr);
  ioctl(run_.listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);  // fails only for a caller that has ended meanwhile
  const std::string name = NameOf(notice.data);
  const auto known = std::find_if(refused_.begin(), refused_.end(), [&](const RefusedCall& each) { return each.name == name; });
  if (known != refused_.end()) {
    ++known->times;
  } else if (refused_.size() < kMaxRefusedCalls) {
    refused_.push_back({name, 1});
  }
}

void RunWatch::Decide(RunOutcome outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
}

void RunWatch::DecideAndKill(OutcomeKind kind, std::string reason) {
  Decide({kind, 0, SIGKILL, 0, std::move(reason)});
}

void RunWatch::Stop(ErrorCode code, const char* why) {
  if (!stopped_) stopped_ = Error{code, why};
}

void RunWatch::DecideFromStatus(int status) {
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    Decide({OutcomeKind::kExited, code, 0, 0, "exited with code " + std::to_string(code)});
    return;
  }
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  switch (signal) {
    case SIGSYS:
      // Calls of our own architecture come through the listener; what the kernel kills at once is a foreign one.
      return Decide({OutcomeKind::kSyscall, 0, signal, -1, "made a system call of a foreign architecture"});
    case SIGXCPU:
      return Decide({OutcomeKind::kCpuTimeout, 0, signal, 0, "used up its processor time"});
    case SIGXFSZ:
      return Decide({OutcomeKind::kOutput, 0, signal, 0,
                     "wrote a file beyond " + std::to_string(limits_.file_bytes) + " bytes"});
    default:
      return Decide({OutcomeKind::kSignalled, 0, signal, 0, std::string("killed by signal ") + std::to_string(signal) +
                                                                " (" + strsignal(signal) + ")"});
  }
}

void RunWatch::DecideFromEnd(const JailProcess::End& end) {
  accounting_.cpu = CpuOf(end.usage);
  accounting_.peak_process_rss_bytes = static_cast<uint64_t>(end.usage.ru_maxrss) * 1024;
  if (run_.cgroup) {
    if (const auto cpu = run_.cgroup->CpuTime()) accounting_.cpu = *cpu;
    accounting_.peak_memory_bytes = run_.cgroup->PeakMemoryBytes();
    // The kernel may have killed a compiler's child: the driver then only exits with an error of its own.
    if (run_.cgroup->OomKills() > 0) {
      Decide({OutcomeKind::kMemory, 0, SIGKILL, 0, "used more memory than its limit"});
    }
  }
  const bool clean = status_ && WIFEXITED(*status_) && WEXITSTATUS(*status_) == 0;
  if (!clean && accounting_.cpu > limits_.cpu) {
    Decide({OutcomeKind::kCpuTimeout, 0, SIGKILL, 0, "used more than " + Seconds(limits_.cpu) + " of processor time"});
  }
  DecideFromStatus(status_.value_or(end.wait_status));
}

}  // namespace passnet::sandbox
