// Evaluates specimens through passnet-evaluator, one lane for each set of layers left out, and keeps a table of what came
// of them, printed at the end of a suite.
// Threads: thread-compatible. A lane that does not start fails the test.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "evaluator/client/lane_client.h"
#include "tests/hostile/specimen.h"

namespace passnet::hostile {

// How a specimen is run. `again` tells repetitions apart.
struct Case {
  Specimen specimen;
  std::string ablate;  // as passnet-evaluator's --ablate
  int again = 0;

  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.specimen.name; }
};

std::string CaseName(const testing::TestParamInfo<Case>& info);

// What an evaluation came to. `ended` is a verdict's name, or what became of the lane.
struct Outcome {
  std::string ended, reason;
  double gain = 0;  // geometric mean of the graphs' speed-ups; 0 where one has none
  double seconds = 0;
};

class Suite : public testing::TestWithParam<Case> {
 protected:
  // Evaluates and judges. Fails where the specimen ends otherwise than its head says; skips where the head knows.
  void Check(const Case& wanted);
  // How the specimen ended with every layer on; "R.STATIC" where it has not been tried yet.
  static std::string Ended(const Specimen& specimen);
  static void TearDownTestSuite();

 private:
  evaluator::LaneClient* Lane(const std::string& ablate);
  Outcome Run(const Case& wanted);
  // Empty when all is well.
  std::string Wrong(const Case& wanted, const Outcome& outcome);
  // What its honest part is worth, at most.
  double Earned(const Case& wanted);
  void Note(const Case& wanted, const Outcome& outcome, const std::string& wrong);

  static inline std::map<std::string, std::unique_ptr<evaluator::LaneClient>> lanes_;
  static inline std::vector<std::string> table_;
  static inline std::map<std::string, std::string> ended_;  // by specimen, with every layer on
};

}  // namespace passnet::hostile
