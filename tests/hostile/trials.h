// Evaluates specimens through passnet-evaluator, one lane for each set of layers left out, and says what may be earned.
// Threads: thread-compatible, blocking. Owns: the lanes. Errors: of a lane that does not start, or of a twin that is not
// OK; a lane that ends during an evaluation is an Outcome.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "evaluator/client/lane_client.h"
#include "tests/hostile/specimen.h"

namespace passnet::hostile {

// What an evaluation came to. `ended` is a verdict's name, or "failed".
struct Outcome {
  std::string ended, reason;
  double gain = 0;  // geometric mean of the graphs' speed-ups; 0 where one has none
  double seconds = 0;
};

class Trials {
 public:
  // `lane`: another lane than the usual one, its device and what goes with that.
  explicit Trials(evaluator::Profile profile, evaluator::LaneClientOptions lane = {}) : profile_(profile), options_(std::move(lane)) {}

  // The last of as many evaluations as its head asks for. `ablate` as passnet-evaluator's --ablate.
  Result<Outcome> Run(const Specimen& specimen, const std::string& ablate);
  // What its honest part is worth, at most.
  Result<double> Earned(const Specimen& specimen, const std::string& ablate);
  // Facts of the lane that leaves out `ablate`.
  Result<std::map<std::string, std::string>> Environment(const std::string& ablate);

 private:
  Result<evaluator::LaneClient*> Lane(const std::string& ablate);

  evaluator::Profile profile_;
  evaluator::LaneClientOptions options_;
  std::map<std::string, std::unique_ptr<evaluator::LaneClient>> lanes_;
};

std::string Joined(const std::vector<std::string>& names);

}  // namespace passnet::hostile
