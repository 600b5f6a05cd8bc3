// A control group of our own: limits and accounting for a tree of processes, also for grandchildren that a jailed
// parent forked. Uses cgroup v2 where it is delegated to us, else the v1 memory, pids and cpuacct controllers.
// Threads: thread-compatible. Owns: the groups' folders; the destructor kills what is left inside and removes them.
// Never touches any group that it did not make, apart from making sub-groups of the one we live in.
// Errors: kUnavailable (no writable controller: the text says which and what to do), kPermissionDenied, kIo.
// Source: cgroups(7); Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::sandbox {

enum class CgroupTier { kNone, kV1, kV2 };
const char* CgroupTierName(CgroupTier tier);  // "rlimits", "cgroup-v1", "cgroup-v2": as reports name them

struct CgroupLimits {
  uint64_t memory_bytes = 0;  // 0: unlimited
  uint32_t processes = 0;     // processes and threads; 0: unlimited
  bool Any() const { return memory_bytes != 0 || processes != 0; }
};

// What this process can use, found by making and removing a group. `why` says what is missing when it is kNone.
struct CgroupSupport {
  CgroupTier tier = CgroupTier::kNone;
  std::string why;
};
const CgroupSupport& DetectCgroups();  // once a process

// Removes the empty groups that processes of ours left behind when they were killed, and says how many. DetectCgroups
// does it once; a process that lives long may do it again.
size_t SweepDeadGroups();

class Cgroup {
 public:
  // `name` distinguishes groups for people; uniqueness is added.
  static Result<Cgroup> Create(std::string_view name, const CgroupLimits& limits);
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  ~Cgroup();

  // Moves a process (pid in our namespace) with all its threads into the group; what it charged before stays where it was.
  Status Add(pid_t pid);

  CgroupTier tier() const { return tier_; }
  std::optional<uint64_t> PeakMemoryBytes() const;
  std::optional<std::chrono::nanoseconds> CpuTime() const;
  // Processes killed here because the memory limit was reached.
  uint64_t OomKills() const;
  std::vector<pid_t> Members() const;

  // SIGKILL to every member until none is left; kDeadlineExceeded after 30 s (a process stuck in the kernel).
  Status KillAll();

 private:
  Cgroup(CgroupTier tier, std::vector<std::string> folders) : tier_(tier), folders_(std::move(folders)) {}
  void Remove();

  CgroupTier tier_ = CgroupTier::kNone;
  std::vector<std::string> folders_;  // v2: one; v1: memory, pids, cpuacct in this order, those that exist
};

}  // namespace passnet::sandbox
