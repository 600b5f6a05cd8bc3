// What this process and everything below it hold of the host, looked at from outside: for benches that ask what is left
// over after many evaluations. On a host where other evaluators run at the same time, their files and groups count too.
// Threads: thread-compatible, blocking. Errors: none; what cannot be read counts as nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace passnet::bench {

struct HostUse {
  uint64_t resident_bytes = 0;  // of all processes below this one; shared pages count in each
  int descriptors = 0;          // of the same processes
  int processes = 0;
  int temporary_files = 0;      // entries named passnet* in the temporary folder and in /dev/shm
  int control_groups = 0;       // folders named passnet* below /sys/fs/cgroup
};

HostUse UseBelowThisProcess();

// A process that is not mistaken for another one that got its number later.
struct ProcessName {
  pid_t pid = 0;
  std::string started;  // field 22 of /proc/PID/stat
};

std::vector<ProcessName> ProcessesBelowThisOne();

// How many of them still run.
int StillRunning(const std::vector<ProcessName>& processes);

}  // namespace passnet::bench
