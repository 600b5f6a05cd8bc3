// What is kept between evaluations: a second one of the same bytes forks nothing. The zygotes below have as many children
// as their scripts list, and answer one fork more with an error.
#include "evaluator/lane/kept_answers.h"

#include <gtest/gtest.h>

#include "evaluator/lane/match.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/task_child.h"
#include "tests/evaluator/fake_zygote.h"

namespace passnet::evaluator {
namespace {

using fakes::FakeZygote;
using fakes::kJailed;
using fakes::WorkerScript;

const ChildAnswer kSmall{"12345678", ""};

TEST(KeptAnswersTest, LeastRecentlyUsedGoesFirst) {
  KeptAnswers kept(1000, 2);
  kept.Put("a", kSmall);
  kept.Put("b", kSmall);
  ASSERT_NE(kept.Find("a"), nullptr);
  kept.Put("c", kSmall);
  EXPECT_NE(kept.Find("a"), nullptr);
  EXPECT_EQ(kept.Find("b"), nullptr);
  EXPECT_NE(kept.Find("c"), nullptr);
  EXPECT_EQ(kept.count(), 2u);
}

TEST(KeptAnswersTest, BytesHaveABound) {
  KeptAnswers kept(30, 100);
  for (const char* key : {"a", "b", "c", "d"}) kept.Put(key, kSmall);
  EXPECT_EQ(kept.count(), 3u);
  EXPECT_EQ(kept.bytes(), 27u);
  EXPECT_EQ(kept.Find("a"), nullptr);
  kept.Put("e", {std::string(30, 'x'), ""});
  EXPECT_EQ(kept.Find("e"), nullptr) << "one answer must not push all others out";
  EXPECT_EQ(kept.count(), 3u);
}

TEST(KeptAnswersTest, NewAnswerReplacesTheOld) {
  KeptAnswers kept(1000, 10);
  kept.Put("a", kSmall);
  kept.Put("a", {"new", "printed"});
  EXPECT_EQ(kept.Find("a")->frame, "new");
  EXPECT_EQ(kept.Find("a")->output, "printed");
  EXPECT_EQ(kept.count(), 1u);
  EXPECT_EQ(kept.bytes(), 11u);
}

const std::string kNoFindings = R"({"findings": []})";
const std::string kOnePass = R"({"passes": [{"name": "A", "nodes": []}], "errors": []})";

// A zygote with these children, and what of them is kept.
struct Lane {
  explicit Lane(std::vector<WorkerScript> children)
      : zygote(std::make_shared<FakeZygote>(WorkerScript{.children = std::move(children)})) {}

  Result<std::optional<PreparedCandidate>> Prepare(const std::string& name, const std::string& bytes) {
    EvaluateRequest request;
    request.files = {{"sorted_output_pass_rule_names.json", R"(["A"])"}, {name, bytes}};
    report = {};
    Workshop workshop{zygote, nullptr, "cpu"};
    workshop.trace_limit = std::chrono::milliseconds(300);  // one that hangs is waited for
    workshop.kept = &kept;
    return PrepareCandidate(workshop, request, &report);
  }

