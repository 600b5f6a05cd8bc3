#include "sandbox/plan.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>

#include "sandbox/landlock.h"
#include "sandbox/plan_writer.h"
#include "sandbox/policy.h"
#include "sandbox/resource_limits.h"
#include "sandbox/root_steps.h"

namespace passnet::sandbox {
namespace {

// Whom the kernel ends first when the host itself runs out of memory: candidates, then what forks them; the zygote has
// kZygoteOomScore (limits.h), the evaluator what it was started with.
constexpr uint32_t kTaskOomScore = 500;
constexpr uint32_t kCandidateOomScore = 1000;

std::vector<int> WithStandardStreams(std::vector<int> fds) {
  fds.insert(fds.end(), {0, 1, 2});
  return fds;
}

// New mounts over the parent's: own process tree, own /tmp with what of `bound` lies there, nothing in /dev/shm.
Status AppendPrivateMounts(PlanWriter& plan, const PrivateFolder& tmp, const std::vector<std::string>& bound) {
  plan.Unshare(CLONE_NEWNS);
  plan.Mount(MS_NOSUID | MS_NODEV | MS_NOEXEC, "proc", "/proc", "proc", "");
  RETURN_IF_ERROR(AppendPrivateTmp(plan, tmp, bound));
  plan.Mount(MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "tmpfs", "/dev/shm", "tmpfs", "size=4k,mode=0555");
  return OkStatus();
}

// On top of the task child's filter, which on a GPU lane lets the driver's commands and a change of user through.
Result<std::string> CandidateFilter(const CandidateOptions& options) {
  SyscallPolicy outer = SyscallPolicy::JailMakerWithoutExec();
  if (options.gpu) outer.Allow(Loosening::kGpu);
  if (options.second_user) outer.Allow(Loosening::kUsers);
  const SyscallPolicy own = options.uses_gpu ? SyscallPolicy::HostileOnGpu() : SyscallPolicy::Hostile(options.threads);
  return own.CompileDelta(outer);
}

std::vector<LandlockRule> CandidateRules(const CandidateOptions& options) {
  std::vector<LandlockRule> rules = {{kLandlockRead, "/proc"}, {kLandlockWrite, "/tmp"},
                                     {kLandlockWriteFile, "/dev/null"}, {kLandlockRead, "/dev/urandom"}};
  for (const std::string& path : options.readable) rules.push_back({kLandlockRead, path});
  if (options.uses_gpu) AppendGpuRules(*options.gpu, &rules);
  return rules;
}

}  // namespace

Result<std::string> TaskChildPlan(const TaskChildOptions& options) {
  ASSIGN_OR_RETURN(LandlockRights rights, LandlockRights::ForThisKernel());
  ASSIGN_OR_RETURN(std::string filter, SyscallPolicy::JailMakerWithoutExec().CompileDelta(SyscallPolicy::JailMaker()));
  PlanWriter plan;
  plan.ParentDeathSignal(SIGKILL, -1).Setsid();
  plan.Descriptors({}, WithStandardStreams(options.keep_fds));
  RETURN_IF_ERROR(AppendPrivateMounts(plan, {"/tmp", options.tmp_bytes, false}, options.bound));
  // The files of an undumpable process belong to root, and its parent may be one (proc(5)).
  plan.Dumpable(true).OomScore(kTaskOomScore);
  if (!options.cores.empty()) plan.Affinity(options.cores);
  AppendNoCoreDump(plan);
  AppendLimit(plan, RLIMIT_NOFILE, options.open_files);
  if (options.data_bytes != 0) AppendLimit(plan, RLIMIT_DATA, options.data_bytes);
  plan.NoNewPrivileges().Capabilities(JailMakerCapabilities(options.second_user)).Dumpable(false);
  // No file rights here: a domain that handles any may not mount, and this process makes jails. What it can write is
  // decided by its mounts; what it can start, by its filter.
  if (rights.handled_net != 0 || rights.scoped != 0) plan.Landlock(0, rights.handled_net, rights.scoped, "", {});
  plan.Seccomp(filter, false);
  return plan.Finish();
}

Result<std::string> CandidatePlan(const CandidateOptions& options) {
  ASSIGN_OR_RETURN(LandlockRights rights, LandlockRights::ForThisKernel());
  ASSIGN_OR_RETURN(std::string filter, CandidateFilter(options));
  if (options.uses_gpu && !options.gpu) return InvalidArgument("candidate plan: its lane has no GPU to use");
  if (options.own_user && !options.second_user) return InvalidArgument("candidate plan: its zygote has no second user");
  if (std::count(options.readable.begin(), options.readable.end(), "/") != 0) {
    return InvalidArgument("candidate plan: \"/\" cannot be readable; name the folders that are needed");
  }
  PlanWriter plan;
  plan.ParentDeathSignal(SIGKILL, -1).Setsid();
  plan.Descriptors({}, WithStandardStreams(options.keep_fds));
  // Its own shared objects are loaded from /tmp: whoever runs native code anyway gains nothing by mapping more of it.
  RETURN_IF_ERROR(AppendPrivateMounts(plan, {"/tmp", options.tmp_bytes, true}, options.readable));
  plan.ChangeFolder("/tmp").Dumpable(true).OomScore(kCandidateOomScore);
  if (!options.cores.empty()) plan.Affinity(options.cores);
  AppendNoCoreDump(plan);
  AppendLimit(plan, RLIMIT_FSIZE, options.file_bytes);
  AppendLimit(plan, RLIMIT_NOFILE, options.open_files);
  AppendLimit(plan, RLIMIT_MEMLOCK, 0);
  // Of a signal that waits one is kept all the same; with no queue, no timer can be made either (timer_create(2)).
  AppendLimit(plan, RLIMIT_SIGPENDING, 0);
  AppendCpuLimit(plan, options.cpu);
  if (options.data_bytes != 0) AppendLimit(plan, RLIMIT_DATA, options.data_bytes);
  if (options.address_space_bytes != 0) AppendLimit(plan, RLIMIT_AS, options.address_space_bytes);
  if (options.threads || options.uses_gpu) AppendLimit(plan, RLIMIT_NPROC, options.max_threads);
  // That takes the parent's death signal away; the task child is init of the pid namespace around it, whose end it shares.
  if (options.own_user) plan.SetIds(kSecondUserInside, kSetIdsGroupsDenied);
  plan.NoNewPrivileges().Capabilities(0).Dumpable(options.own_user);
  plan.Landlock(rights.handled_fs, rights.handled_net, rights.scoped, "/", CandidateRules(options));
  plan.Seccomp(filter, false);
  return plan.Finish();
}

}  // namespace passnet::sandbox
