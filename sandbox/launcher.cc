#include "sandbox/launcher.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/child.h"
#include "sandbox/limits.h"

namespace passnet::sandbox {
namespace {

Result<std::string> OuterPlan(const JailSpec& spec) {
  const bool privileged = Privileged();
  PlanWriter plan;
  plan.FileMask(022).Dumpable(true);
  if (!privileged) {
    plan.Unshare(CLONE_NEWUSER);
    plan.MapIds("/proc", 0, geteuid(), 0, getegid());
  }
  RETURN_IF_ERROR(AppendStage(plan, spec.root, spec.folders));
  // A change of ids makes a process undumpable, and then its own id maps belong to root (proc(5)).
  if (privileged) plan.SetIds(JailUser()).Dumpable(true);
  constexpr uint32_t kAll = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (spec.second_user) {
    plan.UnshareMapped(kAll, kStageOldProc, {{0, JailUser()}, {kSecondUserInside, *spec.second_user}});
    return plan.Finish();
  }
  plan.Unshare(kAll);
  const uint32_t outer = privileged ? JailUser() : 0;
  plan.MapIds(kStageOldProc, 0, outer, 0, outer);
  return plan.Finish();
}

std::string InitPlan(const JailSpec& spec, int control) {
  PlanWriter plan;
  plan.ParentDeathSignal(SIGKILL, control);
  AppendEnter(plan);
  plan.Hostname("passnet").Setsid();
  std::vector<std::pair<int, int>> pairs = spec.descriptors;
  pairs.emplace_back(control, kControlFd);
  plan.Descriptors(pairs, {});
  return plan.Finish();
}

struct Pointers {
  std::vector<std::string> words;
  std::vector<const char*> list;

  const char* const* Terminated() {
    for (const std::string& word : words) list.push_back(word.c_str());
    list.push_back(nullptr);
    return list.data();
  }
};

Pointers EnvironmentOf(const JailSpec& spec) {
  Pointers environment;
  for (const auto& [name, value] : spec.environment) environment.words.push_back(name + "=" + value);
  return environment;
}

PlanBytes BytesOf(const std::string& plan) { return {plan.data(), plan.size()}; }

// Handlers of ours must not run in the child's copy of us. The child unblocks in kResetSignals.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

Status CheckSpec(const JailSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty() || spec.argv[0][0] != '/') {
    return InvalidArgument("sandbox: the program must be an absolute path inside the jail");
  }
  if (spec.second_user && !Privileged()) return InvalidArgument("sandbox: only root has a second user to give: " + spec.argv[0]);
  for (const std::string& word : spec.argv) {
    if (word.find('\0') != std::string::npos) return InvalidArgument("sandbox: NUL in an argument of " + spec.argv[0]);
  }
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
        value.find('\0') != std::string::npos) {
      return InvalidArgument("sandbox: bad environment variable \"" + name + "\"");
    }
  }
  for (const auto& [source, target] : spec.descriptors) {
    if (source < 0 || target < 0 || target > kControlFd - 10) {
      return InvalidArgument("sandbox: descriptor " + std::to_string(source) + " as number " + std::to_string(target) +
                             "; numbers 0 to " + std::to_string(kControlFd - 10) + " can be had");
    }
  }
  return OkStatus();
}

