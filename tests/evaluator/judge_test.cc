#include "evaluator/integrity/judge.h"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>

namespace passnet::evaluator::integrity {
namespace {

OutputComparison Close(int level) {
  OutputComparison comparison;
  comparison.tightest = level;
  if (level > kStandardLevel) comparison.reason = "output 0 differs";
  return comparison;
}

CallTally Calls(std::initializer_list<std::pair<int, int>> level_and_count) {
  CallTally tally;
  for (auto [level, count] : level_and_count) {
    for (int i = 0; i < count; ++i) tally.Add(Close(level));
  }
  return tally;
}

Observations Clean() {
  Observations seen;
  seen.published = Close(4);
  seen.plain = Calls({{3, 40}, {5, 60}});
  seen.strayed = Calls({{5, 90}, {7, 10}});
  seen.first_level = 4;
  seen.candidate_us = 10;
  return seen;
}

GraphReport Judged(const Observations& seen, Facts facts = {}) {
  GraphReport report;
  Judge(seen, facts, &report);
  return report;
}

TEST(CallTallyTest, LevelIsThatOfTheShareAsked) {
  CallTally tally = Calls({{2, 80}, {6, 20}});
  EXPECT_EQ(tally.Calls(), 100);
  EXPECT_EQ(tally.Beyond(2), 20);
  EXPECT_EQ(tally.LevelOf(0.8), 2);
  EXPECT_EQ(tally.LevelOf(0.81), 6);
  EXPECT_EQ(CallTally{}.LevelOf(0.8), 0);
}

TEST(CallTallyTest, MismatchIsTheWorst) {
  CallTally tally = Calls({{2, 9}});
  OutputComparison mismatch;
  mismatch.match = OutputMatch::kShapeMismatch;
  tally.Add(mismatch);
  tally.Add(Close(3));
  EXPECT_EQ(tally.worst.match, OutputMatch::kShapeMismatch);
  EXPECT_EQ(tally.Beyond(kLevels - 1), 1);
}

TEST(JudgeTest, CloseEverywhereIsOkAtTheLevelOfMostCalls) {
  GraphReport report = Judged(Clean());
  EXPECT_EQ(report.verdict, Verdict::kOk);
  EXPECT_EQ(report.status, GraphStatus::kCorrect);
  EXPECT_EQ(report.tolerances_ok.front(), kTightestT + 5);
  EXPECT_EQ(report.tolerances_ok.back(), passbench::kMaxT);
}

TEST(JudgeTest, PublishedInputsAloneMakeNoLevel) {
  Observations seen = Clean();
  seen.published = Close(0);
  seen.plain = Calls({{0, 30}, {7, 70}});  // exact where it can be told, sloppy elsewhere
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.status, GraphStatus::kAccuracy);
  EXPECT_EQ(report.verdict, Verdict::kIncorrect);
  EXPECT_EQ(report.tolerances_ok.front(), kTightestT + 7);
}

TEST(JudgeTest, LooserPublishedInputsAreAccuracy) {
  Observations seen = Clean();
  seen.published = Close(7);
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.status, GraphStatus::kAccuracy);
  EXPECT_EQ(report.tolerances_ok.front(), kTightestT + 7);
}

TEST(JudgeTest, ElementsAreToldOfPublishedInputsThatFail) {
  Observations seen = Clean();
  seen.published = Close(7);
  seen.published->mismatches = {{"output 0 (float32)", 8, 1, {{"[3]", "1", "2"}}}};
  EXPECT_EQ(Judged(seen).mismatches.size(), 1u);
  seen.published->tightest = kStandardLevel;
  EXPECT_TRUE(Judged(seen).mismatches.empty());
}

// Seen with honest kernels: hundreds of draws reach further into the tail of rounding errors than one.
TEST(JudgeTest, ATailOfLooserCallsIsOk) {
  Observations seen = Clean();
  seen.plain = Calls({{3, 85}, {7, 15}});
  EXPECT_EQ(Judged(seen).verdict, Verdict::kOk);
}

