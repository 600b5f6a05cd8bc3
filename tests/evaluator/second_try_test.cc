// Who is to blame when evaluators end: the candidate, the host, or nobody.
#include "evaluator/client/second_try.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

Error Died() { return {ErrorCode::kUnavailable, "the other side closed the channel"}; }

EvaluationReport ReportWith(Verdict verdict) {
  EvaluationReport report;
  report.verdict = verdict;
  if (verdict == Verdict::kOk) report.aggregated_score = 1.5;
  return report;
}

TaskDescription TwoGraphs() {
  TaskDescription task;
  task.task = "rope";
  task.graphs.resize(2);
  task.graphs[0].path = "graphs/a";
  task.graphs[0].dtype = "float32";
  task.graphs[1].path = "graphs/b";
  task.environment = {{"torch", "2"}};
  return task;
}

// Answers what it was told to, in order; an evaluator that comes up, unless a start is to fail.
class ScriptedLane : public LaneClient {
 public:
  std::deque<Result<EvaluationReport>> evaluations;
  std::deque<Error> starts;
  Result<TaskDescription> description = TwoGraphs();
  int evaluated = 0, described = 0;
  std::function<void()> while_evaluating = [] {};

  Result<EvaluationReport> Evaluate(const EvaluateRequest&, Deadline, const ProgressFn&) override {
    ++evaluated;
    while_evaluating();
    auto answer = std::move(evaluations.front());
    evaluations.pop_front();
    return answer;
  }
  Result<BaselineReport> Baseline(const BaselineRequest&, Deadline, const ProgressFn&) override { return Died(); }
  Result<TaskDescription> DescribeTask(const DescribeTaskRequest& request, Deadline) override {
    EXPECT_EQ(request.task.path, "tasks/rope");
    ++described;
    return description;
  }
  Result<std::map<std::string, std::string>> Environment(Deadline) override {
    if (starts.empty()) return std::map<std::string, std::string>();
    Error error = starts.front();
    starts.pop_front();
    if (error.context.empty()) return std::map<std::string, std::string>();
    return error;
  }
  void CancelWith(std::stop_token) override {}
};

class SecondTryTest : public testing::Test {
 protected:
  Result<EvaluationReport> Evaluate() {
    EvaluateRequest request;
    request.evaluation_id = "e1";
    request.task.path = "tasks/rope";
    request.profile = Profile::kPassbench;
    return EvaluateWithSecondTry(lane_, request, how_, {});
  }

  ScriptedLane lane_;
  SecondTry how_;
};

// It was INFRA, so that its task left the campaign's score: a candidate that would be slow had better kill the evaluator.
TEST_F(SecondTryTest, CandidateThatEndsTwoEvaluatorsHasCrashed) {
  lane_.evaluations = {Died(), DataCorrupt("message: not JSON at byte 0"), ReportWith(Verdict::kOk)};
  const auto report = Evaluate();
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(report.value().verdict, Verdict::kCrash);
  EXPECT_EQ(report.value().reason,
            "ended two evaluators: the other side closed the channel; then message: not JSON at byte 0; a third one worked "
            "on the task without the candidate");
  EXPECT_EQ(report.value().evaluation_id, "e1");
  EXPECT_EQ(report.value().profile, Profile::kPassbench);
  EXPECT_EQ(report.value().environment.at("torch"), "2");
  ASSERT_EQ(report.value().graphs.size(), 2u);
  EXPECT_EQ(report.value().graphs[0].path, "graphs/a");
  EXPECT_EQ(report.value().graphs[1].verdict, Verdict::kCrash);
  EXPECT_EQ(report.value().graphs[1].status, GraphStatus::kRuntimeFail);
  // Scored, and as every other crash: docs/passbench.md, section 8.
  EXPECT_NEAR(report.value().aggregated_score.value(), 0.110706, 1e-6);
  // The candidate after it is none the worse.
  EXPECT_EQ(Evaluate().value().verdict, Verdict::kOk);
}

TEST_F(SecondTryTest, CandidateWhoseEvaluatorEndedOnceIsMeasured) {
  lane_.evaluations = {Died(), ReportWith(Verdict::kOk)};
  EXPECT_EQ(Evaluate().value().verdict, Verdict::kOk);
  EXPECT_EQ(lane_.described, 0);
}

TEST_F(SecondTryTest, EvaluatorsThatEndWithoutTheCandidateTooAreOurFailure) {
  lane_.evaluations = {Died(), Died()};
  lane_.description = Died();
  const auto report = Evaluate();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(report.error().context, HasSubstr("a third without the candidate"));
}

TEST_F(SecondTryTest, EvaluatorThatDoesNotComeUpIsOurFailure) {
  lane_.starts = {Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(lane_.evaluated, 0);
  lane_.starts = {Error{}, Died()};
  lane_.evaluations = {Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kUnavailable);
  lane_.starts = {Error{}, Error{}, Died()};
  lane_.evaluations = {Died(), Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(lane_.described, 0);
}

TEST_F(SecondTryTest, WhatNoCandidateBringsAboutIsNeverJudged) {
  for (ErrorCode code : {ErrorCode::kIo, ErrorCode::kResourceExhausted, ErrorCode::kPermissionDenied, ErrorCode::kInternal,
                         ErrorCode::kDeadlineExceeded, ErrorCode::kCancelled, ErrorCode::kInvalidArgument,
                         ErrorCode::kNotFound}) {
    lane_.evaluated = 0;
    lane_.evaluations = {Error{code, "x"}};
    EXPECT_EQ(Evaluate().error().code, code);
    EXPECT_EQ(lane_.evaluated, 1) << ErrorCodeName(code);
    lane_.evaluations = {Died(), Error{code, "x"}};
    EXPECT_EQ(Evaluate().error().code, code);
  }
  EXPECT_EQ(lane_.described, 0);
}

TEST_F(SecondTryTest, InfraIsAskedForOnceMore) {
  lane_.evaluations = {ReportWith(Verdict::kInfra), ReportWith(Verdict::kOk)};
  EXPECT_EQ(Evaluate().value().verdict, Verdict::kOk);
  lane_.evaluations = {ReportWith(Verdict::kInfra), ReportWith(Verdict::kInfra)};
  EXPECT_EQ(Evaluate().value().verdict, Verdict::kInfra);
  lane_.evaluations = {ReportWith(Verdict::kInfra), Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kUnavailable) << "one that ended is no two";
  EXPECT_EQ(lane_.described, 0);
}

TEST_F(SecondTryTest, OtherVerdictsAreNotAskedForAgain) {
  for (Verdict verdict : {Verdict::kOk, Verdict::kCrash, Verdict::kTamper, Verdict::kTimeout, Verdict::kQuarantine}) {
    lane_.evaluations = {ReportWith(verdict)};
    EXPECT_EQ(Evaluate().value().verdict, verdict);
  }
  EXPECT_EQ(lane_.evaluated, 5);
}

// Between two tries no request runs that a Cancel could end.
TEST_F(SecondTryTest, CancelIsHeardBetweenTwoTries) {
  bool cancelled = false;
  how_.cancelled = [&] { return cancelled; };
  lane_.while_evaluating = [&] { cancelled = true; };
  lane_.evaluations = {Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kCancelled);
  EXPECT_EQ(lane_.evaluated, 1);
  cancelled = false;
  lane_.while_evaluating = [&] { cancelled = lane_.evaluated == 3; };
  lane_.evaluations = {Died(), Died()};
  EXPECT_EQ(Evaluate().error().code, ErrorCode::kCancelled);
  EXPECT_EQ(lane_.described, 0);
}

}  // namespace
}  // namespace passnet::evaluator
