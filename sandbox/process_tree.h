// Looks at a process tree from outside, for hosts without control groups: resident size, CPU time.
// Threads: thread-safe, blocking. Errors: none; processes that end meanwhile are left out.
// Source: proc_pid_statm(5), proc_pid_stat(5), proc_tid_children(5).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace passnet::sandbox {

struct TreeUsage {
  std::vector<pid_t> pids;
  uint64_t resident_bytes = 0;         // shared pages are counted in each process: an upper bound
  std::chrono::nanoseconds cpu{0};     // of the living, and of the dead that were waited for
};

TreeUsage UsageOfTree(pid_t root);

}  // namespace passnet::sandbox