TEST(JudgeTest, OneCallThatComputesSomethingElseIsIncorrect) {
  Observations seen = Clean();
  seen.plain = Calls({{3, 99}, {kLevels, 1}});
  EXPECT_EQ(Judged(seen).verdict, Verdict::kIncorrect);
  seen = Clean();
  seen.strayed = Calls({{3, 99}, {kStandardLevel + 2 * kNearLevels, 1}});  // rounding where inputs are large
  EXPECT_EQ(Judged(seen).verdict, Verdict::kOk);
  seen.strayed = Calls({{3, 99}, {kLevels, 1}});
  EXPECT_EQ(Judged(seen).verdict, Verdict::kIncorrect);
}

TEST(JudgeTest, WrongOnStrayedInputsIsIncorrect) {
  Observations seen = Clean();
  seen.strayed = Calls({{5, 50}, {kLevels, 50}});  // a constant that only holds for what the task's files show
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.verdict, Verdict::kIncorrect);
  EXPECT_TRUE(report.tolerances_ok.empty());
  EXPECT_NE(report.reason.find("further from their mean"), std::string::npos) << report.reason;
}

TEST(JudgeTest, RightOnlyTheFirstTimeIsState) {
  Observations seen = Clean();
  seen.plain = Calls({{4, 10}, {kLevels, 90}});
  seen.strayed = Calls({{4, 10}, {kLevels, 90}});
  EXPECT_EQ(Judged(seen).verdict, Verdict::kState);
  seen.first_level = kLevels;  // wrong from the start is a wrong kernel, not a remembered answer
  EXPECT_EQ(Judged(seen).verdict, Verdict::kIncorrect);
}

TEST(JudgeTest, OutputsInOnePlaceAreState) {
  Observations seen = Clean();
  seen.shares_memory = true;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kState);
}

TEST(JudgeTest, ViewWhereEagerMakesATensorIsIncorrect) {
  Observations seen = Clean();
  seen.view_of_input = 1;
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.verdict, Verdict::kIncorrect);
  EXPECT_TRUE(report.tolerances_ok.empty());
}

TEST(JudgeTest, ChangedInputComesBeforeState) {
  Observations seen = Clean();
  seen.shares_memory = true;
  seen.changed_input = "in_0";
  EXPECT_EQ(Judged(seen).verdict, Verdict::kMutation);
}

TEST(JudgeTest, MismatchesKeepPassBenchsStatus) {
  Observations seen = Clean();
  seen.published->match = OutputMatch::kShapeMismatch;
  seen.published->reason = "output 0 has shape [1]";
  GraphReport report = Judged(seen);
  EXPECT_EQ(report.status, GraphStatus::kShapeMismatch);
  EXPECT_TRUE(report.tolerances_ok.empty());
  seen.published->match = OutputMatch::kTypeMismatch;
  EXPECT_EQ(Judged(seen).status, GraphStatus::kTypeMismatch);
}

TEST(JudgeTest, CpuTimeOutsideItsOwnCallsIsTiming) {
  Observations seen = Clean();
  seen.idle_cpu_us = kIdleCpuUs + 1;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTiming);
  seen = Clean();
  seen.cpu_over_wall = 1.9;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTiming);
  EXPECT_EQ(Judged(seen, {2, 0}).verdict, Verdict::kOk);
}

TEST(JudgeTest, WorkLeftOnTheDeviceIsTiming) {
  Observations seen = Clean();
  seen.worked_beside = true;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTiming);
  EXPECT_EQ(Judged(seen).status, GraphStatus::kCorrect);
}

TEST(JudgeTest, FasterThanTheFloorIsImplausible) {
  EXPECT_EQ(Judged(Clean(), {1, 13}).verdict, Verdict::kImplausible);  // 10 us taken
  EXPECT_EQ(Judged(Clean(), {1, 12}).verdict, Verdict::kOk);
  EXPECT_EQ(Judged(Clean(), {1, 0}).verdict, Verdict::kOk);
}

