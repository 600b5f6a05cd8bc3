// Ready plans: a flat list of bytes that names every step of a jail in order, made here by trusted code and applied in
// a forked child by sandbox/apply (pn_sandbox_apply), which stops at the first step that fails.
// Threads: immutable values and pure functions, apart from asking the kernel for its Landlock ABI.
// Errors: kInternal (seccomp filter), kUnavailable (no Landlock: the text says what to do), kInvalidArgument (paths, a
//   use of a GPU that the lane does not have).
// Format: sandbox/apply/plan_format.h. A plan is valid on the kernel that it was made on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/gpu.h"
#include "sandbox/limits.h"

namespace passnet::sandbox {

// The child that captures a task's graph: third-party code, validated, and parent of candidate children. New mount
// namespace with private /tmp and /proc, no exec, scoped by Landlock (signals, abstract sockets); keeps CAP_SYS_ADMIN of the
// zygote's user namespace, because it makes jails. Apply it in a child that is init of its pid namespace
// (pn_sandbox_prepare_fork before the fork).
struct TaskChildOptions {
  std::vector<int> keep_fds;      // every other descriptor is closed; 0, 1 and 2 are kept
  uint64_t tmp_bytes = 64ull << 20;
  uint64_t data_bytes = 0;        // RLIMIT_DATA; 0: none
  uint32_t open_files = 256;
  std::vector<int> cores;         // pinned to these; empty: inherited
  std::vector<std::string> bound;  // RootSpec::read_only of its jail: what lies below /tmp stays visible in its own /tmp
  bool second_user = false;        // keeps what CandidateOptions::own_user takes; its zygote has ChildSpec::second_user
};
Result<std::string> TaskChildPlan(const TaskChildOptions& options);

// The child that runs arbitrary hostile native code. Nothing is writable but a small private /tmp; no capability, no
// new process, no exec, no socket; with one core no second thread either. One that uses a GPU may in addition open the
// GPU's nodes, ask the driver by number, make memfds (of `file_bytes` at most) and write its threads' files.
struct CandidateOptions {
  std::vector<int> keep_fds;               // every other descriptor is closed; 0, 1 and 2 are kept
  std::vector<std::string> readable;       // Landlock: folders or files it may read; must exist inside the jail.
                                           // Those below /tmp are seen, read-only, in its own /tmp too
  uint64_t tmp_bytes = 16ull << 20;
  uint64_t file_bytes = 16ull << 20;       // RLIMIT_FSIZE
  uint64_t data_bytes = 2ull << 30;        // RLIMIT_DATA: heap and private mappings; 0: none
  uint64_t address_space_bytes = 0;        // RLIMIT_AS; 0: none
  std::chrono::seconds cpu{60};            // RLIMIT_CPU
  uint32_t open_files = 128;
  std::vector<int> cores;                  // pinned to these, for good; empty: inherited
  bool threads = false;                    // true on lanes with several cores
  uint32_t max_threads = 64;               // RLIMIT_NPROC where `threads`; counts the whole user namespace
  // On a GPU lane, whose zygote has Loosening::kGpu: what its jail shows. Whoever does not use the GPU (screen, trace,
  // match) is refused the nodes by Landlock and the driver's commands by its filter.
  std::optional<GpuAccess> gpu;
  bool uses_gpu = false;                   // implies `threads`, since the driver's library starts some; needs `gpu`
  // Its zygote has ChildSpec::second_user. With `own_user` it runs as that one and not as its neighbours do. It stays
  // dumpable then: the files in /proc of a process that is not belong to the user that it no longer is, and a driver's library
  // writes its threads' names there.
  bool second_user = false, own_user = false;
};
Result<std::string> CandidatePlan(const CandidateOptions& options);

}  // namespace passnet::sandbox
