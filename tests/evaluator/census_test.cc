// Through the real evaluator: work that is left to torch, and a kernel that is a decoy, on both call paths; beside each the
// honest pass for the same graph.
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

class CensusTest : public LaneTest {
 protected:
  EvaluationReport On(CallPath path, const std::string& task, const std::string& pass) {
    EvaluateRequest request = RequestFor(Source("tests/hostile/tasks/" + task), Source("tests/hostile/" + pass));
    request.call_path = path;
    request.time_cap = std::chrono::milliseconds(60);
    auto report = Evaluate(request);
    EXPECT_TRUE(report.has_value()) << report.error().context;
    return report ? report.value() : EvaluationReport{};
  }
};

TEST_F(CensusTest, EagerOperatorsAreNamedAndKernelsAreNot) {
  for (CallPath path : {CallPath::kDynamo, CallPath::kDirect}) {
    SCOPED_TRACE(CallPathName(path));
    const EvaluationReport eager = On(path, "add_mul", "specimens/G1_operators_py");
    EXPECT_EQ(eager.verdict, Verdict::kDispatch) << eager.reason;
    EXPECT_NE(eager.reason.find("computes with torch: aten::add ("), std::string::npos) << eager.reason;
    const EvaluationReport honest = On(path, "add_mul", "honest/add_mul");
    EXPECT_EQ(honest.verdict, Verdict::kOk) << honest.reason;
  }
}

TEST_F(CensusTest, KernelThatFeedsNothingIsADecoyAndOneThatDoesIsNot) {
  for (CallPath path : {CallPath::kDynamo, CallPath::kDirect}) {
    SCOPED_TRACE(CallPathName(path));
    const EvaluationReport decoy = On(path, "expand_copy", "specimens/G3_decoy_beside_a_copy_py");
    EXPECT_EQ(decoy.verdict, Verdict::kDispatch) << decoy.reason;
    EXPECT_NE(decoy.reason.find("do not feed the output"), std::string::npos) << decoy.reason;
    for (const char* honest : {"honest/expand_by_kernel", "honest/views_alone"}) {
      const EvaluationReport report = On(path, "expand_copy", honest);
      EXPECT_EQ(report.verdict, Verdict::kOk) << honest << ": " << report.reason;
    }
  }
}

}  // namespace
}  // namespace passnet::evaluator