TEST(JudgeTest, GraphWhoseAnswersAreAlikeIsTrivial) {
  Observations seen = Clean();
  seen.answers_compared = seen.answers_alike = 6;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTrivial);
  seen.answers_alike = 5;
  EXPECT_EQ(Judged(seen).verdict, Verdict::kOk);
}

// Four calls of a graph of 4 KiB, its kernel launched in each.
Observations Witnessed(const std::function<void(Witness&)>& change) {
  Observations seen = Clean();
  Witness& witness = seen.witness.emplace();
  witness.calls = 4;
  witness.functions_a_call = 1;
  witness.functions = 4;
  witness.call_bytes = 4096;
  witness.operations = {{"aten::empty_like", 4}, {"aten::copy_", 4}};
  witness.kernels = {{"fused", 4}};
  change(witness);
  return seen;
}

TEST(JudgeWitnessTest, ViewsCopiesAndOwnKernelsAreOk) {
  EXPECT_EQ(Judged(Witnessed([](Witness&) {})).verdict, Verdict::kOk);
  const GraphReport no_kernel = Judged(Witnessed([](Witness& witness) {
    witness.kernels.clear();
    witness.operations = {{"aten::expand", 4}};
  }));
  EXPECT_EQ(no_kernel.verdict, Verdict::kOk) << no_kernel.reason;
}

TEST(JudgeWitnessTest, OperationThatComputesIsDispatchAndNamed) {
  const GraphReport report = Judged(Witnessed([](Witness& witness) { witness.operations.push_back({"aten::gelu", 4}); }));
  EXPECT_EQ(report.verdict, Verdict::kDispatch);
  EXPECT_EQ(report.status, GraphStatus::kCorrect);
  EXPECT_NE(report.reason.find("computes with torch: aten::gelu (4 times) in 4 calls"), std::string::npos) << report.reason;
}

TEST(JudgeWitnessTest, MoreCopiedThanLayingOutEveryTensorIsDispatch) {
  const uint64_t most = 4 * (4 * 4096 + (1 << 20));
  EXPECT_EQ(Judged(Witnessed([&](Witness& witness) { witness.copied_bytes = most; })).verdict, Verdict::kOk);
  EXPECT_EQ(Judged(Witnessed([&](Witness& witness) { witness.copied_bytes = most + 1; })).verdict, Verdict::kDispatch);
}

TEST(JudgeWitnessTest, AnswerThatNothingWroteIsDispatch) {
  Observations seen = Witnessed([](Witness& witness) { witness.unexplained = 4; });
  EXPECT_EQ(Judged(seen).verdict, Verdict::kDispatch);
  seen.published = Close(kStandardLevel + 1);
  EXPECT_EQ(Judged(seen).verdict, Verdict::kIncorrect) << "untouched memory is a wrong answer and nobody's work";
}

TEST(JudgeWitnessTest, SameWithoutItsKernelsIsADecoyUnlessAConstantWouldDo) {
  Observations seen = Witnessed([](Witness& witness) { witness.same_without_kernels = true; });
  const GraphReport decoy = Judged(seen);
  EXPECT_EQ(decoy.verdict, Verdict::kDispatch);
  EXPECT_NE(decoy.reason.find("with fused (4 times) left out"), std::string::npos) << decoy.reason;
  for (int i = 0; i < 3; ++i) seen.Note(true);
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTrivial);
  EXPECT_EQ(Judged(Witnessed([](Witness& witness) {
              witness.same_without_kernels = true;
              witness.kernels.clear();
            })).verdict, Verdict::kOk);
}

