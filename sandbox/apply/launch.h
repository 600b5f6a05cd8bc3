// The child's side of a start: from the fork in the trusted process to execve, in at most three processes.
//   first child   applies `outer` (mounts as the caller, then ids and namespaces), forks pid 1 as its *sibling*, so that
//                 the caller can wait for it, and leaves
//   pid 1         applies `init` (own /proc, pivot_root, descriptors); for a run it stays as a small reaper
//   program       applies `target` (limits, capabilities, Landlock, seccomp), then execve
// They talk over a SOCK_SEQPACKET socket; each wait of theirs ends when the caller's end closes.
// Threads: single-threaded children. libc only, no allocation, async-signal-safe. Borrows: everything in Launch.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sandbox/apply/apply.h"

namespace passnet::sandbox {

enum class LaunchMessageKind : uint32_t {
  kFailed = 1,  // `error`; the sender leaves
  kReady,       // from pid 1; carries the scratch folder's descriptor; it waits for one byte
  kApplied,     // from the program's process, all layers in force; carries the seccomp listener, if any; waits for one byte
  kEnded,       // from pid 1 of a run: the program's wait status
};

struct LaunchMessage {
  LaunchMessageKind kind;
  int32_t wait_status;
  pn_apply_error error;
};

struct PlanBytes {
  const void* bytes;
  size_t size;
};

struct Launch {
  PlanBytes outer;
  PlanBytes init;
  PlanBytes target;
  bool stay_as_reaper;         // false: the program becomes pid 1 itself
  bool violations_to_listener;
  const char* program;
  const char* const* argv;
  const char* const* envp;
  const char* scratch;         // null: no folder to send
  int control_fd;              // the child's end; `init` moves it to kControlFd
};

// Called in the freshly forked child. Never returns.
[[noreturn]] void LaunchInChild(const Launch& launch);

}  // namespace passnet::sandbox
