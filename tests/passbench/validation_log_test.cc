#include "passbench/validation_log.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "passbench/score_cases.h"
#include "tests/fakes/shared_data.h"

namespace passnet::passbench {
namespace {

constexpr size_t kMaxLogBytes = 16u << 20;

std::vector<LogSample> Parse(std::string_view text) { return ParseValidationLog(text).value(); }

constexpr std::string_view kRan =
    "[Processing] graphs/g\n[Datatype][eager]: int64\n[Datatype][compiled]: int64\n"
    "[DataType] eager:['int64'] compiled:['int64'] match:True\n[Correctness][equal]: 1\n"
    "[Correctness][all_close_atol_1.00E-05_rtol_1.30E-06]: 1\n[Speedup][e2e]: 2.5\n";

std::string Ran(std::string_view more = "") { return std::string(kRan) + std::string(more); }

TEST(ValidationLogTest, SuccessfulGraphIsCorrect) {
  auto samples = Parse(Ran());
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].model_path, "graphs/g");
  EXPECT_EQ(samples[0].status, GraphStatus::kCorrect);
  EXPECT_EQ(samples[0].SpeedupE2e(), 2.5);
  EXPECT_EQ(ToGraphResult(samples[0]).value().correct_at, ToleranceSet::All());
}

// Point 6: the text counts, wherever it comes from.
TEST(ValidationLogTest, AnyErrorTextMakesARuntimeFailure) {
  EXPECT_EQ(Parse(Ran("UserWarning: ignored ValueError: x\n"))[0].status, GraphStatus::kRuntimeFail);
}

TEST(ValidationLogTest, ProcessingInsideAnErrorTextStartsASample) {
  auto samples = Parse(Ran("oops [Processing] twice over\n"));
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[1].model_path, "over");
  EXPECT_EQ(samples[1].status, GraphStatus::kEagerFail);
}

TEST(ValidationLogTest, TextBeforeTheFirstGraphIsDropped) {
  EXPECT_EQ(Parse("RuntimeError: startup\n" + Ran())[0].status, GraphStatus::kCorrect);
  EXPECT_TRUE(Parse("RuntimeError: startup\n").empty());
}

TEST(ValidationLogTest, CarriageReturnsEndLines) {
  std::string text = Ran();
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\r\n");
  EXPECT_EQ(Parse(text)[0].model_path, "graphs/g");
  EXPECT_EQ(Parse("noise\r[Processing] a\rmore")[0].model_path, "a");
}

// Point 7: no [equal] line means no outputs, and no outputs means correct.
TEST(ValidationLogTest, MissingEqualLineCountsAsCorrect) {
  std::string text = Ran();
  const std::string equal = "[Correctness][equal]: 1\n";
  text.erase(text.find(equal), equal.size());
  EXPECT_EQ(ToGraphResult(Parse(text)[0]).value().correct_at, ToleranceSet::All());
}

TEST(ValidationLogTest, MoreVerdictsThanTypesIsAnError) {
  auto result = ToGraphResult(Parse(Ran("[Correctness][equal]: 1 1\n"))[0]);
  ASSERT_TRUE(result.has_error());
  EXPECT_NE(result.error().context.find("2 compared outputs"), std::string::npos) << result.error().context;
}

TEST(ValidationLogTest, MalformedFiguresNameTheLine) {
  auto speedup = ParseValidationLog(Ran("[Speedup][e2e]: fast\n"));
  ASSERT_TRUE(speedup.has_error());
  EXPECT_NE(speedup.error().context.find("line 8: "), std::string::npos) << speedup.error().context;
  EXPECT_TRUE(ParseValidationLog(Ran("[Correctness][equal]: 0x1\n")).has_error());
}

TEST(ValidationLogTest, ConfigLinesAreLookedAtNoFurther) {
  EXPECT_EQ(Parse(Ran("[Config] note: [Speedup][e2e]: 9\n"))[0].SpeedupE2e(), 2.5);
  EXPECT_EQ(Parse(Ran("[Config] note [Speedup][e2e]: 9\n"))[0].SpeedupE2e(), 9);
}

TEST(ValidationLogTest, EveryLogOfTheOracleAgrees) {
  PASSNET_NEEDS_SHARED_DATA("es_oracle_logs.json");
  const auto path = fakes::SharedData("es_oracle_logs.json");
  auto outcomes = CheckScoreCases(ReadFile(path, kMaxLogBytes).value(), path.native());
  ASSERT_TRUE(outcomes.has_value()) << outcomes.error().context;
  EXPECT_EQ(outcomes->size(), 20u);
  for (const CaseOutcome& outcome : *outcomes) {
    EXPECT_TRUE(outcome.differences.empty()) << outcome.name << ": " << testing::PrintToString(outcome.differences);
  }
}

class UpstreamLogTest : public testing::TestWithParam<const char*> {};

// Logs of real runs of the original harness against the score files that the original scorer wrote beside them.
TEST_P(UpstreamLogTest, ScoresAsTheOriginalDid) {
  const std::string folder = std::string("upstream_logs/") + GetParam();
  PASSNET_NEEDS_SHARED_DATA(folder);
  auto samples = Parse(ReadFile(fakes::SharedData(folder + "/validation.log"), kMaxLogBytes).value());
  std::vector<GraphResult> graphs;
  for (const LogSample& sample : samples) graphs.push_back(ToGraphResult(sample).value());
  auto scores = Score(graphs, {});
  auto written = ReadFile(fakes::SharedData(folder + "/aggregated_score.json"), kMaxLogBytes);
  ASSERT_EQ(scores.has_value(), written.has_value());
  if (!written) return;
  const double expected = ParseJson(*written).value()["score"].Number();
  EXPECT_NEAR(*scores->aggregated, expected, 1e-12 * expected);
}

INSTANTIATE_TEST_SUITE_P(RealRuns, UpstreamLogTest,
                         testing::Values("acc", "astfail", "exit", "miss", "ok", "ok_clean", "poison"));

}  // namespace
}  // namespace passnet::passbench
