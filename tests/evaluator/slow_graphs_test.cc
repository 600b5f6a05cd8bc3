// The real graphs all of them. Those that take more than 20 ms a call, some of them a minute: time caps cut the counts and
// say so.
#include "tests/evaluator/eager_against_itself.h"

namespace passnet::evaluator {
namespace {

class SlowGraphsTest : public EagerAgainstItselfTest {};

TEST_F(SlowGraphsTest, AllQuickOnesPassAgainstThemselves) {
  PassBenchSubset subset("", -1, 20);
  ASSERT_GT(subset.graphs(), 100);
  ExpectPasses(subset);
}

TEST_F(SlowGraphsTest, PassAgainstThemselvesWithinTheirCaps) {
  PassBenchSubset subset("", 20, 1e9);
  ASSERT_GT(subset.graphs(), 0);
  auto report = Measure(subset, std::chrono::milliseconds(1000), Deadline::After(std::chrono::minutes(85)));
  ASSERT_TRUE(report.has_value()) << report.error().context;
  int capped = 0;
  for (const GraphReport& graph : report.value().graphs) {
    EXPECT_EQ(graph.status, GraphStatus::kCorrect) << graph.path << ": " << graph.reason;
    capped += graph.capped;
  }
  EXPECT_GT(capped, 0);
}

}  // namespace
}  // namespace passnet::evaluator
