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
constexpr std::chrono::seconds kEndWait{2};  // for the end of a process that is in its exit already

struct RoleMemory {
  std::string_view role;
  uint64_t bytes;
};
// Chosen: several times what the largest real graph needs; for readers, what Python may make of 16 MiB of JSON.
constexpr RoleMemory kRoleMemory[] = {{"screen", 1ull << 30},    {"trace", 1ull << 30},    {"match", 2ull << 30},
                                      {"task", 4ull << 30},      {"inductor", 4ull << 30}, {"reference", 8ull << 30},
                                      {"baseline", 8ull << 30}};
constexpr uint64_t kOtherMemory = 4ull << 30;
constexpr uint32_t kWorkerProcesses = 512;  // and threads; TorchInductor's run compilers

// Regions that both sides map: whoever touches a page first is charged for it, and a resident size shows it in both.
uint64_t SharedBytes(const std::vector<int>& fds) {
  uint64_t bytes = 0;
  for (int fd : fds) {
    struct stat info {};
    if (::fstat(fd, &info) == 0) bytes += static_cast<uint64_t>(info.st_size);
  }
  return bytes;
}

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

// A question to a parent, and the frame that answers it.
Result<FrameWithFds> Ask(ForkParent& parent, const std::string& who, const Json& command, const std::vector<int>& fds,
                         size_t answer_fds, Deadline deadline) {
  std::lock_guard lock(parent.exchange());
  if (parent.lost()) return Error{ErrorCode::kUnavailable, who + " is asked nothing any more: an answer of its did not come"};
  if (auto sent = parent.channel().SendFrame(command.Dump(), fds, deadline); !sent) {
    parent.Lose();
    return sent.error();
  }
  auto frame = parent.channel().ReceiveFrame(deadline, kMaxReplyBytes, answer_fds);
  if (!frame) parent.Lose();
  return frame;
}

struct Forked {
  UniqueFd pidfd;
  int64_t pid = -1;  // in the parent's pid namespace
};

Result<Forked> AskForFork(ForkParent& parent, const ForkSpec& spec, const std::vector<int>& fds, Deadline deadline) {
  const std::string who = "the parent of the " + spec.role + " process";
  const Json command = {{"cmd", "fork"}, {"role", spec.role}, {"plan", spec.plan}};
  ASSIGN_OR_RETURN(FrameWithFds frame, Ask(parent, who, command, fds, 1, deadline));
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
  ASSIGN_OR_RETURN(FrameWithFds frame, Ask(parent, "the parent process", command, {}, 0, deadline));
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
  worker->rules_ = worker->parent_->rules();
  worker->seccomp_filters_ = worker->parent_->seccomp_filters();
  if (worker->rules_) RETURN_IF_ERROR(worker->LimitMemory(spec));
  RETURN_IF_ERROR(worker->channel_.SendFrame(spec.first_frame, spec.fds, deadline));
  RETURN_IF_ERROR(ExpectJailed(worker->channel_, spec.role, deadline));
  // Without a plan it is what its parent is.
  if (!worker->rules_ || spec.plan.empty()) return worker;
  RETURN_IF_ERROR(worker->CompareWithPlan(spec));
  ++worker->seccomp_filters_;
  return worker;
}

Status WorkerProcess::LimitMemory(const ForkSpec& spec) {
  const uint64_t own = spec.memory_bytes != 0 ? spec.memory_bytes : MemoryOfRole(spec.role);
  const uint64_t limit = own + SharedBytes(spec.fds);
  if (rules_->memory) {
    ASSIGN_OR_RETURN(watched_, sandbox::WatchedMemory::Of(pid_, pidfd_.get(), limit));
    rules_->memory->Add(watched_);
    return OkStatus();
  }
  ASSIGN_OR_RETURN(sandbox::Cgroup group, sandbox::Cgroup::Create(spec.role, {limit, kWorkerProcesses}));
  RETURN_IF_ERROR(group.Add(pid_));
  cgroup_.emplace(std::move(group));
  return OkStatus();
}

// A stranger's code may run in it by now: of what is compared it can loosen nothing, so that the comparison is as good as
// one before it.
Status WorkerProcess::CompareWithPlan(const ForkSpec& spec) const {
  const auto plan = rules_->plans.find(spec.plan);
  if (plan == rules_->plans.end()) return Internal("no plan is named " + spec.plan);
  sandbox::Asked asked = sandbox::AskedBy(plan->second, seccomp_filters_);
  asked.uid = asked.takes_user ? rules_->second_user : rules_->user;
  const auto found = sandbox::ReadBack(pid_);
  Status compared = found ? sandbox::CheckInForce(asked, found.value(), "the " + spec.role + " process")
                          : Status(found.error());
  if (compared) return compared;
  if (!sandbox::Ending(pid_)) return compared;
  // One that ends can do no harm, and what its end means is for its caller. While it does, it says less and less of itself,
  // and a signal changes nothing of how it ends. One whose first thread alone has ended would go on: no process of ours does
  // that, so that it is ended here, and by that its candidate's crash.
  (void)SendSignal(pidfd_.get(), SIGKILL);
  return AwaitExit(Deadline::After(kEndWait)) ? OkStatus() : compared;
}

uint64_t MemoryOfRole(const std::string& role) {
  for (const RoleMemory& entry : kRoleMemory) {
    if (entry.role == role) return entry.bytes;
  }
  return kOtherMemory;
}

WorkerProcess::~WorkerProcess() { End(); }

Result<Json> WorkerProcess::Command(const Json& command, const std::vector<int>& fds, Deadline deadline) {
  if (watched_) watched_->Grant(SharedBytes(fds));
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
    end.out_of_memory = end.signal == SIGKILL && ((cgroup_ && cgroup_->OomKills() > 0) || (watched_ && watched_->killed()));
  }
  end_ = end;
  return end;
}

}  // namespace passnet::evaluator
