#include "sandbox/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>

#include "base/unique_fd.h"
#include "sandbox/asked.h"
#include "sandbox/cgroup.h"
#include "sandbox/child.h"
#include "sandbox/landlock.h"
#include "sandbox/launcher.h"
#include "sandbox/read_back.h"
#include "sandbox/resource_limits.h"
#include "sandbox/run_watch.h"
#include "sandbox/scratch_files.h"

namespace passnet::sandbox {
namespace {

constexpr uint32_t kOwnProcesses = 2;  // pid 1 and the first child, which count against the tree's limit

Result<std::string> TargetPlan(const RunSpec& spec) {
  ASSIGN_OR_RETURN(LandlockRights rights, LandlockRights::ForThisKernel());
  ASSIGN_OR_RETURN(const std::string filter, spec.tell_refused
                                                 ? spec.policy.CompileTelling(kControlFd)
                                                 : spec.policy.Compile(/*violations_to_listener=*/true, kControlFd));
  ASSIGN_OR_RETURN(const std::vector<std::string> visible, VisiblePaths(spec.root));
  PlanWriter plan;
  // pid 1 has closed its copy of our memory to others; until execve replaces it, only we may look into this one.
  plan.Dumpable(true).ResetSignals().Setsid().ChangeFolder(spec.scratch).OomScore(kCompilerOomScore);
  if (!spec.cores.empty()) plan.Affinity(spec.cores);
  AppendNoCoreDump(plan);
  AppendLimit(plan, RLIMIT_FSIZE, spec.limits.file_bytes);
  AppendLimit(plan, RLIMIT_NOFILE, spec.limits.open_files);
  AppendLimit(plan, RLIMIT_NPROC, spec.limits.processes + kOwnProcesses);
  AppendCpuLimit(plan, spec.limits.cpu);
  if (spec.limits.address_space_bytes != 0) AppendLimit(plan, RLIMIT_AS, spec.limits.address_space_bytes);
  plan.NoNewPrivileges().Capabilities(0);
  std::vector<LandlockRule> rules = {
      {kLandlockRead, "/proc"}, {kLandlockWrite, "/tmp"}, {kLandlockWrite, "/dev/shm"}, {kLandlockWrite, spec.scratch}};
  for (const std::string& device : spec.root.devices) rules.push_back({kLandlockWriteFile, device});
  for (const std::string& path : visible) rules.push_back({kLandlockReadExecute, path});
  if (spec.gpu) AppendGpuRules(*spec.gpu, &rules);
  plan.Landlock(rights.handled_fs, rights.handled_net, rights.scoped, "/", rules);
  plan.Seccomp(filter, /*listener=*/true);
  return plan.Finish();
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> NewPipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error::FromErrno("pipe2", "captured stream", errno);
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return Error::FromErrno("fcntl", "captured stream", errno);
  return made;
}

// Standard input as a file in memory: the program can be slow or deaf, and nobody has to feed it.
Result<UniqueFd> StandardInput(const std::string& bytes) {
  if (bytes.empty()) {
    UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null.valid()) return Error::FromErrno("open", "/dev/null", errno);
    return null;
  }
  UniqueFd memory(memfd_create("stdin", MFD_CLOEXEC));
  if (!memory.valid()) return Error::FromErrno("memfd_create", "stdin", errno);
  if (write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      lseek(memory.get(), 0, SEEK_SET) != 0) {
    return Error::FromErrno("write", "stdin", errno);
  }
  return memory;
}

Status CheckSpec(const RunSpec& spec) {
  if (spec.scratch.size() < 2 || spec.scratch[0] != '/' || spec.scratch.back() == '/') {
    return InvalidArgument("sandbox run: the scratch folder must be an absolute path, such as /box");
  }
  if (spec.limits.wall.count() <= 0 || spec.limits.cpu.count() <= 0 || spec.limits.memory_bytes == 0 ||
      spec.limits.processes == 0) {
    return InvalidArgument("sandbox run: wall, cpu, memory and processes must be above zero");
  }
  return OkStatus();
}

// Whether an error of the set-up is our caller's business (an Error), not a failed layer (kSetupFailed).
bool IsCallersBusiness(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kResourceExhausted ||
         error.code == ErrorCode::kDeadlineExceeded;
}

struct Started {
  WatchedRun run;
  std::vector<std::string> layers;
};

JailSpec JailOf(const RunSpec& spec, std::string target_plan, int in, int out, int err) {
  JailSpec jail;
  jail.argv = spec.argv;
  jail.environment = spec.environment;
  jail.root = spec.root;
  if (spec.gpu) ShowGpu(*spec.gpu, &jail.root);
  jail.folders = {{spec.scratch, spec.scratch_bytes, false}};
  jail.scratch = spec.scratch;
  jail.descriptors = {{in, 0}, {out, 1}, {err, 2}};
  jail.target_plan = std::move(target_plan);
  jail.violations_to_listener = true;
  return jail;
}

bool UsesGroups(const RunSpec& spec) {
  return spec.limits_by == LimitsBy::kBestOfHost && DetectCgroups().tier != CgroupTier::kNone;
}

Status EnterGroup(WatchedRun& run, const Limits& limits) {
  ASSIGN_OR_RETURN(run.cgroup, Cgroup::Create("run", {limits.memory_bytes, limits.processes + kOwnProcesses}));
  return run.cgroup->Add(run.jail.pid());
}

// The program's process stands before execve with everything in force: take the listener, look at it, let it go.
Result<std::vector<std::string>> PassLastGate(WatchedRun& run, Asked asked, Deadline deadline) {
  ASSIGN_OR_RETURN(ControlMessage applied, ReceiveControl(run.jail.control(), deadline));
  if (applied.message.kind != LaunchMessageKind::kApplied) return SetupError(applied.message.error);
  run.listener = std::move(applied.carried);
  if (!run.listener.valid()) return Internal("sandbox: the filter's listener did not arrive");
  ASSIGN_OR_RETURN(const ReadBackReport found, ReadBack(applied.sender));
  asked.uid = JailUser();
  RETURN_IF_ERROR(CheckInForce(asked, found, "a run"));
  std::vector<std::string> layers = found.Layers();
  // pn_sandbox_apply has just tried a forbidden open and was refused; /proc shows nothing of it.
  layers.push_back("landlock: ABI " + std::to_string(LandlockAbi()));
  RETURN_IF_ERROR(run.jail.Go());
  return layers;
}

Result<Started> Start(const RunSpec& spec, Deadline deadline) {
  ASSIGN_OR_RETURN(std::string plan, TargetPlan(spec));
  ASSIGN_OR_RETURN(const UniqueFd in, StandardInput(spec.stdin_bytes));
  ASSIGN_OR_RETURN(Pipe out, NewPipe());
  ASSIGN_OR_RETURN(Pipe err, NewPipe());
  Started started;
  Asked asked = AskedBy(plan, 0);
  ASSIGN_OR_RETURN(JailProcess jail, StartJail(JailOf(spec, std::move(plan), in.get(), out.write.get(), err.write.get()),
                                               deadline));
  started.run.jail = std::move(jail);
  started.run.out = std::move(out.read);
  started.run.err = std::move(err.read);
  RETURN_IF_ERROR(PutFiles(started.run.jail.scratch(), spec.inputs));
  if (UsesGroups(spec)) RETURN_IF_ERROR(EnterGroup(started.run, spec.limits));
  RETURN_IF_ERROR(started.run.jail.Go());
  ASSIGN_OR_RETURN(started.layers, PassLastGate(started.run, std::move(asked), deadline));
  return started;
}

RunReport SetupFailed(const Error& error) {
  RunReport report;
  report.outcome.reason = error.context;
  return report;
}

}  // namespace

Result<RunReport> Run(const RunSpec& spec, Deadline deadline) {
  RETURN_IF_ERROR(CheckSpec(spec));
  Result<Started> started = Start(spec, deadline);
  if (started.has_error()) {
    if (IsCallersBusiness(started.error())) return started.error();
    return SetupFailed(started.error());
  }
  RunWatch watch(started->run, spec.limits, spec.cancel_fd, deadline);
  if (spec.tell_refused) watch.TellRefused(&spec.policy);
  RETURN_IF_ERROR(watch.UntilEnd());
  RunReport report;
  report.outcome = watch.outcome();
  report.accounting = watch.accounting();
  report.out = watch.TakeOut();
  report.err = watch.TakeErr();
  report.artefacts = CollectFiles(started->run.jail.scratch(), spec.outputs, spec.output_file_bytes);
  report.tier = CgroupTierName(started->run.cgroup ? started->run.cgroup->tier() : CgroupTier::kNone);
  report.refused = watch.refused();
  report.layers = std::move(started->layers);
  return report;
}

}  // namespace passnet::sandbox
