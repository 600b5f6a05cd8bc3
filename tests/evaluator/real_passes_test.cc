// Honest passes for real PassBench tasks, evaluated end to end. Graphs that take longer than 30 ms a call in the index
// are left out, so that the default run stays short; the test says how many.
#include "tests/evaluator/passbench_subset.h"
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

class RealPassesTest : public LaneTest {
 protected:
  void SetUp() override {
    PASSNET_NEEDS_SHARED_DATA("passbench/INDEX.tsv");
    LaneTest::SetUp();
  }
};

TEST_F(RealPassesTest, FixturesMatchAndAreCorrect) {
  int tasks = 0, left_out = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Source("tests/fixtures/passes"))) {
    std::string folder = entry.path().filename().native();
    if (!entry.is_directory() || folder.size() != 64) continue;
    SCOPED_TRACE(folder);
    PassBenchSubset subset(folder, 0, 30);
    left_out += subset.left_out();
    auto report = Evaluate(RequestFor(subset.dir(), entry.path()));
    ASSERT_TRUE(report.has_value()) << report.error().context;
    ++tasks;
    int matched = 0;
    for (const GraphReport& graph : report.value().graphs) {
      matched += graph.matched_nodes > 0;
      EXPECT_EQ(graph.verdict, Verdict::kOk) << graph.path << ": " << graph.reason;
    }
    EXPECT_GT(matched, 0);
  }
  EXPECT_GE(tasks, 4);
  RecordProperty("graphs_left_out", left_out);
}

}  // namespace
}  // namespace passnet::evaluator
