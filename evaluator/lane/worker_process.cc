#include "evaluator/lane/worker_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"
#include "sandbox/child.h"

namespace passnet::evaluator {
namespace {

constexpr uint32_t kMaxReplyBytes = 16u << 20;  // a description of a 2,000-node graph is below 2 MiB
constexpr std::chrono::seconds kParentWait{10};

Status SendSignal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0) {
    return Error::FromErrno("pidfd_send_signal", "worker", errno);
  }
  return OkStatus();
}

constexpr int kMaxErrno = 4095;               // of Linux

// A new child says whether its plan holds before it does anything else.
Status ExpectJailed(WorkerChannel& channel, const std::string& role, Deadline deadline) {
  const std::string who = "the " + role + " process";
  ASSIGN_OR_RETURN(FrameWithFds frame, channel.ReceiveFrame(deadline, kMaxReplyBytes));
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame.json, who));
  bool jailed = false;
  std::string step = "?", what = "?";
  int err = 0;
  RETURN_IF_ERROR(ReadAnswer(answer, who, [&](FieldVisitor& fields) {
    fields.Required("jailed");
    fields.Flag("jailed", &jailed);
    fields.Text("step", &step);
    fields.Text("what", &what);
    VisitInteger(fields, "errno", &err, 0, kMaxErrno);
  }));
  if (jailed) return OkStatus();
  return Error{ErrorCode::kPermissionDenied, "sandbox of " + who + ": step " + step + " (" + what +
                                                 ") failed: " + std::strerror(err) + "; run passnet doctor"};
}

struct Forked {
  UniqueFd pidfd;
  int64_t pid = -1;  // in the parent's pid namespace
};

Result<Forked> AskForFork(ForkParent& parent, const ForkSpec& spec, const std::vector<int>& fds, Deadline deadline) {
  const std::string who = "the parent of the " + spec.role + " process";
  const Json command = {{"cmd", "fork"}, {"role", spec.role}, {"plan", spec.plan}};
  std::lock_guard lock(parent.exchange());
  RETURN_IF_ERROR(parent.channel().SendFrame(command.Dump(), fds, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, parent.channel().ReceiveFrame(deadline, kMaxReplyBytes));
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame.json, who));
  Forked forked;
  RETURN_IF_ERROR(ReadAnswer(answer, who, [&](FieldVisitor& fields) {
    fields.Required("pid");
    fields.Integer("pid", &forked.pid, 1, std::numeric_limits<pid_t>::max());
  }));
  if (frame.fds.size() != 1) return DataCorrupt(who + " sent " + std::to_string(frame.fds.size()) + " descriptors");
  forked.pidfd = std::move(frame.fds[0]);
  return forked;
}

// How a child ended, asked of its parent.
Result<WorkerEnd> AskForEnd(ForkParent& parent, int64_t pid, Deadline deadline) {
  const Json command = {{"cmd", "wait"}, {"pid", pid}};
  std::lock_guard lock(parent.exchange());
  RETURN_IF_ERROR(parent.channel().SendFrame(command.Dump(), {}, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, parent.channel().ReceiveFrame(deadline, kMaxReplyBytes));
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame.json, "the parent process"));
  WorkerEnd end;
  end.known = true;
  RETURN_IF_ERROR(ReadAnswer(answer, "the parent process", [&](FieldVisitor& fields) {
    fields.Required(answer.Has("signalled") ? "signalled" : "exited");
    VisitInteger(fields, "exited", &end.exit_code, 0, 255);
    VisitInteger(fields, "signalled", &end.signal, 1, 64);
  }));
  return end;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Fork(std::shared_ptr<ForkParent> parent, const ForkSpec& spec,
                                                           Deadline deadline) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess);
  worker->output_.Reset(::memfd_create("passnet-output", MFD_CLOEXEC));
  if (!worker->output_.valid()) return Error::FromErrno("memfd_create", "output", errno);
  ASSIGN_OR_RETURN(auto ends, WorkerChannel::Pair());
  worker->channel_ = WorkerChannel(std::move(ends.first));

  ASSIGN_OR_RETURN(Forked forked, AskForFork(*parent, spec, {ends.second.get(), worker->output_.get()}, deadline));
  worker->pidfd_ = std::move(forked.pidfd);
  worker->pid_in_parent_ = forked.pid;
  worker->parent_ = std::move(parent);
  ends.second.Reset();
  ASSIGN_OR_RETURN(worker->pid_, sandbox::PidOf(worker->pidfd_.get()));
  if (spec.cgroup.Any() && sandbox::DetectCgroups().tier != sandbox::CgroupTier::kNone) {
    ASSIGN_OR_RETURN(sandbox::Cgroup group, sandbox::Cgroup::Create("worker", spec.cgroup));
    RETURN_IF_ERROR(group.Add(worker->pid_));
    worker->cgroup_.emplace(std::move(group));
  }
  RETURN_IF_ERROR(worker->channel_.SendFrame(spec.first_frame, spec.fds, deadline));
  RETURN_IF_ERROR(ExpectJailed(worker->channel_, spec.role, deadline));
  return worker;
}

WorkerProcess::~WorkerProcess() { End(); }

Result<Json> WorkerProcess::Command(const Json& command, const std::vector<int>& fds, Deadline deadline) {
  RETURN_IF_ERROR(channel_.SendRun(PN_RUN_FRAME, 0, 0, 0));
  RETURN_IF_ERROR(channel_.SendFrame(command.Dump(), fds, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, channel_.ReceiveFrame(deadline, kMaxReplyBytes));
  return ParseAnswer(frame.json, "worker command " + command["cmd"].Text());
}

Status WorkerProcess::Stop() { return SendSignal(pidfd_.get(), SIGSTOP); }
Status WorkerProcess::Continue() { return SendSignal(pidfd_.get(), SIGCONT); }

std::optional<std::chrono::nanoseconds> WorkerProcess::CpuTime() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

uint64_t WorkerProcess::OutputBytes() const {
  struct stat info {};
  return ::fstat(output_.get(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

std::string WorkerProcess::Output(size_t max_bytes) const {
  uint64_t size = OutputBytes();
  auto read = [&](uint64_t at, size_t count) {
    std::string bytes(count, '\0');
    ssize_t got = ::pread(output_.get(), bytes.data(), count, static_cast<off_t>(at));
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  };
  if (size <= max_bytes) return read(0, static_cast<size_t>(size));
  return read(0, max_bytes / 2) + "\n… " + std::to_string(size - max_bytes) + " bytes left out …\n" +
         read(size - max_bytes / 2, max_bytes / 2);
}

bool WorkerProcess::AwaitExit(Deadline deadline) const {
  pollfd ended{pidfd_.get(), POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&ended, 1, deadline.PollMillis());
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

WorkerEnd WorkerProcess::End() {
  if (end_) return *end_;
  WorkerEnd end;
  if (parent_ != nullptr) {
    // A stopped process dies of SIGKILL like any other; its pid namespace goes with it.
    (void)SendSignal(pidfd_.get(), SIGKILL);
    if (auto told = AskForEnd(*parent_, pid_in_parent_, Deadline::After(kParentWait))) end = told.value();
    if (cgroup_) end.out_of_memory = end.signal == SIGKILL && cgroup_->OomKills() > 0;
  }
  end_ = end;
  return end;
}

}  // namespace passnet::evaluator