  std::shared_ptr<FakeZygote> zygote;
  KeptAnswers kept{1 << 20, 100};
  EvaluationReport report;
};

WorkerScript Ending(const std::string& answer, int status = 0) {
  return {.answers = {kJailed, answer}, .leaves = true, .status = status};
}

TEST(KeptAnswersTest, SecondPreparationForksNothing) {
  Lane lane({Ending(kNoFindings), Ending(kOnePass)});
  auto first = lane.Prepare("A.py", "x = 1\n"), second = lane.Prepare("A.py", "x = 1\n");
  ASSERT_TRUE(first && first.value()) << lane.report.reason;
  ASSERT_TRUE(second) << second.error().context;
  ASSERT_TRUE(second.value());
  EXPECT_EQ(second.value()->traced, first.value()->traced);
  EXPECT_EQ(lane.kept.count(), 2u);
}

TEST(KeptAnswersTest, OtherBytesOrNamesAreReadAnew) {
  Lane lane({Ending(kNoFindings), Ending(kOnePass)});
  ASSERT_TRUE(lane.Prepare("A.py", "x = 1\n"));
  EXPECT_FALSE(lane.Prepare("A.py", "x = 2\n")) << "it must ask for a fork, which this zygote does not have";
  Lane other({Ending(kNoFindings), Ending(kOnePass)});
  ASSERT_TRUE(other.Prepare("A.py", "x = 1\n"));
  EXPECT_FALSE(other.Prepare("B.py", "x = 1\n"));
}

TEST(KeptAnswersTest, FindingsAreKeptToo) {
  Lane lane({Ending(R"({"findings": [{"file": "A.py", "line": 3, "rule": "H1.x", "text": "no"}]})")});
  for (int time = 0; time < 2; ++time) {
    auto refused = lane.Prepare("A.py", "x = 1\n");
    ASSERT_TRUE(refused) << refused.error().context;
    EXPECT_EQ(lane.report.verdict, Verdict::kStatic);
    EXPECT_EQ(lane.report.reason, "A.py:3 [H1.x] no");
  }
}

// What failed may have failed because of us.
TEST(KeptAnswersTest, FailuresAreNotKept) {
  for (const WorkerScript& trace : {Ending(R"({"error": "Traceback\nMemoryError: x"})"), Ending("[]"), Ending(kOnePass, 1),
                                    WorkerScript{.answers = {kJailed, kOnePass, kOnePass}, .leaves = true},
                                    WorkerScript{.answers = {kJailed, kOnePass}}}) {
    Lane lane({Ending(kNoFindings), trace});
    ASSERT_TRUE(lane.Prepare("A.py", "x = 1\n"));
    EXPECT_EQ(lane.kept.count(), 1u);
    EXPECT_FALSE(lane.Prepare("A.py", "x = 1\n"));
  }
  Lane lane({Ending(R"({"error": "no memory"})")});
  EXPECT_FALSE(lane.Prepare("A.py", "x = 1\n"));
  EXPECT_EQ(lane.kept.count(), 0u);
}

std::shared_ptr<TaskChild> TaskWith(std::vector<WorkerScript> matches) {
  WorkerScript task{.answers = {kJailed, R"({"random": false, "ops": []})"}, .children = std::move(matches)};
  passbench::Graph graph;
  return TaskChild::Start(FakeZygote::Of(std::move(task)), graph, Deadline::After(std::chrono::seconds(30))).value();
}

Result<Match> MatchOf(const std::shared_ptr<TaskChild>& task, const Json& traced, Matching matching) {
  MatchPatience patience;
  return MatchPatterns(task, traced, matching, patience, &task->plans());
}

TEST(KeptAnswersTest, SecondMatchOfATraceForksNothing) {
  const Json traced = ParseJson(kOnePass).value();
  auto task = TaskWith({Ending(R"({"rewrites": [{"pass": "A"}], "upstream_refuses": [], "matched_nodes": 3})"),
                        Ending(R"({"rewrites": [], "upstream_refuses": []})")});
  for (int time = 0; time < 2; ++time) {
    auto match = MatchOf(task, traced, Matching::kUpstream);
    ASSERT_TRUE(match) << match.error().context;
    EXPECT_EQ(match.value().matched_nodes, 3);
    EXPECT_EQ(match.value().plan["rewrites"].size(), 1u);
  }
  // The other mode is another question; a miss is an answer like any other.
  for (int time = 0; time < 2; ++time) {
    auto match = MatchOf(task, traced, Matching::kNormalised);
    ASSERT_TRUE(match) << match.error().context;
    EXPECT_EQ(match.value().miss, "no pattern matched");
  }
  EXPECT_FALSE(MatchOf(task, Json::MakeObject(), Matching::kUpstream)) << "another trace is another question";
}

TEST(KeptAnswersTest, MatchingThatFailedIsNotKept) {
  const Json traced = ParseJson(kOnePass).value();
  auto task = TaskWith({Ending(R"({"error": "Traceback\nMemoryError: x"})")});
  EXPECT_EQ(MatchOf(task, traced, Matching::kUpstream).value().miss, "matching failed: MemoryError: x");
  EXPECT_FALSE(MatchOf(task, traced, Matching::kUpstream));
}

}  // namespace
}  // namespace passnet::evaluator
