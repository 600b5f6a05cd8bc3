// One program, once, in a jail of its own: private root, empty network, own process tree, limits, system-call list.
// Made for compilers: the program is trusted to be itself, its input is not.
// Threads: blocking; thread-safe (no shared state). The jailed tree dies with the *calling thread*
//   (PR_SET_PDEATHSIG), so call it from a thread that outlives the call.
// Owns: everything it starts; when it returns nothing of the tree is alive and its control group is removed.
// Errors: kInvalidArgument (spec), kCancelled, kDeadlineExceeded (the caller's deadline, not the wall limit),
//   kResourceExhausted (fork, descriptors). How the program ended is RunReport::outcome.
// Source: namespaces(7), seccomp(2), landlock(7), pid_namespaces(7).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/gpu.h"
#include "sandbox/limits.h"
#include "sandbox/outcome.h"
#include "sandbox/policy.h"
#include "sandbox/root.h"

namespace passnet::sandbox {

struct InputFile {
  std::string name;  // relative to the scratch folder, '/'-separated; "..", absolute names and NUL are refused
  std::string bytes;
};

// A file asked for by name after the run. Exactly one of `bytes` and `problem` counts.
struct Artefact {
  std::string name;
  std::optional<std::string> bytes;
  std::string problem;  // "missing", "symbolic link", "not a regular file", "larger than … bytes"
};

struct CapturedStream {
  std::string head;
  std::string tail;            // empty until more than the first half of the cap came
  uint64_t dropped_bytes = 0;  // between head and tail
  uint64_t total_bytes = 0;

  // Head, a line that counts what is missing, tail.
  std::string Text() const;
};

struct RunSpec {
  std::vector<std::string> argv;  // argv[0] is an absolute path inside the jail
  std::vector<std::pair<std::string, std::string>> environment;  // the whole environment; nothing is inherited
  RootSpec root;                  // what the jail sees; SystemRoot() of sandbox/root.h fits g++
  std::string scratch = "/box";   // the one writable folder (besides /tmp), also the working folder
  uint64_t scratch_bytes = 64ull << 20;
  std::vector<InputFile> inputs;  // put into the scratch folder before the start
  std::vector<std::string> outputs;  // collected from it after the end
  uint64_t output_file_bytes = 32ull << 20;  // cap of each collected file
  std::string stdin_bytes;
  Limits limits;
  LimitsBy limits_by = LimitsBy::kBestOfHost;
  SyscallPolicy policy = SyscallPolicy::Compiler();
  std::optional<GpuAccess> gpu;   // given to the program, as to a candidate that uses it; needs Loosening::kGpu
  // For finding out what a program of ours asks for that the policy refuses: each call is answered as ever, and told; the
  // never-legitimate ones are refused too instead of ending the run.
  bool tell_refused = false;
  std::vector<int> cores;         // pinned to these; empty: inherited
  int cancel_fd = -1;             // borrowed; readable means stop (an eventfd, a pipe)
};

// A call that the filter refused, and how often; with the command where one decides: "ioctl (16) 0xc0384657".
struct RefusedCall {
  std::string name;
  uint64_t times = 0;
};

struct RunReport {
  RunOutcome outcome;
  Accounting accounting;
  CapturedStream out;
  CapturedStream err;
  std::vector<Artefact> artefacts;  // in the order of RunSpec::outputs
  std::string tier;                 // "cgroup-v2", "cgroup-v1", "rlimits"; empty when the set-up failed
  std::vector<RefusedCall> refused; // with RunSpec::tell_refused: in the order in which they came first
  std::vector<std::string> layers;  // read back from the kernel just before the program's first instruction
};

Result<RunReport> Run(const RunSpec& spec, Deadline deadline);

}  // namespace passnet::sandbox
