// Candidates that must not succeed: each gets its typed outcome, and the lane goes on.
#include <algorithm>

#include "evaluator/compare/compare.h"
#include "tests/evaluator/lane_fixture.h"
#include "tests/evaluator/one_graph_task.h"

namespace passnet::evaluator {
namespace {

struct Expected {
  const char* folder;
  GraphStatus status;
  std::vector<Verdict> verdicts;  // any of them
  const char* reason;             // must occur in it
};

class FailingCandidatesTest : public LaneTest {
 protected:
  void Check(const std::string& task, const Expected& expected) { CheckOn(OneGraphTask(task).dir(), expected); }
  void CheckOn(const std::filesystem::path& task, const Expected& expected) {
    SCOPED_TRACE(expected.folder);
    auto report = Evaluate(RequestFor(task, Source("tests/fixtures/passes_bad/" + std::string(expected.folder))));
    ASSERT_TRUE(report.has_value()) << report.error().context;
    const EvaluationReport& seen = report.value();
    EXPECT_NE(std::find(expected.verdicts.begin(), expected.verdicts.end(), seen.verdict), expected.verdicts.end())
        << VerdictName(seen.verdict) << ": " << seen.reason;
    EXPECT_NE(seen.reason.find(expected.reason), std::string::npos) << seen.reason;
    for (const GraphReport& graph : seen.graphs) {
      EXPECT_EQ(graph.status, expected.status) << graph.path << " " << GraphStatusName(graph.status);
    }
    // The worst that a failure earns is ES's forgiveness of a crash or of wrong values.
    EXPECT_LT(seen.aggregated_score.value_or(0), 0.6);
    EXPECT_LT(seen.candidate_output.size(), 20'000u);
  }

  void StillWorks() {
    const OneGraphTask task("two_outputs");
    auto report = Evaluate(RequestFor(task.dir(), Source("tests/fixtures/passes/two_outputs")));
    ASSERT_TRUE(report.has_value()) << report.error().context;
    EXPECT_EQ(report.value().verdict, Verdict::kOk) << report.value().reason;
  }
};

TEST_F(FailingCandidatesTest, WrongResults) {
  Check("bias_gelu_layernorm", {"wrong_result", GraphStatus::kAccuracy, {Verdict::kIncorrect}, "max_abs_diff="});
  Check("bias_gelu_layernorm", {"nan_output", GraphStatus::kAccuracy, {Verdict::kIncorrect}, "NaN"});
  Check("bias_gelu_layernorm", {"identity_copy", GraphStatus::kAccuracy, {Verdict::kIncorrect}, "max_abs_diff="});
  Check("bias_gelu_layernorm", {"wrong_shape", GraphStatus::kShapeMismatch, {Verdict::kIncorrect}, "has shape"});
  Check("bias_gelu_layernorm", {"wrong_dtype", GraphStatus::kTypeMismatch, {Verdict::kIncorrect}, "has type float64"});
  Check("inplace_act", {"skips_inplace_mutation", GraphStatus::kAccuracy, {Verdict::kIncorrect}, "in place"});
}

// What helps to mend a kernel, and nothing of the inputs that are drawn in secret.
TEST_F(FailingCandidatesTest, WrongElementsAreTold) {
  auto report = Evaluate(RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes_bad/nan_output")));
  ASSERT_TRUE(report.has_value()) << report.error().context;
  for (const GraphReport& graph : report.value().graphs) {
    ASSERT_EQ(graph.mismatches.size(), 1u) << graph.path;
    const OutputMismatch& mismatch = graph.mismatches[0];
    EXPECT_EQ(mismatch.what, "output 0 (" + graph.dtype + ")");
    EXPECT_GT(mismatch.wrong, 0);
    EXPECT_LE(mismatch.wrong, mismatch.elements);
    ASSERT_FALSE(mismatch.told.empty());
    EXPECT_EQ(mismatch.told[0].got.find("nan") != std::string::npos, true) << mismatch.told[0].got;
    EXPECT_EQ(mismatch.told[0].expected.find("nan"), std::string::npos) << mismatch.told[0].expected;
    EXPECT_EQ(mismatch.told[0].index.front(), '[');
    ASSERT_EQ(mismatch.told.size(), static_cast<size_t>(std::min<int64_t>(mismatch.wrong, PN_MISMATCHES_TOLD)));
    EXPECT_TRUE(mismatch.told.size() < 2 || mismatch.told[0].index != mismatch.told[1].index);
  }
}

TEST_F(FailingCandidatesTest, NeverRan) {
  Check("bias_gelu_layernorm", {"miss", GraphStatus::kPassMiss, {Verdict::kMiss}, "layer_norm"});
  Check("bias_gelu_layernorm", {"no_json", GraphStatus::kCompileFail, {Verdict::kCompile}, kRuleListName});
  Check("bias_gelu_layernorm", {"compile_error", GraphStatus::kCompileFail, {Verdict::kCompile}, "did not compile"});
  Check("bias_gelu_layernorm", {"triton_on_cpu", GraphStatus::kUnsupportedLane, {Verdict::kUnsupported}, "triton"});
  Check("bias_gelu_layernorm",
        {"../passes_cu/bias_gelu_layernorm", GraphStatus::kUnsupportedLane, {Verdict::kUnsupported}, ".cu is CUDA's"});
}

TEST_F(FailingCandidatesTest, CompilerWordsComeBackAsTheyAre) {
  auto report = Evaluate(RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes_bad/compile_error")));
  ASSERT_TRUE(report.has_value());
  std::string words;
  for (const CompileDiagnostics& unit : report.value().compile) words += unit.diagnostics;
  EXPECT_NE(words.find("error:"), std::string::npos) << words;
  EXPECT_EQ(words.find("/box/"), std::string::npos) << "the jail's own paths are trimmed";
}

TEST_F(FailingCandidatesTest, CompilerThatNeverEndsIsStoppedAndToldApart) {
  Check("bias_gelu_layernorm", {"compile_bomb", GraphStatus::kCompileFail, {Verdict::kCompile}, "did not compile"});
  StillWorks();
}

TEST_F(FailingCandidatesTest, CrashHangFloodAndMemory) {
  // In each of its graphs anew.
  CheckOn(Source("tasks/bias_gelu_layernorm"), {"segfault", GraphStatus::kRuntimeFail, {Verdict::kCrash}, "SIGSEGV"});
  Check("bias_gelu_layernorm", {"hang", GraphStatus::kRuntimeFail, {Verdict::kTimeout}, "in time"});
  Check("bias_gelu_layernorm", {"eat_memory", GraphStatus::kRuntimeFail, {Verdict::kOutOfMemory}, "memory limit"});
  Check("bias_gelu_layernorm", {"flood_stdout", GraphStatus::kRuntimeFail, {Verdict::kCrash}, "printed"});
  Check("bias_gelu_layernorm", {"fork_bomb", GraphStatus::kRuntimeFail, {Verdict::kStatic}, "unistd.h"});
  StillWorks();
}

// As on a host without control groups.
TEST_F(FailingCandidatesTest, MemoryIsLimitedByLookingToo) {
  LaneClientOptions options = Options();
  options.polled_limits = true;
  auto lane = StartLane(options, Deadline::After(std::chrono::minutes(3)));
  ASSERT_TRUE(lane.has_value()) << lane.error().context;
  std::swap(lane_, lane.value());
  Check("bias_gelu_layernorm", {"eat_memory", GraphStatus::kRuntimeFail, {Verdict::kOutOfMemory}, "memory limit"});
  StillWorks();
  std::swap(lane_, lane.value());
}

// The cheapest attack that output checks leave open (docs/measuring.md): right every time, but no input
// ever recurs, so remembering costs and earns nothing.
TEST_F(FailingCandidatesTest, RememberingOutputsByContentEarnsNothing) {
  auto report = Evaluate(RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes_bad/caches_by_content_hash")));
  ASSERT_TRUE(report.has_value()) << report.error().context;
  for (const GraphReport& graph : report.value().graphs) {
    ASSERT_TRUE(graph.speedup_call.has_value()) << graph.reason;
    EXPECT_LT(*graph.speedup_call, 1.5) << graph.path;
  }
}

TEST_F(FailingCandidatesTest, RememberingOutputsByPointerIsWrongOnFreshBytes) {
  auto report = Evaluate(RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes_bad/caches_by_pointer")));
  ASSERT_TRUE(report.has_value()) << report.error().context;
  EXPECT_TRUE(report.value().verdict == Verdict::kState || report.value().verdict == Verdict::kIncorrect)
      << VerdictName(report.value().verdict);
}

TEST_F(FailingCandidatesTest, EscapingAndOversizedFilesNeverReachAJail) {
  auto request = RequestFor(Source("tasks/bias_gelu_layernorm"), Source("tests/fixtures/passes/bias_gelu_layernorm"));
  request.files.push_back({"../../evil.py", "x = 1\n"});
  auto escaped = Evaluate(request);
  ASSERT_TRUE(escaped.has_value());
  EXPECT_EQ(escaped.value().verdict, Verdict::kCompile);
  EXPECT_NE(escaped.value().reason.find("../../evil.py"), std::string::npos);
  request.files.back() = {"Big.py", std::string(50u << 20, '#')};
  auto big = Evaluate(request);
  ASSERT_TRUE(big.has_value()) << big.error().context;
  EXPECT_NE(big.value().reason.find("Big.py"), std::string::npos);
}

TEST_F(FailingCandidatesTest, MalformedTaskFolderIsBadInputAndNotAScore) {
  auto request = RequestFor("/nonexistent/task", Source("tests/fixtures/passes/rope"));
  auto report = Evaluate(request);
  ASSERT_TRUE(report.has_error());
  EXPECT_EQ(report.error().code, ErrorCode::kNotFound) << report.error().context;
  StillWorks();
}

}  // namespace
}  // namespace passnet::evaluator
