// What the kernel says about a process, as opposed to what was asked for.
// Threads: thread-safe, blocking. Errors: kNotFound (it has ended), kPermissionDenied, kIo.
// Source: proc_pid_status(5), proc_pid_ns(5). Landlock leaves no trace in /proc: pn_sandbox_apply therefore tries a
// forbidden open after the restriction and fails closed, and only that trial puts "landlock: …" into a list of layers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::sandbox {

inline constexpr uint64_t kNoLimit = ~0ull;  // RLIM_INFINITY

struct LimitPair {
  uint64_t soft = kNoLimit;
  uint64_t hard = kNoLimit;
};

struct ReadBackReport {
  std::vector<std::string> own_namespaces;  // of user, mount, pid, net, ipc, uts: those that differ from ours
  bool no_new_privs = false;
  int seccomp_filters = 0;
  uint64_t effective_capabilities = 0;
  uint64_t bounding_capabilities = 0;
  uid_t uid = 0;                            // in our user namespace
  bool one_user = true;                     // it is its real, effective and saved one, and the same of its group
  std::vector<std::string> cgroups;         // "memory:/passnet/…": membership that differs from ours
  std::vector<int> cores;
  int threads = 0;
  int oom_score_adj = 0;
  std::map<uint32_t, LimitPair> limits;     // by RLIMIT_*; those that /proc names

  // "namespaces: user,mount,pid,net,ipc,uts", "seccomp: 2 filters", "capabilities: none", …: only what is in force.
  std::vector<std::string> Layers() const;
};

Result<ReadBackReport> ReadBack(pid_t pid);

// Whether the process has ended or is about to, or its first thread has while others go on (pthread_exit(3) in main): its
// namespaces are gone then, some time before a pidfd tells of its end, which in the latter case it may never do by itself.
// False too where /proc says nothing of a process that is there.
bool Ending(pid_t pid);

// As /proc/PID/limits names an RLIMIT_*: "cpu time".
const char* LimitName(uint32_t resource);

}  // namespace passnet::sandbox
