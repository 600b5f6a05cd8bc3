// Eager against eager on every real graph of at most 20 ms a call: all load, capture and pass; none may raise a flag.
// Slower graphs are in evaluation_slow_test.
#include <cmath>

#include "tests/evaluator/passbench_subset.h"
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

class EagerBaselineTest : public LaneTest {
 protected:
  void SetUp() override {
    PASSNET_NEEDS_SHARED_DATA("passbench/INDEX.tsv");
    LaneTest::SetUp();
  }
};

TEST_F(EagerBaselineTest, RealGraphsPassAgainstThemselves) {
  PassBenchSubset subset("", -1, 20);
  ASSERT_GT(subset.graphs(), 100);
  BaselineRequest request;
  request.task.path = subset.dir().native();
  request.compiler = BaselineCompiler::kEager;
  request.profile = Profile::kQuick;
  request.time_cap = std::chrono::milliseconds(150);
  auto report = lane_->Baseline(request, Deadline::After(std::chrono::minutes(14)), {});
  ASSERT_TRUE(report.has_value()) << report.error().context;
  EXPECT_EQ(static_cast<int>(report.value().graphs.size()), subset.graphs());
  for (const GraphReport& graph : report.value().graphs) {
    EXPECT_EQ(graph.status, GraphStatus::kCorrect) << graph.path << ": " << graph.reason;
    EXPECT_EQ(graph.verdict, Verdict::kOk) << graph.path << ": " << graph.reason;
  }
}

}  // namespace
}  // namespace passnet::evaluator
