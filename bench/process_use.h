// What a running process has used so far, looked at from outside: processor time in all and by thread, memory.
// Threads: thread-safe, blocking. Errors: kNotFound (no such process), kDataCorrupt (a kernel that writes it otherwise).
// Source: man 5 proc; Documentation/scheduler/sched-stats.rst for schedstat.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "base/result.h"

namespace passnet::bench {

struct ProcessUse {
  double cpu_ms = 0;                        // of all its threads, ended ones too; in steps of 10 ms
  std::map<std::string, double> thread_ms;  // of threads that live, by name; "pn-work-0" and "pn-work-1" are "pn-work"
  double rss_mib = 0;
  double peak_rss_mib = 0;
};

Result<ProcessUse> UseOf(pid_t pid);

// What was used between the two; memory is that of `after`.
ProcessUse Between(const ProcessUse& before, const ProcessUse& after);

}  // namespace passnet::bench