const char* FixFor(std::string_view step, std::string_view what, int err) {
  if (step == "unshare" || step == "unshare_mapped" || step == "map_ids" || step == "set_ids") {
    return "allow user namespaces (sysctl user.max_user_namespaces > 0, kernel.unprivileged_userns_clone=1, "
           "kernel.apparmor_restrict_unprivileged_userns=0), or run as root; in a container add CAP_SYS_ADMIN";
  }
  if (step == "mount" && what.size() >= 5 && what.substr(what.size() - 5) == "/proc") {
    return "a container that masks parts of /proc forbids it: run it with unmasked paths (docker: --security-opt "
           "systempaths=unconfined)";
  }
  if (step == "mount" || step == "bind" || step == "pivot_root" || step == "mount_attributes" || step == "chdir") {
    return "check that the path exists and that mounting is allowed in user namespaces (AppArmor: "
           "kernel.apparmor_restrict_unprivileged_userns=0); kernel 5.12 or newer is needed";
  }
  if (step == "landlock_enforced") return "Landlock accepted the rules and does not hold: report this kernel";
  if (step.substr(0, 8) == "landlock") return "a readable path may be missing in the jail; kernel 5.13 with Landlock";
  if (step == "seccomp") return "the kernel needs CONFIG_SECCOMP_FILTER; listeners need 5.0";
  if (step == "execve" && err == ENOENT) return "bind the program, its interpreter and its libraries into the jail";
  if (step == "rlimit") return "a hard limit of the parent is in the way: raise it (ulimit -H)";
  return "see docs/sandbox.md, and `passnet doctor`";
}

}  // namespace

bool Privileged() {
  if (geteuid() != 0) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  constexpr uint32_t kNeeded = 1u << CAP_SYS_ADMIN | 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP;
  return (data[0].effective & kNeeded) == kNeeded;
}

Error SetupError(const pn_apply_error& error) {
  const std::string object = error.what[0] != '\0' ? std::string(" ") + error.what : "";
  Error cause = Error::FromErrno(std::string("sandbox step ") + error.step + object, "", error.error_number);
  cause.context = std::string("sandbox step ") + error.step + object + ": " + strerror(error.error_number) + "; " +
                  FixFor(error.step, error.what, error.error_number);
  return cause;
}

Result<ControlMessage> ReceiveControl(int control, Deadline deadline) {
  for (;;) {
    pollfd wait{control, POLLIN, 0};
    const int ready = poll(&wait, 1, deadline.PollMillis());
    if (ready < 0 && errno != EINTR) return Error::FromErrno("poll", "sandbox control channel", errno);
    if (ready > 0) break;
    if (deadline.Passed()) return Error{ErrorCode::kDeadlineExceeded, "sandbox: the jail was not ready in time"};
  }
  ControlMessage received;
  iovec part{&received.message, sizeof received.message};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  ssize_t size;
  do {
    size = recvmsg(control, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return Error::FromErrno("recvmsg", "sandbox control channel", errno);
  if (size == 0) return Error{ErrorCode::kUnavailable, "sandbox: the jail's set-up ended without a word"};
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET) continue;
    if (item->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      memcpy(&fd, CMSG_DATA(item), sizeof fd);
      received.carried.Reset(fd);
    } else if (item->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      memcpy(&sender, CMSG_DATA(item), sizeof sender);
      received.sender = sender.pid;
    }
  }
  if (size != sizeof received.message) return DataCorrupt("sandbox: a control message of the wrong size");
  received.message.error.step[sizeof received.message.error.step - 1] = '\0';
  received.message.error.what[sizeof received.message.error.what - 1] = '\0';
  return received;
}

JailProcess::JailProcess(JailProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::move(other.pidfd_)),
      control_(std::move(other.control_)),
      scratch_(std::move(other.scratch_)) {}

JailProcess& JailProcess::operator=(JailProcess&& other) noexcept {
  if (this == &other) return *this;
  Destroy();
  pid_ = std::exchange(other.pid_, 0);
  pidfd_ = std::move(other.pidfd_);
  control_ = std::move(other.control_);
  scratch_ = std::move(other.scratch_);
  return *this;
}

JailProcess::~JailProcess() { Destroy(); }

void JailProcess::Destroy() {
  if (pid_ <= 0) return;
  Kill();
  (void)Reap(Deadline::After(kKillPatience));
}

Status JailProcess::Go() {
  const char go = 1;
  if (send(control_.get(), &go, 1, MSG_NOSIGNAL) != 1) {
    return Error::FromErrno("send", "sandbox control channel", errno);
  }
  return OkStatus();
}

