// Holds specimens to what their heads say, and keeps a table of what came of them, printed at the end of a suite.
// Threads: thread-compatible. A lane that does not start fails the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>

#include "tests/hostile/specimen.h"
#include "tests/hostile/trials.h"

namespace passnet::hostile {

// How a specimen is run. `again` tells repetitions apart.
struct Case {
  Specimen specimen;
  std::string ablate;  // as passnet-evaluator's --ablate
  int again = 0;

  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.specimen.name; }
};

std::string CaseName(const testing::TestParamInfo<Case>& info);

class Suite : public testing::TestWithParam<Case> {
 protected:
  // Evaluates and judges. Fails where the specimen ends otherwise than its head says; skips where the head knows.
  void Check(const Case& wanted);
  // How the specimen ended with every layer on; "R.STATIC" where it has not been tried yet.
  static std::string Ended(const Specimen& specimen);
  static void TearDownTestSuite();

 private:
  // Empty when all is well.
  std::string Wrong(const Case& wanted, const Outcome& outcome);
  void Note(const Case& wanted, const Outcome& outcome, const std::string& wrong);

  static inline Trials trials_{evaluator::Profile::kQuick};
  static inline std::vector<std::string> table_;
  static inline std::map<std::string, std::string> ended_;  // by specimen, with every layer on
};

}  // namespace passnet::hostile
