// The passes written for the bundled tasks are honest, match every graph and are right: none may raise a flag.
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

class BundledPassesTest : public LaneTest {};

TEST_F(BundledPassesTest, EveryGraphMatchesAndIsCorrect) {
  int tasks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Source("tasks"))) {
    if (!entry.is_directory() || !std::filesystem::exists(entry.path() / "graph_list.txt")) continue;
    std::string name = entry.path().filename().native();
    SCOPED_TRACE(name);
    ++tasks;
    auto report = Evaluate(RequestFor(entry.path(), Source("tests/fixtures/passes/" + name)));
    ASSERT_TRUE(report.has_value()) << report.error().context;
    EXPECT_EQ(report.value().verdict, Verdict::kOk) << report.value().reason;
    ASSERT_FALSE(report.value().graphs.empty());
    for (const GraphReport& graph : report.value().graphs) {
      EXPECT_EQ(graph.status, GraphStatus::kCorrect) << graph.path << ": " << graph.reason;
      EXPECT_GT(graph.matched_nodes, 0) << graph.path;
      EXPECT_GT(graph.timed_calls, 0) << graph.path;
      ASSERT_TRUE(graph.speedup_call.has_value()) << graph.path;
      EXPECT_GT(*graph.speedup_call, 0) << graph.path;
    }
    EXPECT_TRUE(report.value().aggregated_score.has_value());
  }
  EXPECT_GE(tasks, 10);
}

TEST_F(BundledPassesTest, SecondEvaluationForksNoReaderAndCompilesNothing) {
  auto request = RequestFor(Source("tasks/two_outputs"), Source("tests/fixtures/passes/two_outputs"));
  auto lane = StartOne();
  ASSERT_TRUE(lane.has_value()) << lane.error().context;
  const Deadline deadline = Deadline::After(std::chrono::minutes(10));
  auto first = lane.value()->Evaluate(request, deadline, {}), second = lane.value()->Evaluate(request, deadline, {});
  ASSERT_TRUE(first.has_value() && second.has_value());
  for (const CompileDiagnostics& unit : second.value().compile) EXPECT_TRUE(unit.cached) << unit.file;
  // That nothing is forked is proved in kept_answers_test.cc; here, that real children end as that asks for.
  for (const char* step : {"capture", "screen", "trace", "match"}) {
    EXPECT_LT(second.value().timings_ms.at(step), first.value().timings_ms.at(step) / 2) << step;
  }
}

TEST_F(BundledPassesTest, DirectCallPathAndNormalisedMatchingAgreeOnCorrectness) {
  auto request = RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes/bias_gelu_layernorm"));
  request.call_path = CallPath::kDirect;
  request.matching = Matching::kNormalised;
  auto report = Evaluate(request);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report.value().verdict, Verdict::kOk) << report.value().reason;
}

TEST_F(BundledPassesTest, DescribeTellsOperatorsSharesAndFloor) {
  auto description = lane_->DescribeTask({{Source("tasks/bias_gelu_layernorm").native()}, "cpu"},
                                         Deadline::After(std::chrono::minutes(5)));
  ASSERT_TRUE(description.has_value()) << description.error().context;
  for (const GraphDescription& graph : description.value().graphs) {
    EXPECT_EQ(graph.ops.size(), 3u) << graph.path;
    double shares = 0;
    for (const OpRecord& op : graph.ops) shares += op.eager_share;
    EXPECT_GT(shares, 0.5);
    EXPECT_LE(shares, 1.001);
    EXPECT_GT(graph.eager_us, graph.floor_us) << graph.path;
    EXPECT_GT(graph.bytes_touched, 0u);
  }
}

}  // namespace
}  // namespace passnet::evaluator