void JailProcess::Kill() {
  if (pid_ > 0) syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

Result<JailProcess::End> JailProcess::Reap(Deadline deadline) {
  for (;;) {
    pollfd wait{pidfd_.get(), POLLIN, 0};
    const int ready = poll(&wait, 1, deadline.PollMillis());
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return Error::FromErrno("poll", "pidfd", errno);
    if (deadline.Passed()) return Error{ErrorCode::kDeadlineExceeded, "sandbox: the jail has not ended"};
  }
  End end;
  const pid_t reaped = wait4(pid_, &end.wait_status, 0, &end.usage);
  const int err = errno;
  const pid_t pid = std::exchange(pid_, 0);
  if (reaped != pid) return Error::FromErrno("wait4", "the jail's pid 1", err);
  return end;
}

namespace {

struct ControlChannel {
  UniqueFd ours;
  UniqueFd jails;
};

Result<ControlChannel> OpenControlChannel() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::FromErrno("socketpair", "sandbox control channel", errno);
  }
  ControlChannel channel{UniqueFd(ends[0]), UniqueFd(ends[1])};
  const int on = 1;
  if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return Error::FromErrno("setsockopt", "SO_PASSCRED", errno);
  }
  return channel;
}

// The child that builds the root and forks pid 1, our next child.
Result<pid_t> ForkFirstChild(const JailSpec& spec, int control) {
  ASSIGN_OR_RETURN(const std::string outer, OuterPlan(spec));
  const std::string init = InitPlan(spec, control);
  Pointers argv{spec.argv, {}};
  Pointers environment = EnvironmentOf(spec);
  const Launch launch{BytesOf(outer),       BytesOf(init),
                      BytesOf(spec.target_plan), spec.reaper,
                      spec.violations_to_listener, spec.argv[0].c_str(),
                      argv.Terminated(),    environment.Terminated(),
                      spec.scratch.empty() ? nullptr : spec.scratch.c_str(), control};
  const BlockedSignals blocked;
  // Not fork(): other libraries' fork handlers have no business in this child.
  const pid_t first = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (first == 0) LaunchInChild(launch);
  if (first < 0) return Error::FromErrno("clone", "sandbox", errno);
  return first;
}

void Reap(pid_t child) {
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void KillAndReap(pid_t child) {
  kill(child, SIGKILL);
  Reap(child);
}

// Reaps the first child; the message is that of pid 1 behind its gate, which is ours to reap then.
Result<ControlMessage> AwaitPid1(int control, pid_t first, Deadline deadline) {
  Result<ControlMessage> ready = ReceiveControl(control, deadline);
  if (ready.has_error()) {
    KillAndReap(first);  // it may be stuck in a step
    // pid 1 may have been made all the same.
    const Result<ControlMessage> late = ReceiveControl(control, Deadline::After(kKillPatience));
    if (late && late->sender > 0) KillAndReap(late->sender);
    return ready.error();
  }
  Reap(first);
  if (ready->message.kind == LaunchMessageKind::kReady) return ready;
  // A pid 1 that failed has said so itself, and leaves.
  if (ready->sender > 0 && ready->sender != first) Reap(ready->sender);
  return SetupError(ready->message.error);
}

}  // namespace

Result<JailProcess> StartJail(const JailSpec& spec, Deadline deadline) {
  RETURN_IF_ERROR(CheckSpec(spec));
  ASSIGN_OR_RETURN(ControlChannel channel, OpenControlChannel());
  ASSIGN_OR_RETURN(const pid_t first, ForkFirstChild(spec, channel.jails.get()));
  channel.jails.Reset();
  ASSIGN_OR_RETURN(ControlMessage ready, AwaitPid1(channel.ours.get(), first, deadline));
  JailProcess jail;
  jail.pid_ = ready.sender;
  jail.control_ = std::move(channel.ours);
  jail.scratch_ = std::move(ready.carried);
  jail.pidfd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, jail.pid_, 0)));
  if (jail.pidfd_.valid()) return jail;
  const int err = errno;
  KillAndReap(std::exchange(jail.pid_, 0));
  return Error::FromErrno("pidfd_open", "sandbox", err);
}

}  // namespace passnet::sandbox
