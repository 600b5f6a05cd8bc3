#include "sandbox/apply/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/apply/interpret.h"
#include "sandbox/apply/plan_format.h"
#include "sandbox/apply/steps.h"

namespace passnet::sandbox {
namespace {

struct StepEntry {
  Step kind;
  const char* name;
  bool (*apply)(StepContext&);
};

constexpr StepEntry kSteps[] = {
    {Step::kSetsid, "setsid", ApplySetsid},
    {Step::kParentDeathSignal, "parent_death_signal", ApplyParentDeathSignal},
    {Step::kUnshare, "unshare", ApplyUnshare},
    {Step::kMapIds, "map_ids", ApplyMapIds},
    {Step::kSetIds, "set_ids", ApplySetIds},
    {Step::kUnshareMapped, "unshare_mapped", ApplyUnshareMapped},
    {Step::kMount, "mount", ApplyMount},
    {Step::kBind, "bind", ApplyBind},
    {Step::kMountAttributes, "mount_attributes", ApplyMountAttributes},
    {Step::kMakeFolder, "make_folder", ApplyMakeFolder},
    {Step::kSymlink, "symlink", ApplySymlink},
    {Step::kPivot, "pivot_root", ApplyPivot},
    {Step::kChangeFolder, "chdir", ApplyChangeFolder},
    {Step::kResourceLimit, "rlimit", ApplyResourceLimit},
    {Step::kAffinity, "affinity", ApplyAffinity},
    {Step::kDescriptors, "descriptors", ApplyDescriptors},
    {Step::kDumpable, "dumpable", ApplyDumpable},
    {Step::kNoNewPrivileges, "no_new_privs", ApplyNoNewPrivileges},
    {Step::kCapabilities, "capabilities", ApplyCapabilities},
    {Step::kLandlock, "landlock", ApplyLandlock},
    {Step::kSeccomp, "seccomp", ApplySeccomp},
    {Step::kHostname, "hostname", ApplyHostname},
    {Step::kFileMask, "umask", ApplyFileMask},
    {Step::kResetSignals, "reset_signals", ApplyResetSignals},
    {Step::kOomScore, "oom_score_adj", ApplyOomScore},
};

const StepEntry* Find(uint16_t kind) {
  for (const StepEntry& entry : kSteps) {
    if (static_cast<uint16_t>(entry.kind) == kind) return &entry;
  }
  return nullptr;
}

}  // namespace

bool Malformed() {
  errno = EPROTO;
  return false;
}

void FillError(pn_apply_error* error, int err, const char* step, const char* what) {
  if (error == nullptr) return;
  error->error_number = err;
  snprintf(error->step, sizeof error->step, "%s", step);
  snprintf(error->what, sizeof error->what, "%s", what);
}

bool Interpret(const void* plan, size_t size, bool listener_wanted, int* listener, pn_apply_error* error) {
  Reader reader(plan, size);
  PlanHeader header{};
  const void* at = reader.Take(sizeof header);
  if (reader.ok()) memcpy(&header, at, sizeof header);
  if (!reader.ok() || header.magic != kPlanMagic || header.version != kPlanVersion || header.size != size) {
    FillError(error, EPROTO, "plan", "header");
    return false;
  }
  for (uint32_t i = 0; i < header.steps; ++i) {
    StepHeader step{};
    at = reader.Take(sizeof step);
    if (reader.ok()) memcpy(&step, at, sizeof step);
    const void* payload = reader.Take((step.size + 7ull) & ~7ull);
    const StepEntry* entry = reader.ok() ? Find(step.kind) : nullptr;
    if (entry == nullptr) {
      FillError(error, EPROTO, "plan", "step");
      return false;
    }
    StepContext context{Reader(payload, step.size), step.flags, entry->name, "", -1, listener_wanted};
    errno = 0;
    if (!entry->apply(context)) {
      FillError(error, errno, context.step, context.what);
      return false;
    }
    if (context.listener >= 0) *listener = context.listener;
  }
  if (reader.left() != 0) {
    FillError(error, EPROTO, "plan", "surplus bytes");
    return false;
  }
  return true;
}

}  // namespace passnet::sandbox

using passnet::sandbox::FillError;

extern "C" int pn_sandbox_apply(const void* plan, size_t size, struct pn_apply_error* error) {
  int listener = -1;
  return passnet::sandbox::Interpret(plan, size, false, &listener, error) ? 0 : -1;
}

extern "C" int pn_sandbox_save_pid_namespace(struct pn_apply_error* error) {
  const int fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0) FillError(error, errno, "save_pid_namespace", "/proc/self/ns/pid");
  return fd;
}

extern "C" int pn_sandbox_prepare_fork(struct pn_apply_error* error) {
  // A second thread may hold a lock at the fork, and the child would wait for it for ever. Threads are the folders in
  // /proc/self/task: 2 links of its own and one for each.
  struct stat tasks;
  if (stat("/proc/self/task", &tasks) != 0) {
    FillError(error, errno, "single_thread", "/proc/self/task");
    return -1;
  }
  if (tasks.st_nlink != 3) {
    FillError(error, EBUSY, "single_thread", "the process has more than one thread");
    return -1;
  }
  if (unshare(CLONE_NEWPID) != 0) {
    FillError(error, errno, "unshare", "pid namespace");
    return -1;
  }
  return 0;
}

extern "C" int pn_sandbox_after_fork_parent(int saved_pid_namespace, struct pn_apply_error* error) {
  if (setns(saved_pid_namespace, CLONE_NEWPID) == 0) return 0;
  FillError(error, errno, "setns", "saved pid namespace");
  return -1;
}
