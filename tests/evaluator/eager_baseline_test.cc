// Of the real graphs of at most 20 ms a call every third one; all of them are in evaluation_slow_test.
#include "tests/evaluator/eager_against_itself.h"

namespace passnet::evaluator {
namespace {

class EagerBaselineTest : public EagerAgainstItselfTest {};

TEST_F(EagerBaselineTest, RealGraphsPassAgainstThemselves) {
  constexpr size_t kEvery = 3;
  PassBenchSubset subset("", -1, 20, kEvery);
  ASSERT_GT(subset.graphs(), 35);
  ExpectPasses(subset);
}

}  // namespace
}  // namespace passnet::evaluator
