#include "evaluator/lane/scoring.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

GraphReport Correct(double speedup) {
  GraphReport graph;
  graph.status = GraphStatus::kCorrect;
  graph.verdict = Verdict::kOk;
  graph.tolerances_ok = {-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5};
  graph.speedup_call = speedup;
  graph.speedup_upstream = speedup;
  return graph;
}

GraphReport Failed(GraphStatus status, Verdict verdict) {
  GraphReport graph;
  graph.status = status;
  graph.verdict = verdict;
  return graph;
}

// The anchors of docs/passbench.md, section 8.
TEST(ScoreOursTest, Anchors) {
  EXPECT_NEAR(*ScoreOurs({Correct(1.7)}, {}).aggregated, 1.69596, 1e-5);
  EXPECT_NEAR(*ScoreOurs({Correct(1.0)}, {}).aggregated, 0.99807, 1e-5);
  EXPECT_NEAR(*ScoreOurs({Failed(GraphStatus::kRuntimeFail, Verdict::kCrash)}, {}).aggregated, 0.110706, 1e-6);
  GraphReport wrong = Correct(3.0);
  wrong.status = GraphStatus::kAccuracy;
  wrong.verdict = Verdict::kIncorrect;
  wrong.tolerances_ok = {};
  EXPECT_NEAR(*ScoreOurs({wrong}, {}).aggregated, 0.147207, 1e-6);
}

TEST(ScoreOursTest, IntegrityVerdictsAreNeverForgiven) {
  GraphReport cheat = Correct(50);
  for (Verdict verdict : {Verdict::kTamper, Verdict::kStatic, Verdict::kDispatch, Verdict::kMutation, Verdict::kState,
                          Verdict::kTiming, Verdict::kImplausible}) {
    cheat.verdict = verdict;
    EXPECT_NEAR(*ScoreOurs({cheat}, {}).aggregated, 0.1, 1e-12) << VerdictName(verdict);
  }
  cheat.verdict = Verdict::kTrivial;
  EXPECT_NEAR(*ScoreOurs({cheat}, {}).aggregated, 0.99807, 1e-5);
}

TEST(ScoreOursTest, NothingUnscoredBecomesAScore) {
  for (Verdict verdict : {Verdict::kInfra, Verdict::kUnsupported, Verdict::kQuarantine}) {
    EXPECT_FALSE(ScoreOurs({Correct(2), Failed(GraphStatus::kRuntimeFail, verdict)}, {}).aggregated.has_value());
  }
  EXPECT_FALSE(ScoreOurs({}, {}).aggregated.has_value());
}

TEST(ScoreUpstreamTest, PatternOfSeveralOutputsIsRefused) {
  GraphOutcome outcome;
  outcome.report = Correct(2);
  outcome.upstream_tolerances_ok = outcome.report.tolerances_ok;
  EXPECT_GT(*ScoreUpstream({outcome}, {}), 1.9);
  outcome.upstream_refuses = true;
  EXPECT_NEAR(*ScoreUpstream({outcome}, {}), 0.1, 1e-12);
}

TEST(ScoreUpstreamTest, MissIsEagerFailAndInPlaceIsNothing) {
  GraphOutcome miss;
  miss.report = Failed(GraphStatus::kPassMiss, Verdict::kMiss);
  EXPECT_NEAR(*ScoreUpstream({miss}, {}), 0.1, 1e-12);
  GraphOutcome in_place;
  in_place.report = Correct(2);
  in_place.in_place = true;
  EXPECT_FALSE(ScoreUpstream({in_place}, {}).has_value());
}

// What gaming would have earned: right on the published set, caught by the secret ones.
TEST(ScoreUpstreamTest, PublishedSetAloneDecides) {
  GraphOutcome cheat;
  cheat.report = Correct(10);
  cheat.report.verdict = Verdict::kState;
  cheat.upstream_tolerances_ok = {-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5};
  EXPECT_GT(*ScoreUpstream({cheat}, {}), 9);
  EXPECT_NEAR(*ScoreOurs({cheat.report}, {}).aggregated, 0.1, 1e-12);
}

TEST(WorstVerdictTest, FirstInOrderOfPrecedence) {
  EXPECT_EQ(WorstVerdict({Correct(1), Failed(GraphStatus::kPassMiss, Verdict::kMiss)}), Verdict::kMiss);
  EXPECT_EQ(WorstVerdict({}), Verdict::kInfra);
}

}  // namespace
}  // namespace passnet::evaluator