TEST(JudgeWitnessTest, ReplacementThatIsNotCalledOrAnObserverThatIsOffIsTamper) {
  EXPECT_EQ(Judged(Witnessed([](Witness& witness) { witness.functions = 3; })).verdict, Verdict::kTamper);
  EXPECT_EQ(Judged(Witnessed([](Witness& witness) { witness.functions_a_call = 2; })).verdict, Verdict::kTamper);
  EXPECT_EQ(Judged(Witnessed([](Witness& witness) { witness.observer_lost = true; })).verdict, Verdict::kTamper);
}

TEST(JudgeWitnessTest, FailureOfTheWitnessIsOneOfTheCandidate) {
  Observations seen = Witnessed([](Witness& witness) { witness.failure = CallFailure{CallFailureKind::kTimeout, "", {}}; });
  EXPECT_EQ(Judged(seen).verdict, Verdict::kTimeout);
  EXPECT_TRUE(Judged(seen).tolerances_ok.empty());
  seen.failure = CallFailure{CallFailureKind::kException, "ValueError: x", {}};
  EXPECT_EQ(Judged(seen).verdict, Verdict::kCrash);
}

// A report of a call of 10 us beside eager's, which takes so many times as long.
GraphReport TimesAsFast(double ratio, double noise) {
  GraphReport report;
  report.verdict = Verdict::kOk;
  report.status = GraphStatus::kCorrect;
  report.speedup_call = ratio;
  report.noise = noise;
  report.candidate_us = 10;
  report.eager_us = 10 * ratio;
  return report;
}

TEST(JudgeReplayTest, TopResultHoldsWhereItsLaunchesAloneAreAboutAsFast) {
  const auto after = [](double live, const GraphReport& replay) {
    GraphReport report = TimesAsFast(live, 0.04);
    JudgeReplay(replay, &report);
    return report;
  };
  EXPECT_EQ(after(6, TimesAsFast(6, 0.06)).verdict, Verdict::kOk);
  EXPECT_EQ(after(6, TimesAsFast(60, 0.06)).verdict, Verdict::kOk) << "slow Python is the candidate's own loss";
  EXPECT_EQ(after(6, TimesAsFast(6 / (1.5 * 1.09), 0.06)).verdict, Verdict::kOk);
  const GraphReport apart = after(6, TimesAsFast(6 / (1.5 * 1.11), 0.06));
  EXPECT_EQ(apart.verdict, Verdict::kQuarantine);
  EXPECT_EQ(apart.status, GraphStatus::kCorrect);
  EXPECT_NE(apart.reason.find("a call takes 10.00 us beside eager's 60.00 us"), std::string::npos) << apart.reason;
  EXPECT_NE(apart.reason.find("take 10.00 us beside 36.04 us"), std::string::npos) << apart.reason;
}

TEST(JudgeReplayTest, LaunchesThatAreNotTheWorkAreQuarantineWhateverTheyEndAs) {
  for (Verdict end : {Verdict::kIncorrect, Verdict::kCrash, Verdict::kTimeout, Verdict::kState, Verdict::kMutation}) {
    GraphReport replay = TimesAsFast(6, 0.06), report = TimesAsFast(6, 0.04);
    Fail(GraphStatus::kAccuracy, end, "output 0 differs", &replay);
    JudgeReplay(replay, &report);
    EXPECT_EQ(report.verdict, Verdict::kQuarantine) << VerdictName(end);
    EXPECT_NE(report.reason.find("output 0 differs"), std::string::npos) << report.reason;
  }
  GraphReport ours = TimesAsFast(6, 0.06), report = TimesAsFast(6, 0.04), trivial = TimesAsFast(6, 0.04);
  Fail(GraphStatus::kRuntimeFail, Verdict::kInfra, "its parent is gone", &ours);
  JudgeReplay(ours, &report);
  EXPECT_EQ(report.verdict, Verdict::kInfra);
  GraphReport alike = TimesAsFast(6, 0.06);
  Fail(GraphStatus::kCorrect, Verdict::kTrivial, "a constant would do", &alike);
  JudgeReplay(alike, &trivial);
  EXPECT_EQ(trivial.verdict, Verdict::kOk);
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
