#include "evaluator/integrity/judge.h"

#include <gtest/gtest.h>

#include <csignal>

namespace passnet::evaluator::integrity {
namespace {

OutputComparison Close(int level) {
  OutputComparison comparison;
  comparison.tightest = level;
  if (level > kStandardLevel) comparison.reason = "output 0 differs";
  return comparison;
}

Observations Clean() {
  Observations seen;
  seen.sets = {Close(4), Close(5), Close(3)};
  seen.timed = Close(5);
  seen.first_level = 4;
  seen.calls = 100;
  seen.candidate_us = 10;
  return seen;
}

GraphReport Judged(const Observations& seen, Facts facts = {}) {
  GraphReport report;
  Judge(seen, facts, &report);
  return report;
}

TEST(JudgeTest, CloseEverywhereIsOkAtTheLoosestOfTheSets) {
  GraphReport report = Judged(Clean());
  EXPECT_EQ(report.verdict, Verdict::kOk);
  EXPECT_EQ(report.status, GraphStatus::kCorrect);
  EXPECT_EQ(report.tolerances_ok.front(), kTightestT + 5);
  EXPECT_EQ(report.tolerances_ok.back(), passbench::kMaxT);
}

TEST(JudgeTest, LooserThanStandardIsAccuracy) {
  Observations seen = Clean();
  seen.sets[1] = Close(7);
  seen.timed = Close(8);
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.status, GraphStatus::kAccuracy);
  EXPECT_EQ(report.verdict, Verdict::kIncorrect);
  EXPECT_EQ(report.tolerances_ok.front(), kTightestT + 7);
}

TEST(JudgeTest, TimedCallsThatComputeSomethingElseAreState) {
  Observations seen = Clean();
  seen.timed = Close(7);
  EXPECT_EQ(Judged(seen).verdict, Verdict::kState);
  seen.timed = Close(6);  // one level looser: rounding in the tail
  EXPECT_EQ(Judged(seen).verdict, Verdict::kOk);
}

// Seen with an honest kernel: equal bit for bit on the checked sets, within the tolerance on all other calls.
TEST(JudgeTest, BitEqualSetsAndCloseTimedCallsAreOk) {
  Observations seen = Clean();
  seen.sets = {Close(0), Close(0), Close(0)};
  seen.first_level = 0;
  seen.timed = Close(kStandardLevel);
  EXPECT_EQ(Judged(seen).verdict, Verdict::kOk);
}

TEST(JudgeTest, RightOnlyTheFirstTimeIsState) {
  Observations seen = Clean();
  seen.sets[1] = Close(kLevels);
  seen.timed = Close(kLevels);
  seen.far_calls = 90;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kState);
  seen.far_calls = 10;  // wrong on some inputs is a wrong kernel, not a remembered answer
  EXPECT_EQ(Judged(seen).verdict, Verdict::kIncorrect);
}

TEST(JudgeTest, ChangedInputComesBeforeState) {
  Observations seen = Clean();
  seen.timed = Close(9);
  seen.timed.changed_input = true;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kMutation);
}

TEST(JudgeTest, MismatchesKeepPassBenchsStatus) {
  Observations seen = Clean();
  seen.sets[0].match = OutputMatch::kShapeMismatch;
  seen.sets[0].reason = "output 0 has shape [1]";
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.status, GraphStatus::kShapeMismatch);
  EXPECT_TRUE(report.tolerances_ok.empty());
  seen.sets[0].match = OutputMatch::kTypeMismatch;
  EXPECT_EQ(Judged(seen).status, GraphStatus::kTypeMismatch);
}

TEST(JudgeTest, CpuTimeOutsideItsOwnCallsIsTiming) {
  Observations seen = Clean();
  seen.frozen_cpu_us = kFrozenCpuUs + 1;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTiming);
  seen = Clean();
  seen.cpu_over_wall = 1.9;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTiming);
  EXPECT_EQ(Judged(seen, {2, 0}).verdict, Verdict::kOk);
}

TEST(JudgeTest, FasterThanMemoryIsImplausible) {
  Observations seen = Clean();
  seen.output_bytes = 1e6;
  EXPECT_EQ(Judged(seen, {1, 10'000}).verdict, Verdict::kImplausible);  // 100 us to write, 10 us taken
  EXPECT_EQ(Judged(seen, {1, 0}).verdict, Verdict::kOk);
}

TEST(JudgeFailureTest, EachEndHasItsVerdict) {
  auto verdict = [](WorkerEnd end) {
    GraphReport report;
    report.verdict = Verdict::kOk;
    JudgeFailure({CallFailureKind::kDied, "", end}, &report);
    return report.verdict;
  };
  EXPECT_EQ(verdict({true, 0, SIGSEGV, false}), Verdict::kCrash);
  EXPECT_EQ(verdict({true, 3, 0, false}), Verdict::kCrash);
  EXPECT_EQ(verdict({true, 0, SIGSYS, false}), Verdict::kTamper);
  EXPECT_EQ(verdict({true, 0, SIGKILL, true}), Verdict::kOutOfMemory);
  EXPECT_EQ(verdict({true, 0, SIGXCPU, false}), Verdict::kTimeout);
  EXPECT_EQ(verdict({}), Verdict::kInfra);  // absence of evidence is never a candidate's failure, nor a pass
}

TEST(FailTest, TheFirstInTheOrderOfPrecedenceStays) {
  GraphReport report;
  report.verdict = Verdict::kOk;
  Fail(GraphStatus::kAccuracy, Verdict::kIncorrect, "wrong", &report);
  Fail(GraphStatus::kRuntimeFail, Verdict::kTiming, "late", &report);
  EXPECT_EQ(report.reason, "wrong");
  Fail(GraphStatus::kRuntimeFail, Verdict::kTamper, "forged", &report);
  EXPECT_EQ(report.verdict, Verdict::kTamper);
}

TEST(JudgeOutputTest, FloodIsToldAndNothingElse) {
  GraphReport report;
  EXPECT_FALSE(JudgeOutput(kMaxOutputBytes, &report));
  report.verdict = Verdict::kState;
  EXPECT_TRUE(JudgeOutput(kMaxOutputBytes + 1, &report));
  EXPECT_EQ(report.verdict, Verdict::kCrash);
  EXPECT_EQ(report.status, GraphStatus::kRuntimeFail);
}

TEST(LastLineTest, IsTheOneThatNamesTheError) {
  EXPECT_EQ(LastLine("Traceback\n  File x\nValueError: no\n\n"), "ValueError: no");
  EXPECT_EQ(LastLine(""), "");
  EXPECT_EQ(LastLine("one"), "one");
}

}  // namespace
}  // namespace passnet::evaluator::integrity
