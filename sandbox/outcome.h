// How a jailed process ended and what it used. An outcome is a value, never an Error: it describes the child's fate.
// Threads: immutable values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace passnet::sandbox {

// The first cause recorded stays: later signs (the SIGKILL that follows a time-out) never replace it.
enum class OutcomeKind {
  kExited,       // `exit_code`
  kSignalled,    // `signal`, sent by itself or by a fault
  kWallTimeout,  // we killed the tree at its wall limit
  kCpuTimeout,   // the tree used up its CPU time
  kMemory,       // the kernel or we killed it for memory
  kOutput,       // stream beyond its cap, or a file beyond the size limit
  kSyscall,      // a never-legitimate system call: `syscall_nr`, -1 for a foreign architecture (int 0x80, x32)
  kSetupFailed,  // a layer could not be applied: always ours, never the child's fault; `reason` names step and fix
};

struct RunOutcome {
  OutcomeKind kind = OutcomeKind::kSetupFailed;
  int exit_code = 0;
  int signal = 0;
  int syscall_nr = 0;
  std::string reason;  // one line for people: "step mount /tmp: Operation not permitted; …"

  bool Ok() const { return kind == OutcomeKind::kExited && exit_code == 0; }
};

// What the whole tree used. Absent: this host's tier cannot measure it.
struct Accounting {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};                // user + system of every process of the tree that was reaped
  std::optional<uint64_t> peak_memory_bytes;      // of the tree, from the control group
  uint64_t peak_process_rss_bytes = 0;            // of its largest process, from wait4
};

}  // namespace passnet::sandbox
