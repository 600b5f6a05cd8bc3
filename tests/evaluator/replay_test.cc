// Through the real evaluator: a top result whose kernels do all of the work stays, one whose Python does a part of it does
// not; behind Dynamo and without.
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

class ReplayTest : public LaneTest {
 protected:
  // The screen stops what is written here; what its Python does is looked at without it.
  void SetUp() override {
    if (unscreened_ != nullptr) return;
    LaneClientOptions options = Options();
    options.ablate = "screen,products";
    auto lane = StartLane(options, Deadline::After(std::chrono::minutes(3)));
    ASSERT_TRUE(lane.has_value()) << lane.error().context;
    unscreened_ = std::move(lane).value();
  }
  static void TearDownTestSuite() { unscreened_.reset(); }

  EvaluationReport On(CallPath path, const std::string& pass) {
    EvaluateRequest request = RequestFor(Source("tests/hostile/tasks/long_chain"), Source("tests/hostile/" + pass));
    request.call_path = path;
    request.time_cap = std::chrono::milliseconds(600);
    auto report = unscreened_->Evaluate(request, Deadline::After(std::chrono::minutes(5)), {});
    EXPECT_TRUE(report.has_value()) << report.error().context;
    return report ? report.value() : EvaluationReport{};
  }

  static inline std::unique_ptr<LaneClient> unscreened_;
};

TEST_F(ReplayTest, WorkOfPythonIsMissedAndWorkOfKernelsIsNot) {
  for (CallPath path : {CallPath::kDynamo, CallPath::kDirect}) {
    SCOPED_TRACE(CallPathName(path));
    const EvaluationReport honest = On(path, "honest/long_chain");
    EXPECT_EQ(honest.verdict, Verdict::kOk) << honest.reason;
    ASSERT_EQ(honest.graphs.size(), 1u);
    EXPECT_GT(honest.graphs[0].speedup_call.value_or(0), 3) << "or nothing is replayed";
    EXPECT_TRUE(honest.timings_ms.contains("replay"));
    const EvaluationReport partly = On(path, "specimens/G1_half_by_numpy_py");
    EXPECT_EQ(partly.verdict, Verdict::kQuarantine) << partly.reason;
    // Where noise takes it beyond 20, the second measurement may speak first.
    const bool surprised = partly.reason.find("did not come out again") != std::string::npos;
    EXPECT_TRUE(surprised || partly.reason.find("its launches alone") != std::string::npos) << partly.reason;
    // Of the way behind Dynamo it is always the replay.
    EXPECT_FALSE(surprised && path == CallPath::kDynamo) << partly.reason;
  }
}

}  // namespace
}  // namespace passnet::evaluator
