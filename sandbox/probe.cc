#include "sandbox/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "sandbox/apply/apply.h"
#include "sandbox/cgroup.h"
#include "sandbox/landlock.h"
#include "sandbox/launcher.h"
#include "sandbox/plan_writer.h"
#include "sandbox/policy.h"
#include "sandbox/run.h"

namespace passnet::sandbox {
namespace {

constexpr std::chrono::seconds kPatience{10};

// The plan's fate in a throw-away child.
Status TryPlan(const std::string& plan) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error::FromErrno("pipe2", "probe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (child < 0) return Error::FromErrno("clone", "probe", errno);
  if (child == 0) {
    pn_apply_error error{};
    const int failed = pn_sandbox_apply(plan.data(), plan.size(), &error);
    if (failed != 0 && write(ends[1], &error, sizeof error) < 0) _exit(2);
    _exit(failed == 0 ? 0 : 1);
  }
  writer.Reset();
  pn_apply_error error{};
  const ssize_t size = read(reader.get(), &error, sizeof error);
  int status = 0;
  waitpid(child, &status, 0);
  if (size == sizeof error) return SetupError(error);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Internal("the probe's child died");
  return OkStatus();
}

Capability FromStatus(std::string name, const Status& status, std::string found) {
  Capability capability{std::move(name), !status.has_error(), true, std::move(found), ""};
  if (status.has_error()) {
    const std::string& text = status.error().context;
    const size_t cut = text.find("; ");
    capability.why = text.substr(0, cut);
    capability.fix = cut == std::string::npos ? "see docs/sandbox.md" : text.substr(cut + 2);
  }
  return capability;
}

PlanWriter InUserNamespace(uint32_t more) {
  PlanWriter plan;
  plan.Dumpable(true).Unshare(CLONE_NEWUSER | more).MapIds("/proc", 0, geteuid(), 0, getegid());
  return plan;
}

Capability ProbeMounts() {
  PlanWriter plan = InUserNamespace(CLONE_NEWNS);
  // Creating the namespace proves nothing: Ubuntu 24.04 lets it be made and then denies every mount (google/nsjail#236).
  plan.Mount(MS_REC | MS_PRIVATE, "none", "/", "", "").Mount(MS_NOSUID | MS_NODEV, "tmpfs", "/tmp", "tmpfs", "size=4k");
  return FromStatus("user and mount namespaces", TryPlan(plan.Finish()), "made, and a tmpfs mounted inside");
}

Capability ProbeNamespace(const char* name, uint32_t flag) {
  return FromStatus(name, TryPlan(InUserNamespace(flag).Finish()), "made inside a user namespace");
}

Capability ProbeLandlock() {
  const Result<LandlockRights> rights = LandlockRights::ForThisKernel();
  if (rights.has_error()) return {"Landlock", false, true, "not in this kernel", rights.error().context};
  PlanWriter plan;
  plan.NoNewPrivileges().Landlock(rights->handled_fs, rights->handled_net, rights->scoped, "/",
                                  {{kLandlockRead, "/proc"}});
  return FromStatus("Landlock", TryPlan(plan.Finish()), "ABI " + std::to_string(LandlockAbi()) + ", a forbidden open was refused");
}

Capability ProbeSeccomp() {
  const Result<std::string> filter = SyscallPolicy::Minimal().Compile(false, -1);
  if (filter.has_error()) return {"seccomp", false, true, filter.error().context, "install libseccomp 2.5 or newer"};
  PlanWriter plan;
  plan.NoNewPrivileges().Seccomp(*filter, false);
  return FromStatus("seccomp", TryPlan(plan.Finish()), "a filter was installed");
}

// Everything together, as a compile would run: the only probe that counts in the end.
Capability ProbeWholeChain() {
  RunSpec spec;
  spec.argv = {"/usr/bin/true"};
  spec.root = SystemRoot();
  const Result<RunReport> report = Run(spec, Deadline::After(kPatience));
  if (report.has_error()) return FromStatus("a whole jail", report.error(), "");
  if (report->outcome.kind == OutcomeKind::kSetupFailed) {
    return FromStatus("a whole jail", Internal(report->outcome.reason), "");
  }
  Capability capability{"a whole jail", report->outcome.Ok(), true, "", ""};
  for (const std::string& layer : report->layers) capability.why += (capability.why.empty() ? "" : "; ") + layer;
  if (!capability.ok) {
    capability.why = "/usr/bin/true in a jail " + report->outcome.reason;
    capability.fix = "see docs/sandbox.md";
  }
  return capability;
}

Capability ProbeCgroups() {
  const CgroupSupport& support = DetectCgroups();
  Capability capability{"control groups", support.tier != CgroupTier::kNone, false, support.why, ""};
  if (capability.ok) {
    capability.why = std::string(CgroupTierName(support.tier)) + ", a group was made and removed";
  } else {
    capability.fix = "delegate a cgroup v2 subtree (systemd: Delegate=memory pids) or run as root; until then limits are "
                     "rlimits and polling, which hostile code can overshoot for 20 ms";
  }
  return capability;
}

}  // namespace

bool ProbeReport::Ok() const { return Missing().empty(); }

std::string ProbeReport::Missing() const {
  std::string text;
  for (const Capability& capability : capabilities) {
    if (capability.ok || !capability.required) continue;
    text += (text.empty() ? "" : "; ") + capability.name + ": " + capability.why + " (" + capability.fix + ")";
  }
  return text;
}

ProbeReport Probe() {
  ProbeReport report;
  report.capabilities = {ProbeMounts(),
                         ProbeNamespace("pid namespace", CLONE_NEWPID),
                         ProbeNamespace("network namespace", CLONE_NEWNET),
                         ProbeNamespace("ipc and uts namespaces", CLONE_NEWIPC | CLONE_NEWUTS),
                         ProbeLandlock(),
                         ProbeSeccomp(),
                         ProbeCgroups(),
                         ProbeWholeChain()};
  report.tier = CgroupTierName(DetectCgroups().tier);
  return report;
}

}  // namespace passnet::sandbox
