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
#include <nlohmann/json.hpp>

#include "evaluator/worker/run_protocol.h"
#include "sandbox/child.h"

namespace passnet::evaluator {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kMaxReplyBytes = 16u << 20;  // a description of a 2,000-node graph is below 2 MiB
constexpr std::chrono::seconds kParentWait{10};

Status SendSignal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0) {
    return Error::FromErrno("pidfd_send_signal", "worker", errno);
  }
  return OkStatus();
}

Result<Json> ReceiveObject(WorkerChannel& channel, Deadline deadline, std::vector<UniqueFd>* fds = nullptr) {
  ASSIGN_OR_RETURN(FrameWithFds frame, channel.ReceiveFrame(deadline, kMaxReplyBytes));
  Json json = Json::parse(frame.json, nullptr, false);
  if (!json.is_object()) return DataCorrupt("the worker answered with something that is no JSON object");
  if (fds != nullptr) *fds = std::move(frame.fds);
  return Result<Json>(boost::system::in_place_value, std::move(json));
}

Status ExpectJailed(WorkerChannel& channel, const std::string& role, Deadline deadline) {
  ASSIGN_OR_RETURN(Json json, ReceiveObject(channel, deadline));
  if (json.value("jailed", false)) return OkStatus();
  int err = json.value("errno", 0);
  return Error{ErrorCode::kPermissionDenied,
               "sandbox of the " + role + " process: step " + json.value("step", "?") + " (" +
                   json.value("what", "?") + ") failed: " + std::strerror(err) + "; run passnet doctor"};
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Fork(std::shared_ptr<ForkParent> parent, const ForkSpec& spec,
                                                           Deadline deadline) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess);
  worker->output_.Reset(::memfd_create("passnet-output", MFD_CLOEXEC));
  if (!worker->output_.valid()) return Error::FromErrno("memfd_create", "output", errno);
  ASSIGN_OR_RETURN(auto ends, WorkerChannel::Pair());
  worker->channel_ = WorkerChannel(std::move(ends.first));

  Json command = {{"cmd", "fork"}, {"role", spec.role}, {"plan", spec.plan}};
  RETURN_IF_ERROR(parent->channel().SendFrame(command.dump(), {ends.second.get(), worker->output_.get()}, deadline));
  std::vector<UniqueFd> fds;
  ASSIGN_OR_RETURN(Json forked, ReceiveObject(parent->channel(), deadline, &fds));
  if (fds.size() != 1 || !forked.contains("pid")) return DataCorrupt("the parent process did not fork: " + forked.dump());
  worker->pidfd_ = std::move(fds[0]);
  worker->pid_in_parent_ = forked["pid"].get<int64_t>();
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

Result<std::string> WorkerProcess::Command(std::string_view json, const std::vector<int>& fds, Deadline deadline) {
  RETURN_IF_ERROR(channel_.SendRun(PN_RUN_FRAME, 0, 0, 0));
  RETURN_IF_ERROR(channel_.SendFrame(json, fds, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, channel_.ReceiveFrame(deadline, kMaxReplyBytes));
  return std::move(frame.json);
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

WorkerEnd WorkerProcess::End() {
  if (end_) return *end_;
  WorkerEnd end;
  if (parent_ != nullptr) {
    // A stopped process dies of SIGKILL like any other; its pid namespace goes with it.
    (void)SendSignal(pidfd_.get(), SIGKILL);
    Deadline deadline = Deadline::After(kParentWait);
    Json command = {{"cmd", "wait"}, {"pid", pid_in_parent_}};
    if (parent_->channel().SendFrame(command.dump(), {}, deadline)) {
      auto reply = ReceiveObject(parent_->channel(), deadline);
      if (reply.has_value()) {
        end.known = true;
        end.exit_code = reply.value().value("exited", 0);
        end.signal = reply.value().value("signalled", 0);
      }
    }
    if (cgroup_) end.out_of_memory = end.signal == SIGKILL && cgroup_->OomKills() > 0;
  }
  end_ = end;
  return end;
}

}  // namespace passnet::evaluator
