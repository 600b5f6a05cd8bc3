// What the lane saw while it ran a candidate, as plain values: the facts that verdicts are made of. Nothing in here was
// reported by the candidate; headers of outputs are claims and were checked before they became a comparison.
// Threads: immutable values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "passbench/tolerances.h"

namespace passnet::evaluator {

// Levels of tolerance: index 0 is the tightest, t = kMinT.
inline constexpr int kTightestT = passbench::kMinT;
inline constexpr int kLevels = passbench::kMaxT - passbench::kMinT + 1;
inline constexpr int kStandardLevel = -5 - kTightestT;  // t = -5: torch.testing's tolerance of the type

// Rounding makes honest calls differ by a level or so from draw to draw (a level is a factor of 4 to 15).
inline constexpr int kNearLevels = 2;

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
  kNotATensor,     // something else, or a tensor that is no plain strided CPU tensor
};

struct OutputComparison {
  OutputMatch match = OutputMatch::kCompared;
  int tightest = 0;            // level index; kLevels when not close at any
  double max_abs_diff = 0;
  bool nonfinite_mismatch = false;
  bool changed_input = false;  // an input that the reference leaves alone was changed
  std::string reason;          // of the first thing that is wrong, naming output and figure
};

struct Observations {
  std::vector<OutputComparison> sets;  // the exact input sets, PassBench's own first
  OutputComparison timed;              // the worst of all other calls, warm-up and timed
  std::optional<int> first_level;      // of the very first call; kLevels for a mismatch
  int calls = 0;                       // compared
  int far_calls = 0;                   // by more than kNearLevels further off than the first one and than the standard
  double frozen_cpu_us = 0;            // CPU time that the stopped candidate used while the reference ran
  double cpu_over_wall = 0;            // the largest of its own blocks
  std::optional<double> candidate_us;  // median call
  double output_bytes = 0;             // that a call must write
  std::optional<CallFailure> failure;
};

}  // namespace passnet::evaluator
