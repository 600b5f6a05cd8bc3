// The steps that build a jail's root, in two halves: as the caller, who may reach every source, and as pid 1 of the new
// namespaces.
// Threads: pure apart from looking at host paths. Errors: kInvalidArgument (a path is not absolute, or is missing).
// Source: mount_namespaces(7): mounts made by the more privileged half are locked together in the other, so that
// nobody inside can unmount or remount them writable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/plan_writer.h"
#include "sandbox/root.h"

namespace passnet::sandbox {

// A writable folder of its own in the jail, on tmpfs.
struct PrivateFolder {
  std::string path;
  uint64_t bytes = 0;
  bool executable = false;
};

inline constexpr char kStageNew[] = "/new";       // the jail's root while it is built
inline constexpr char kStageOld[] = "/old";       // the host meanwhile
inline constexpr char kStageOldProc[] = "/old/proc";

// First half. Afterwards "/" is a bare stage with the host at /old and the jail at /new, its private folders included:
// made by the caller, so that a privileged one can put files there which the jail's user cannot change.
Status AppendStage(PlanWriter& plan, const RootSpec& root, const std::vector<PrivateFolder>& folders);

// Second half, in the new namespaces: its own /proc, then the jail becomes "/" and the rest is gone.
void AppendEnter(PlanWriter& plan);

// A sized tmpfs.
void AppendTmpfs(PlanWriter& plan, const PrivateFolder& folder, const std::string& at);

// A /tmp of a child's own, over its parent's. What of `bound` (as RootSpec::read_only of the jail that both are in) lies
// below /tmp is bound in it again, read-only; nothing else of the parent's /tmp is seen. Uses /dev/shm as a workbench:
// the caller covers it afterwards.
Status AppendPrivateTmp(PlanWriter& plan, const PrivateFolder& tmp, const std::vector<std::string>& bound);

// Host paths of `root` as the jail sees them, symbolic links resolved: what Landlock rules are made for.
Result<std::vector<std::string>> VisiblePaths(const RootSpec& root);

}  // namespace passnet::sandbox
