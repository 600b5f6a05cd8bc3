// What the lane saw while it ran a candidate, as plain values: the facts that verdicts are made of. Nothing in here was
// reported by the candidate; headers of outputs are claims and were checked before they became a comparison.
// Threads: immutable values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/integrity/launches.h"
#include "passbench/tolerances.h"

namespace passnet::evaluator {

// Levels of tolerance: index 0 is the tightest, t = kMinT.
inline constexpr int kTightestT = passbench::kMinT;
inline constexpr int kLevels = passbench::kMaxT - passbench::kMinT + 1;
inline constexpr int kStandardLevel = -5 - kTightestT;  // t = -5: torch.testing's tolerance of the type

// Rounding makes honest calls differ by a level or so from draw to draw (a level is a factor of 4 to 15).
inline constexpr int kNearLevels = 2;
// A level holds when this share of the calls reach it: hundreds of draws reach further into the tail of rounding errors
// than the single one that upstream looks at, and working less in a fifth of the calls earns no more than a fifth.
inline constexpr double kLevelShare = 0.8;

// How a worker process ended, as its parent saw it.
struct WorkerEnd {
  bool known = false;  // false: the parent is gone too
  int exit_code = 0;
  int signal = 0;
  bool out_of_memory = false;  // its control group counted a kill
  std::string Text() const;    // "was killed by SIGSEGV", "exited with 1", …
};

// Why a candidate's process or call did not complete.
enum class CallFailureKind {
  kException,       // `text` is the exception, hostile bytes, bounded
  kDied,            // `end` tells how
  kTimeout,
  kProtocol,        // it wrote bytes that are no answer
  kGraphNotCalled,  // Dynamo did not call the installed graph: our trap, not the candidate's fault
};

struct CallFailure {
  CallFailureKind kind = CallFailureKind::kException;
  std::string text;
  WorkerEnd end;
};

enum class OutputMatch {
  kCompared,       // shapes and types agree; `tightest` says how close the values are
  kShapeMismatch,  // also a wrong number of outputs
  kTypeMismatch,
  kNotATensor,     // something else, or a tensor that is no plain strided tensor of the device
  kLayoutMismatch, // elements that share memory, or a view of an input, where the reference's have their own
};

struct OutputComparison {
  OutputMatch match = OutputMatch::kCompared;
  int tightest = 0;  // level index; kLevels when not close at any
  double max_abs_diff = 0;
  bool nonfinite_mismatch = false;
  std::string reason;  // of the first thing that is wrong, naming output and figure
  std::vector<OutputMismatch> mismatches{};  // where it was asked for

  int Level() const { return match == OutputMatch::kCompared ? tightest : kLevels; }
};

// Calls of one kind, by how close their outputs were.
struct CallTally {
  std::array<int, kLevels + 1> by_level{};  // the last: not close at any level, or a mismatch
  OutputComparison worst;

  void Add(OutputComparison comparison);
  int Calls() const;
  // How many were further off than this level.
  int Beyond(int level) const;
  // The tightest level that at least this share of the calls reach; 0 for no call.
  int LevelOf(double share) const;
};

struct Counted {
  std::string name;
  uint64_t count = 0;
};

// A kernel that ran on the device, as a profiler in the process told it.
struct KernelTime {
  std::string name;
  uint64_t count = 0;
  uint64_t nanoseconds = 0;  // together
};

// What a process that is never timed saw of the candidate's function while it made calls as timed ones do. Its own words
// are claims; the answers were read and compared by the evaluator.
struct Witness {
  std::optional<CallFailure> failure;  // then the rest is nothing
  int calls = 0;
  int functions_a_call = 0;         // how often the rewritten graph calls the candidate's function
  uint64_t call_bytes = 0;          // of a call's inputs and outputs
  uint64_t functions = 0;           // calls of that function that were seen
  std::vector<Counted> operations;  // dispatched in it, at any depth
  std::vector<Counted> kernels;     // of its own, launched
  uint64_t copied_bytes = 0;        // written by torch's copies and fills in it
  uint64_t unexplained = 0;         // fresh results of it that neither a kernel nor an operation that was seen has written
  bool observer_lost = false;
  std::vector<KernelTime> device_kernels;  // of all its calls; nothing on a CPU, and where no profiler can be had
  LaunchList launches;              // of one call of the graph
  bool same_without_kernels = false;  // every call's answer was as good with all its kernels left out
};

struct Observations {
  std::optional<OutputComparison> published;  // PassBench's own inputs: the worst of the rounds
  CallTally plain;                   // inputs of the task's own distribution
  CallTally strayed;                 // inputs that leave it here and there
  std::optional<int> first_level;    // of the very first call of a process; the loosest of the rounds
  std::string changed_input;         // an input that the reference leaves alone was changed; its name
  bool shares_memory = false;        // outputs of different calls in the same memory, where the reference's are not
  std::optional<int> view_of_input;  // index of an output that lies in an input, where the reference's does not
  int answers_compared = 0;          // pairs of the reference's own answers to different inputs
  int answers_alike = 0;             // of them pass for one another at the standard tolerance
  double idle_cpu_us = 0;            // the most that the stopped candidate used between two of its runs
  double cpu_over_wall = 0;          // of all its runs of a round; the largest of the rounds
  bool worked_beside = false;        // round after round something was at work on the device beside the clock
  std::optional<double> candidate_us;  // of a call, with nothing taken off but the start of the run
  std::optional<CallFailure> failure;
  std::optional<Witness> witness;

  void Note(bool alike) {
    ++answers_compared;
    answers_alike += alike;
  }
};

}  // namespace passnet::evaluator
