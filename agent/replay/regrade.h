// Stored candidates evaluated again, from the journal alone: the candidate's files, the task's files as they were at
// the launch, and the pinned options. Whether verdict and score come out as they are stored, each graph's speed-up within
// the noise that the two measurements state.
// Nothing runs that is not what was stored: the events' hashes, every blob's, the candidate's pass_dir hash and the
// task's hash are checked first, and what does not hold is refused.
// Threads: blocking, thread-compatible. Borrows: the reader. Owns: a temporary folder for the task's files.
// Errors: the reader's; kNotFound (no such id). What came of a candidate, our failures included, is no Error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/reader.h"

namespace passnet::agent {

struct RegradeSelection {
  std::string campaign_id;    // empty: all
  std::string trajectory_id;  // empty: all
  int64_t sample = 0;         // about evenly spread over the selection; 0: all of it
  bool all_rounds = false;    // false: only the final measurement of each trajectory
};

// One stored report, and where it came from.
struct StoredGrade {
  std::string campaign_id;
  std::string trajectory_id;
  std::string task;
  int64_t round = 0;
  std::string purpose;        // "refine", "final"
  std::string evaluation_id;
};

enum class RegradeState {
  kAgrees,
  kDiffers,      // verdict, or a graph's status or speed-up
  kRefused,      // what is stored is not what was stored then: it was not run
  kNotMeasured,  // a failure on our side, or a campaign that did not store its tasks
};
const char* RegradeStateName(RegradeState state);

struct Regraded {
  StoredGrade grade;
  RegradeState state = RegradeState::kNotMeasured;
  std::string reason;  // of everything but kAgrees
  std::string verdict;
  std::string new_verdict;
  std::optional<double> score;
  std::optional<double> new_score;
  std::optional<double> noise;  // the largest that a graph's two measurements state together
  int64_t graphs = 0;           // that were compared
  int64_t graphs_that_differ = 0;
  std::map<std::string, std::string> moved;  // of those, by their speed-up alone: path, and what is said of it
  bool looked_again = false;
  // Facts of the two environments that differ: name to stored and new ("" where there is none).
  std::map<std::string, std::pair<std::string, std::string>> environment;
};

using EvaluateFn = std::function<Result<evaluator::EvaluationReport>(const evaluator::EvaluateRequest&)>;

// What a selection means, in order of start.
Result<std::vector<StoredGrade>> SelectGrades(trajectories::Reader& reader, const RegradeSelection& selection);

Result<Regraded> Regrade(trajectories::Reader& reader, const StoredGrade& grade, const EvaluateFn& evaluate);

// Whether nothing but speed-ups lies outside of its noise. That noise is one evaluation's, and a phase of the host that slows one
// kind of work more than another outlasts one (docs/measurements.md): such a difference is believed when it is seen twice.
bool WantsSecondLook(const Regraded& first);

// `first` measured once more, best some time later. A graph differs that differs both times; another verdict or status counts
// at once. Where it could not be measured, `first` as it is.
Result<Regraded> LookAgain(trajectories::Reader& reader, const Regraded& first, const EvaluateFn& evaluate);

}  // namespace passnet::agent
