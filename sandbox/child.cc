#include "sandbox/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "sandbox/asked.h"
#include "sandbox/launcher.h"
#include "sandbox/limits.h"
#include "sandbox/read_back.h"
#include "sandbox/resource_limits.h"

namespace passnet::sandbox {
namespace {

Result<std::string> TargetPlan(const ChildSpec& spec) {
  SyscallPolicy policy = spec.policy;
  if (spec.second_user) policy.Allow(Loosening::kUsers);
  ASSIGN_OR_RETURN(const std::string filter, policy.Compile(/*violations_to_listener=*/false, kControlFd));
  PlanWriter plan;
  plan.ResetSignals().ChangeFolder(spec.working_folder).OomScore(kZygoteOomScore);
  if (!spec.cores.empty()) plan.Affinity(spec.cores);
  AppendNoCoreDump(plan);
  AppendLimit(plan, RLIMIT_NOFILE, spec.open_files);
  plan.NoNewPrivileges().Capabilities(JailMakerCapabilities(spec.second_user.has_value())).Seccomp(filter, false);
  return plan.Finish();
}

// Nobody, who owns nothing. Chosen: the kernel's overflow id.
constexpr uid_t kNobody = 65534;
// And down from there: Debian's policy reserves 65000 to 65533 (9.2.2, "UID and GID classes").
constexpr uid_t kNobodyElse = 65533, kSecondUsers = 512;

bool Gives(const std::vector<std::pair<int, int>>& descriptors, int target) {
  return std::any_of(descriptors.begin(), descriptors.end(), [target](const auto& d) { return d.second == target; });
}

RunOutcome OutcomeOf(int status) {
  RunOutcome outcome;
  if (WIFEXITED(status)) {
    outcome = {OutcomeKind::kExited, WEXITSTATUS(status), 0, 0, "exited with code " + std::to_string(WEXITSTATUS(status))};
  } else if (WTERMSIG(status) == SIGSYS) {
    outcome = {OutcomeKind::kSyscall, 0, SIGSYS, -1, "made a forbidden system call"};
  } else {
    outcome = {OutcomeKind::kSignalled, 0, WTERMSIG(status), 0,
               "killed by signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")"};
  }
  return outcome;
}

}  // namespace

struct Child::State {
  // Before the process, so that the group is removed after the process has been reaped.
  std::optional<Cgroup> cgroup;
  JailProcess jail;
  pid_t pid = 0;
  std::vector<std::string> layers;
  std::optional<RunOutcome> outcome;
};

Child::Child(std::unique_ptr<State> state) : state_(std::move(state)) {}

Child::~Child() { Kill(); }

Result<std::unique_ptr<Child>> Child::Start(const ChildSpec& spec, Deadline deadline) {
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(std::string plan, TargetPlan(spec));
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return Error::FromErrno("open", "/dev/null", errno);
  JailSpec jail;
  jail.argv = spec.argv;
  jail.environment = spec.environment;
  jail.root = spec.root;
  for (const InheritedFd& fd : spec.descriptors) jail.descriptors.emplace_back(fd.source, fd.target);
  for (int standard : {0, 1, 2}) {
    if (!Gives(jail.descriptors, standard)) jail.descriptors.emplace_back(null.get(), standard);
  }
  jail.target_plan = std::move(plan);
  jail.second_user = spec.second_user;
  jail.reaper = false;
  ASSIGN_OR_RETURN(state->jail, StartJail(jail, deadline));
  state->pid = state->jail.pid();
  if (spec.cgroup.Any()) {
    ASSIGN_OR_RETURN(state->cgroup, Cgroup::Create("child", spec.cgroup));
    RETURN_IF_ERROR(state->cgroup->Add(state->pid));
  }
  RETURN_IF_ERROR(state->jail.Go());
  ASSIGN_OR_RETURN(const ControlMessage applied, ReceiveControl(state->jail.control(), deadline));
  if (applied.message.kind != LaunchMessageKind::kApplied) return SetupError(applied.message.error);
  ASSIGN_OR_RETURN(const ReadBackReport found, ReadBack(state->pid));
  Asked asked = AskedBy(jail.target_plan, 0);
  asked.uid = JailUser();
  RETURN_IF_ERROR(CheckInForce(asked, found, spec.argv[0]));
  state->layers = found.Layers();
  RETURN_IF_ERROR(state->jail.Go());
  // execve closes the channel; a message instead says why it failed.
  const Result<ControlMessage> failed = ReceiveControl(state->jail.control(), deadline);
  if (failed) return SetupError(failed->message.error);
  if (failed.error().code != ErrorCode::kUnavailable) return failed.error();
  return std::unique_ptr<Child>(new Child(std::move(state)));
}

pid_t Child::pid() const { return state_->pid; }

int Child::pidfd() const { return state_->jail.pidfd(); }

const std::vector<std::string>& Child::layers() const { return state_->layers; }

RunOutcome Child::Kill() {
  if (!state_->outcome) {
    state_->jail.Kill();
    const Result<JailProcess::End> end = state_->jail.Reap(Deadline::After(kKillPatience));
    state_->outcome = end ? OutcomeOf(end->wait_status)
                          : RunOutcome{OutcomeKind::kSetupFailed, 0, 0, 0, "it could not be reaped: " + end.error().context};
  }
  return *state_->outcome;
}

Result<RunOutcome> Child::Wait(Deadline deadline) {
  if (state_->outcome) return *state_->outcome;
  ASSIGN_OR_RETURN(const JailProcess::End end, state_->jail.Reap(deadline));
  state_->outcome = OutcomeOf(end.wait_status);
  return *state_->outcome;
}

uid_t JailUser() { return Privileged() ? kNobody : geteuid(); }

std::optional<uid_t> SecondUser(uint32_t number) {
  return Privileged() ? std::optional<uid_t>(kNobodyElse - number % kSecondUsers) : std::nullopt;
}

Result<pid_t> PidOf(int pidfd) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(pidfd));

  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 4, "Pid:") != 0) continue;
    const long value = std::stol(line.substr(4));
    if (value > 0) return static_cast<pid_t>(value);
  }
  return NotFound("the process behind descriptor " + std::to_string(pidfd) + " has ended or is outside our pid namespace");
}

}  // namespace passnet::sandbox
