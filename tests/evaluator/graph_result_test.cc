#include "evaluator/api/graph_result.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

GraphReport Ran(Verdict verdict, double speedup) {
  GraphReport graph;
  graph.status = GraphStatus::kCorrect;
  graph.verdict = verdict;
  graph.speedup_call = speedup;
  for (int t = -5; t <= 4; ++t) graph.tolerances_ok.push_back(t);
  return graph;
}

TEST(ToGraphResultTest, WhatGamedTheMeasurementIsNeverForgiven) {
  for (Verdict verdict : {Verdict::kTamper, Verdict::kStatic, Verdict::kDispatch, Verdict::kMutation, Verdict::kState,
                          Verdict::kTiming, Verdict::kImplausible}) {
    EXPECT_EQ(ToGraphResult(Ran(verdict, 50)).status, passbench::GraphStatus::kEagerFail) << VerdictName(verdict);
  }
}

TEST(ToGraphResultTest, CorrectKeepsItsSpeedupAndTrivialGainsNothing) {
  EXPECT_EQ(ToGraphResult(Ran(Verdict::kOk, 2)).speedup, 2);
  EXPECT_EQ(ToGraphResult(Ran(Verdict::kTrivial, 2)).speedup, 1);
  EXPECT_EQ(ToGraphResult(Ran(Verdict::kTrivial, 0.5)).speedup, 0.5);
}

TEST(ToGraphResultTest, RanWithoutATimeIsAFailure) {
  GraphReport graph = Ran(Verdict::kOk, 1);
  graph.speedup_call.reset();
  EXPECT_EQ(ToGraphResult(graph).status, passbench::GraphStatus::kRuntimeFail);
}

// Where both have a status they call it the same: a report's words are those of PassBench's log.
TEST(GraphStatusNameTest, SharedStatusesHaveOneName) {
  for (int i = 0; i <= static_cast<int>(GraphStatus::kUnsupportedLane); ++i) {
    const auto status = static_cast<GraphStatus>(i);
    if (status == GraphStatus::kAccuracy || status == GraphStatus::kUnsupportedLane) continue;
    EXPECT_EQ(passbench::ParseGraphStatus(GraphStatusName(status)), ToPassbenchStatus(status)) << GraphStatusName(status);
  }
}

TEST(ToGraphResultTest, InaccurateIsARunWhoseTolerancesTell) {
  GraphReport graph = Ran(Verdict::kIncorrect, 3);
  graph.status = GraphStatus::kAccuracy;
  graph.tolerances_ok = {4};
  EXPECT_EQ(ToGraphResult(graph).status, passbench::GraphStatus::kCorrect);
}

}  // namespace
}  // namespace passnet::evaluator
