// What a process below the evaluator may say instead of an answer: each ends as an Error with what and where, or, where
// a candidate's own code ran in the process, as the candidate's fate. The evaluator goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "evaluator/device/cpu_device.h"
#include "evaluator/lane/candidate_process.h"
#include "evaluator/lane/inductor.h"
#include "evaluator/lane/match.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/zygote.h"
#include "sandbox/plan.h"
#include "tests/evaluator/fake_zygote.h"

namespace passnet::evaluator {
namespace {

using fakes::FakeZygote;
using fakes::kJailed;
using fakes::WorkerScript;
using testing::HasSubstr;

Deadline Soon() { return Deadline::After(std::chrono::seconds(30)); }

// No answer of anybody.
std::vector<std::string> Nonsense() {
  const std::string deep(1'000'000, '[');
  return {"", "5", "[1]", "{\"a\":", "\xff\xfe", deep, "{\"ready\":" + deep, "{\"error\":" + deep};
}

std::string Repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

// `start` on every piece of nonsense, and on `answers`, is kDataCorrupt with the text that stands beside each.
struct Broken {
  std::string answer;
  std::string told;
};
void ExpectDataCorrupt(const std::vector<Broken>& answers, const std::function<Status(const std::string&)>& start) {
  std::vector<Broken> all = answers;
  for (const std::string& text : Nonsense()) all.push_back({text, "no usable answer"});
  for (const Broken& broken : all) {
    SCOPED_TRACE(broken.answer.substr(0, 60));
    const Status status = start(broken.answer);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kDataCorrupt) << ToString(status.error());
    EXPECT_THAT(status.error().context, HasSubstr(broken.told));
    EXPECT_LT(status.error().context.size(), 1000u);
  }
}

template <typename T>
Status WithoutValue(const Result<T>& result) {
  return result ? OkStatus() : Status(result.error());
}

Status Fork(const WorkerScript& zygote) {
  ForkSpec spec;
  spec.role = "test";
  spec.first_frame = "{}";
  return WithoutValue(WorkerProcess::Fork(std::make_shared<FakeZygote>(zygote), spec, Soon()));
}

TEST(WorkerAnswersTest, AnswerToAForkIsTyped) {
  ASSERT_TRUE(Fork({.children = {{.answers = {kJailed}}}}));
  ExpectDataCorrupt({{R"({})", "pid: is missing"},
                     {R"({"pid": "7"})", "pid: expected an integer, found a text"},
                     {R"({"pid": 0})", "pid: out of range"},
                     {R"({"pid": 1e99})", "pid: expected an integer, found a number"}},
                    [](const std::string& answer) { return Fork({.children = {{.answers = {kJailed}}}, .forked = answer}); });
}

// A fork that took too long, as on a machine that stands still: its answer, once it comes, is none to the next question.
TEST(WorkerAnswersTest, ParentThatDidNotAnswerInTimeIsAskedNothingAnyMore) {
  auto zygote = FakeZygote::Of({.answers = {kJailed}});
  ForkSpec spec;
  spec.role = "test";
  spec.first_frame = "{}";
  EXPECT_FALSE(WorkerProcess::Fork(zygote, spec, Deadline::After(Nanos(0))));
  EXPECT_TRUE(zygote->lost());
  const auto next = WorkerProcess::Fork(zygote, spec, Soon());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(next.error().context, HasSubstr("is asked nothing any more"));
}

TEST(WorkerAnswersTest, WhetherAChildIsJailedIsTyped) {
  const auto fork = [](const std::string& answer) { return Fork({.children = {{.answers = {answer}}}}); };
  ExpectDataCorrupt({{R"({})", "jailed: is missing"},
                     {R"({"jailed": 1})", "the test process gave no usable answer: jailed: expected true or false"},
                     {R"({"jailed": false, "errno": "x"})", "errno: expected an integer"}},
                    fork);
  const Status refused = fork(R"({"jailed": false, "step": "mount", "what": "/proc", "errno": 1})");
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().context, HasSubstr("step mount (/proc) failed: Operation not permitted"));
}

TEST(WorkerAnswersTest, EndThatNobodyTellsIsUnknown) {
  const auto end = [](const std::optional<std::string>& ended) {
    ForkSpec spec;
    spec.first_frame = "{}";
    const WorkerScript zygote{.children = {{.answers = {kJailed}}}, .ended = ended};
    return WorkerProcess::Fork(std::make_shared<FakeZygote>(zygote), spec, Soon()).value()->End();
  };
  EXPECT_EQ(end({}).signal, 9);
  EXPECT_EQ(end(R"({"exited": 3})").exit_code, 3);
  std::vector<std::string> odd = Nonsense();
  for (const char* answer : {"{}", R"({"signalled": "9"})", R"({"exited": 1e30})"}) odd.push_back(answer);
  for (const std::string& answer : odd) EXPECT_FALSE(end(answer).known) << answer.substr(0, 60);
}

// A process with threads whose first one ends says nothing of its jail any more, and lives. It was waited for and then
// called a failure of ours; what a candidate does so is its crash.
TEST(WorkerAnswersTest, ProcessThatLosesItsFirstThreadIsEndedAndIsItsCallersMatter) {
  const auto fork = [](bool loses_first_thread) {
    auto zygote = FakeZygote::Of({.answers = {kJailed}, .loses_first_thread = loses_first_thread});
    auto rules = std::make_shared<WorkerRules>();
    rules->plans["candidate"] = sandbox::CandidatePlan(sandbox::CandidateOptions()).value();
    if (sandbox::DetectCgroups().tier == sandbox::CgroupTier::kNone) rules->memory = sandbox::MemoryWatch::Start({});
    zygote->given_rules = rules;
    ForkSpec spec;
    spec.role = "candidate";
    spec.plan = "candidate";
    spec.first_frame = "{}";
    return WorkerProcess::Fork(zygote, spec, Soon());
  };
  const auto lost = fork(true);
  ASSERT_TRUE(lost) << lost.error().context;
  EXPECT_TRUE(lost.value()->AwaitExit(Soon()));
  const WorkerEnd end = lost.value()->End();
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_FALSE(end.out_of_memory);
  // The twin: one that lives, and is in no jail.
  EXPECT_EQ(fork(false).error().code, ErrorCode::kPermissionDenied);
}

TEST(WorkerAnswersTest, ZygotesGreetingIsTyped) {
  const auto greet = [](const std::string& text) { return Zygote().TakeGreeting(text); };
  EXPECT_TRUE(greet(R"({"ready": true, "tasks": 1, "torch": "2", "python": "3"})"));
  ExpectDataCorrupt({{R"({"ready": true})", "tasks: is missing"},
                     {R"({"tasks": 1, "torch": 2, "python": "3"})", "torch: expected a text, found an integer"}},
                    greet);
  EXPECT_EQ(greet(R"({"tasks": 2, "torch": "2", "python": "3"})").error().code, ErrorCode::kInternal);
}

Result<std::shared_ptr<TaskChild>> Capture(const std::string& answer) {
  passbench::Graph graph;
  graph.path = "graphs/a";
  return TaskChild::Start(FakeZygote::Of({.answers = {kJailed, answer}}), graph, Soon());
}

TEST(WorkerAnswersTest, DescriptionOfAGraphIsTyped) {
  auto described = Capture(R"({"random": true, "ops": [{"name": "add", "output": null, "why_not": null}]})");
  ASSERT_TRUE(described) << described.error().context;
  EXPECT_EQ(described.value()->ops()[0].name, "add");
  ExpectDataCorrupt({{R"({"ops": []})", "random: is missing"},
                     {R"({"random": false})", "ops: is missing"},
                     {R"({"random": false, "ops": 5})", "ops: expected a list of objects"},
                     {R"({"random": false, "ops": [{"name": "a"}, {"name": 5}]})", "ops[1].name: expected a text"},
                     {R"({"error": [1]})", "error: expected a text, found a list"}},
                    [](const std::string& answer) { return WithoutValue(Capture(answer)); });
}

TEST(WorkerAnswersTest, GraphThatCannotBeCapturedIsBadInput) {
  const Error error = Capture(R"({"error": "Traceback\nValueError: no\n"})").error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.context, "graph graphs/a cannot be captured: ValueError: no");
}

TEST(WorkerAnswersTest, InductorsGreetingIsTyped) {
  const auto start = [](const std::string& answer) {
    return WithoutValue(InductorParent::Start(FakeZygote::Of({.answers = {kJailed, answer}}), "cpu", Soon()));
  };
  EXPECT_TRUE(start(R"({"ready": true, "tasks": 1})"));
  ExpectDataCorrupt({{R"({"ready": true})", "tasks: is missing"}, {R"({"error": {}})", "error: expected a text"}}, start);
  EXPECT_EQ(start(R"({"error": "no compiler"})").error().code, ErrorCode::kInternal);
}

WorkerScript Saying(const std::string& answer) { return {.answers = {kJailed, answer}, .leaves = true}; }
const WorkerScript kDying{.answers = {kJailed}, .dies = true};
const WorkerScript kHanging{.answers = {kJailed}};
const std::string kEmptyPlan = R"({"rewrites": [], "upstream_refuses": []})";

// Match children in the order of their forks.
Result<Match> MatchWith(std::vector<WorkerScript> children, MatchPatience* patience = nullptr) {
  MatchPatience own;
  auto task = std::make_shared<FakeZygote>(WorkerScript{.children = std::move(children)});
  return MatchPatterns(task, Json::MakeObject(), Matching::kUpstream, patience != nullptr ? *patience : own, nullptr);
}
Result<Match> MatchWith(const std::string& answer) {
  return MatchWith({Saying(answer), Saying(answer), Saying(kEmptyPlan)});
}

// A miss that says so, once a second child and a harmless question have spoken.
void ExpectMisses(const std::vector<Broken>& answers) {
  std::vector<Broken> all = answers;
  for (const std::string& text : Nonsense()) all.push_back({text, "no usable answer"});
  for (const Broken& broken : all) {
    SCOPED_TRACE(broken.answer.substr(0, 60));
    const auto match = MatchWith(broken.answer);
    ASSERT_TRUE(match) << match.error().context;
    EXPECT_THAT(match.value().miss, testing::StartsWith("matching failed: "));
    EXPECT_THAT(match.value().miss, HasSubstr(broken.told));
    EXPECT_LT(match.value().miss.size(), 1000u);
  }
}

TEST(WorkerAnswersTest, PlanIsTyped) {
  auto match = MatchWith(R"({"rewrites": [{"pass": "A"}], "upstream_refuses": ["A"], "matched_nodes": 3, "coverage": 0.5})");
  ASSERT_TRUE(match) << match.error().context;
  EXPECT_EQ(match.value().matched_nodes, 3);
  EXPECT_TRUE(match.value().upstream_refuses);
  EXPECT_EQ(match.value().miss, "");
  ExpectMisses({{R"({"rewrites": []})", "upstream_refuses: is missing"},
                     {R"({"rewrites": {}, "upstream_refuses": []})", "rewrites: expected a list"},
                     {R"({"rewrites": [5], "upstream_refuses": []})", "rewrites: expected a list of objects"},
                     {R"({"rewrites": [], "upstream_refuses": [], "matched_nodes": "3"})", "matched_nodes: expected"},
                     {R"({"rewrites": [], "upstream_refuses": [], "first_mismatch": {"pass": 5}})",
                      "first_mismatch.pass: expected a text"},
                     {R"({"rewrites": [], "upstream_refuses": [], "first_mismatch": 5})", "first_mismatch: expected"},
                     {R"({"error": 5})", "error: expected a text"}});
}

// A matcher that is ended by what it looks at was our failure, and its task left the campaign's score.
TEST(WorkerAnswersTest, MatcherThatTheCandidateEndsIsAMiss) {
  const auto killed = MatchWith({kDying, kDying, Saying(kEmptyPlan)});
  ASSERT_TRUE(killed) << killed.error().context;
  EXPECT_EQ(killed.value().miss,
            "matching failed: the match child was killed by SIGKILL, twice; it answers a harmless question");
  MatchPatience patience{.limit = std::chrono::milliseconds(200), .limit_once_lost = std::chrono::milliseconds(100)};
  const auto endless = MatchWith({kHanging, kHanging, Saying(kEmptyPlan)}, &patience);
  ASSERT_TRUE(endless) << endless.error().context;
  EXPECT_THAT(endless.value().miss, HasSubstr("the match child gave no answer in"));
  // The graphs after it: one child, little time, and none for a control.
  EXPECT_TRUE(patience.lost);
  EXPECT_THAT(MatchWith({kHanging}, &patience).value().miss, HasSubstr("gave no answer in"));
}

// The twins: what can happen to anybody is tried again, and what happens to everybody is ours.
TEST(WorkerAnswersTest, MatcherThatDiesOnceIsAskedAgain) {
  const std::string plan = R"({"rewrites": [{"pass": "A"}], "upstream_refuses": [], "matched_nodes": 3})";
  const auto match = MatchWith({kDying, Saying(plan)});
  ASSERT_TRUE(match) << match.error().context;
  EXPECT_EQ(match.value().miss, "");
  EXPECT_EQ(match.value().matched_nodes, 3);
}

TEST(WorkerAnswersTest, MatcherThatDiesForEverybodyIsOurFailure) {
  EXPECT_EQ(MatchWith({kDying, kDying, kDying}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(MatchWith({kDying, kDying, Saying("{\"error\": \"x\"}")}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(MatchWith({Saying("5"), Saying("5"), Saying("5")}).error().code, ErrorCode::kUnavailable);
}

TEST(WorkerAnswersTest, MissHasItsReason) {
  EXPECT_EQ(MatchWith(R"({"error": "Traceback\nMalformedTrace: x"})").value().miss, "matching failed: MalformedTrace: x");
  EXPECT_EQ(MatchWith(R"({"rewrites": [], "upstream_refuses": [], "first_mismatch": null})").value().miss,
            "no pattern matched");
  EXPECT_EQ(MatchWith(R"({"rewrites": [], "upstream_refuses": [], "first_mismatch":
                          {"pass": "A", "pattern_node": "add", "what": "no add"}})")
                .value()
                .miss,
            "no pattern matched: pass A: pattern node add did not line up: no add");
}

// The candidate's own code ran in the process: whatever it says instead of the answer is its fate, never ours.
TEST(WorkerAnswersTest, CandidateThatLeavesTheProtocolIsFoundOut) {
  const auto installed = [](const std::string& answer) {
    ForkSpec spec;
    spec.first_frame = "{}";
    auto process = WorkerProcess::Fork(FakeZygote::Of({.answers = {kJailed, answer}}), spec, Soon());
    InstallPatience patience;
    return AwaitInstalled(*process.value(), patience);
  };
  EXPECT_FALSE(installed(R"({"installed": true})"));
  auto raised = installed(R"({"installed": false, "error": "Traceback\nValueError: x"})");
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->kind, CallFailureKind::kException);
  std::vector<std::string> odd = Nonsense();
  for (const char* answer : {"{}", R"({"installed": 5})", R"({"installed": "yes"})", R"({"installed": false, "error": [1]})"}) {
    odd.push_back(answer);
  }
  for (const std::string& answer : odd) {
    auto failure = installed(answer);
    ASSERT_TRUE(failure) << answer.substr(0, 60);
    EXPECT_EQ(failure->kind, CallFailureKind::kProtocol) << answer.substr(0, 60);
    EXPECT_LT(failure->text.size(), 1000u);
  }
}

TEST(WorkerAnswersTest, SlowInstallationsHaveOneBudget) {
  const auto wait = [](InstallPatience& patience, const std::string& answer) {
    WorkerScript script{.answers = {kJailed}};
    if (!answer.empty()) script.answers.push_back(answer);
    ForkSpec spec;
    spec.first_frame = "{}";
    auto process = WorkerProcess::Fork(FakeZygote::Of(script), spec, Soon());
    const SteadyTime started = Clock::System().Now();
    auto failure = AwaitInstalled(*process.value(), patience);
    EXPECT_LT(Clock::System().Now() - started, patience.limit);
    return failure;
  };
  // As long as time is left, one that answers has all of an installation's limit.
  InstallPatience patience{std::chrono::seconds(10), std::chrono::seconds(20), std::chrono::milliseconds(30)};
  EXPECT_FALSE(wait(patience, R"({"installed": true})"));
  EXPECT_LE(patience.left, std::chrono::seconds(10));
  patience.left = Nanos(0);
  auto failure = wait(patience, "");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, CallFailureKind::kTimeout);
  EXPECT_LT(patience.left, Nanos(0));
  EXPECT_FALSE(wait(patience, R"({"installed": true})"));
}

// Screen and trace of a candidate without kernels.
struct Prepared {
  Result<std::optional<PreparedCandidate>> result;
  EvaluationReport report;
};
Prepared PrepareWith(std::vector<WorkerScript> children, Workshop workshop = {nullptr, nullptr, "cpu"},
                     std::vector<CandidateFile> more = {}) {
  workshop.zygote = std::make_shared<FakeZygote>(WorkerScript{.children = std::move(children)});
  EvaluateRequest request;
  request.files = {{"sorted_output_pass_rule_names.json", R"(["A"])"}, {"A.py", "x = 1\n"}};
  request.files.insert(request.files.end(), more.begin(), more.end());
  EvaluationReport report;
  auto result = PrepareCandidate(workshop, request, &report);
  return {std::move(result), std::move(report)};
}
Prepared Prepare(const std::string& screened, const std::string& traced) {
  return PrepareWith({Saying(screened), Saying(traced)});
}
constexpr const char* kClean = R"({"findings": []})";

TEST(WorkerAnswersTest, FindingsAreTyped) {
  const Prepared found = Prepare(R"({"findings": [{"file": "A.py", "line": 3, "rule": "H1.x", "text": "no"}]})", "");
  EXPECT_EQ(found.report.verdict, Verdict::kStatic);
  EXPECT_EQ(found.report.reason, "A.py:3 [H1.x] no");
  const std::string many = R"({"findings": [{})" + Repeated(",{}", 400'000) + "]}";
  std::vector<Broken> odd = {{"{}", "findings: is missing"},
                             {R"({"findings": [[]]})", "findings: expected a list of objects"},
                             {R"({"findings": [{"file": "A.py", "rule": "x", "line": "3"}]})", "findings[0].line: expected"},
                             {R"({"error": [1]})", "error: expected a text"},
                             {R"({"error": "RecursionError: x"})", "the screen failed: RecursionError: x"},
                             {many, "400001 findings"}};
  for (const std::string& text : Nonsense()) odd.push_back({text, "no usable answer"});
  for (const Broken& broken : odd) {
    SCOPED_TRACE(broken.answer.substr(0, 60));
    const Prepared ended = PrepareWith({Saying(broken.answer), Saying(broken.answer), Saying(kClean)});
    ASSERT_TRUE(ended.result) << ended.result.error().context;
    EXPECT_FALSE(ended.result.value());
    EXPECT_EQ(ended.report.verdict, Verdict::kCrash);
    EXPECT_THAT(ended.report.reason, HasSubstr(broken.told));
    EXPECT_LT(ended.report.reason.size(), 1000u);
  }
}

const std::string kTraced = R"({"passes": [{"name": "A", "nodes": []}], "errors": [], "uses_triton": false})";

// Files on which the screen dies or hangs were our failure, and their task left the campaign's score.
TEST(WorkerAnswersTest, ScreenThatTheCandidateEndsIsItsFailure) {
  const Prepared killed = PrepareWith({kDying, kDying, Saying(kClean)});
  ASSERT_TRUE(killed.result) << killed.result.error().context;
  EXPECT_FALSE(killed.result.value());
  EXPECT_EQ(killed.report.verdict, Verdict::kCrash);
  EXPECT_EQ(killed.report.reason, "while its files were screened: the screen child was killed by SIGKILL, twice; it answers "
                                  "a harmless question");
  const Workshop hasty{nullptr, nullptr, "cpu", std::chrono::milliseconds(200), std::chrono::milliseconds(200)};
  const Prepared hung = PrepareWith({kHanging, kHanging, Saying(kClean)}, hasty);
  ASSERT_TRUE(hung.result) << hung.result.error().context;
  EXPECT_EQ(hung.report.verdict, Verdict::kTimeout);
}

TEST(WorkerAnswersTest, ScreenThatDiesOnceIsAskedAgain) {
  const Prepared fine = PrepareWith({kDying, Saying(kClean), Saying(kTraced)});
  ASSERT_TRUE(fine.result) << fine.result.error().context;
  EXPECT_TRUE(fine.result.value());
}

TEST(WorkerAnswersTest, ScreenThatDiesForEverybodyIsOurFailure) {
  EXPECT_EQ(PrepareWith({kDying, kDying, kDying}).result.error().code, ErrorCode::kUnavailable);
}

// Its own code ran there, so no harmless question is needed; but a machine that is too busy may have been what killed it.
TEST(WorkerAnswersTest, TraceThatDiesOrHangsTwiceIsItsFailure) {
  const Prepared killed = PrepareWith({Saying(kClean), kDying, kDying});
  ASSERT_TRUE(killed.result) << killed.result.error().context;
  EXPECT_FALSE(killed.result.value());
  EXPECT_EQ(killed.report.verdict, Verdict::kCrash);
  EXPECT_THAT(killed.report.reason, HasSubstr("while its patterns were traced: the candidate's process was killed"));
  const Workshop hasty{nullptr, nullptr, "cpu", std::chrono::seconds(20), std::chrono::milliseconds(200)};
  EXPECT_EQ(PrepareWith({Saying(kClean), kHanging, kHanging}, hasty).report.verdict, Verdict::kTimeout);
  const Prepared fine = PrepareWith({Saying(kClean), kDying, Saying(kTraced)});
  EXPECT_TRUE(fine.result && fine.result.value());
}

TEST(WorkerAnswersTest, TraceThatLeavesTheProtocolIsFoundOut) {
  const Prepared fine = Prepare(kClean, R"({"passes": [{"name": "A", "nodes": []}], "errors": [], "uses_triton": false})");
  ASSERT_TRUE(fine.result && fine.result.value());
  EXPECT_EQ(fine.result.value()->traced["passes"].At(0)["name"].Text(), "A");
  std::vector<std::string> odd = Nonsense();
  for (const char* answer : {"{}", R"({"passes": 5, "errors": []})", R"({"passes": []})", R"({"error": [1]})",
                             R"({"passes": [1], "errors": []})", R"({"passes": [], "errors": [{"what": 5}]})",
                             R"({"passes": [], "errors": [], "uses_triton": 1})",
                             R"({"passes": [{"name": "A"}], "errors": []})",
                             // The match child would hand it on as a text, and its answer would be our failure.
                             R"({"passes": [{"name": "A", "nodes": [{"name": 5, "op": "o", "target": "t"}]}], "errors": []})",
                             R"({"passes": [{"name": "A", "nodes": [{"name": "n", "op": "o"}]}], "errors": []})"}) {
    odd.push_back(answer);
  }
  const std::string long_name(5000, 'n');
  odd.push_back(R"({"passes": [{"name": ")" + long_name + R"(", "nodes": []}], "errors": []})");
  odd.push_back(R"({"passes": [{"name": "A", "nodes": [{"name": ")" + long_name +
                R"(", "op": "o", "target": "t"}]}], "errors": []})");
  odd.push_back(R"({"passes": [], "errors": [{"pass": ")" + long_name + R"("}]})");
  // Each error becomes a part of the report: as many as a frame holds were more than the client reads.
  odd.push_back(R"({"passes": [], "errors": [{})" + Repeated(",{}", 400'000) + "]}");
  for (const std::string& answer : odd) {
    SCOPED_TRACE(answer.substr(0, 60));
    const Prepared tampered = Prepare(kClean, answer);
    ASSERT_TRUE(tampered.result) << tampered.result.error().context;
    EXPECT_FALSE(tampered.result.value());
    EXPECT_EQ(tampered.report.verdict, Verdict::kTamper);
    EXPECT_LT(tampered.report.reason.size(), 1000u);
  }
}

// pattern() can write an answer itself. What the trace child's own code says after it, or an end that is not its own,
// shows that.
TEST(WorkerAnswersTest, TraceChildEndsAfterItsAnswer) {
  const std::string answer = R"({"passes": [{"name": "A", "nodes": []}], "errors": []})";
  const auto reason = [&](WorkerScript trace) {
    trace.answers.insert(trace.answers.begin(), kJailed);
    const Prepared prepared = PrepareWith({Saying(kClean), std::move(trace)});
    EXPECT_EQ(prepared.report.verdict, Verdict::kTamper);
    return prepared.report.reason;
  };
  ASSERT_TRUE(PrepareWith({Saying(kClean), Saying(answer)}).result.value());
  EXPECT_THAT(reason({.answers = {answer, answer}, .leaves = true}), HasSubstr("wrote more after its answer"));
  EXPECT_THAT(reason({.answers = {answer, ""}, .leaves = true}), HasSubstr("wrote more after its answer"));
  EXPECT_THAT(reason({.answers = {answer}, .leaves = true, .status = 3}), HasSubstr("answered and then exited with 3"));
  EXPECT_THAT(reason({.answers = {answer}, .dies = true}), HasSubstr("answered and then was killed by SIGKILL"));
}

// A reason goes into every graph's report: 15 MB of it made a report that no frame holds, and ended the evaluator.
TEST(WorkerAnswersTest, WordsOfACandidateAreBounded) {
  const std::string words(1 << 20, 'w');
  const Prepared broken = Prepare(kClean, R"({"passes": [], "errors": [{"pass": "A", "what": ")" + words + R"("}]})");
  EXPECT_EQ(broken.report.verdict, Verdict::kCompile);
  EXPECT_LT(broken.report.reason.size(), 3000u);
  EXPECT_LT(broken.report.compile[0].diagnostics.size(), 3000u);
  const Prepared raised = Prepare(kClean, R"({"error": ")" + words + R"("})");
  EXPECT_EQ(raised.report.verdict, Verdict::kCrash);
  EXPECT_LT(raised.report.reason.size(), 3000u);
}

TEST(WorkerAnswersTest, PassesThatDoNotLoadAreDiagnostics) {
  const Prepared broken = Prepare(kClean, R"({"passes": [], "errors": [{"pass": "A", "what": "SyntaxError"}]})");
  EXPECT_EQ(broken.report.verdict, Verdict::kCompile);
  EXPECT_EQ(broken.report.reason, "A.py: SyntaxError");
  EXPECT_EQ(broken.report.compile[0].diagnostics, "SyntaxError");
  EXPECT_EQ(Prepare(kClean, R"({"passes": [], "errors": [{"pass": "A", "static": true}]})").report.verdict,
            Verdict::kStatic);
  EXPECT_EQ(Prepare(kClean, R"({"passes": [], "errors": [], "unsupported_lane": "triton"})").report.verdict,
            Verdict::kUnsupported);
  EXPECT_EQ(Prepare(kClean, R"({"error": "Traceback\nOSError: x"})").report.verdict, Verdict::kCrash);
}

// As Triton is: no failure of the candidate's, and nothing that this lane could score.
TEST(WorkerAnswersTest, CudaKernelIsAnotherLanes) {
  const Prepared cuda = PrepareWith({Saying(kClean)}, {nullptr, nullptr, "cpu"}, {{"fused.cu", "int x;\n"}});
  ASSERT_TRUE(cuda.result) << cuda.result.error().context;
  EXPECT_FALSE(cuda.result.value());
  EXPECT_EQ(cuda.report.verdict, Verdict::kUnsupported);
  EXPECT_EQ(cuda.report.reason, "the kernel fused.cu is CUDA's, which needs a GPU lane; this lane is cpu, so it is not scored");
}

Status Probe(const std::string& configured, const std::string& attached, const std::string& probed) {
  const WorkerScript reference{.answers = {kJailed}, .commands = {configured, attached, probed}};
  const WorkerScript task{.answers = {kJailed, R"({"random": false, "ops": []})"}, .children = {reference}};
  passbench::Graph graph;
  auto child = TaskChild::Start(FakeZygote::Of(task), graph, Soon());
  CpuDevice device;
  return WithoutValue(FactsOf(child.value(), graph, {}, device));
}
const std::string kDone = R"({"ok": true})";

TEST(WorkerAnswersTest, AnswersToCommandsAreTyped) {
  const std::vector<Broken> odd = {{"{}", "ok: is missing"},
                                   {R"({"ok": 1})", "ok: expected true or false"},
                                   {R"({"error": [1]})", "error: expected a text"}};
  ExpectDataCorrupt(odd, [](const std::string& answer) { return Probe(answer, kDone, "{}"); });
  ExpectDataCorrupt(odd, [](const std::string& answer) { return Probe(kDone, answer, "{}"); });
  const Status failed = Probe(R"({"error": "RuntimeError: x"})", kDone, "{}");
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  EXPECT_EQ(failed.error().context, "worker command configure failed: RuntimeError: x");
}

TEST(WorkerAnswersTest, LayoutOfTheReferenceIsTyped) {
  const auto output = [](const std::string& fields) { return R"({"outputs": [{"kind": "tensor", )" + fields + "}]}"; };
  ExpectDataCorrupt(
      {{"{}", "outputs: is missing"},
       {R"({"outputs": [5]})", "outputs: expected a list of objects"},
       {R"({"outputs": [{}]})", "outputs[0].kind: is missing"},
       {output(R"("dtype": "float32")"), "outputs[0].shape: is missing"},
       {output(R"("dtype": 5, "shape": [], "strides": [], "alias": -1, "bytes": 4)"), "dtype: expected a text"},
       {output(R"("dtype": "float32", "shape": [-1], "strides": [1], "alias": -1, "bytes": 4)"), "shape: out of range"},
       {output(R"("dtype": "float32", "shape": [2], "strides": [], "alias": -1, "bytes": 8)"), "do not fit"},
       {output(R"("dtype": "float32", "shape": [], "strides": [], "alias": 0, "bytes": 4)"), "do not fit"},
       {output(R"("dtype": "float32", "shape": [4294967296, 4294967296], "strides": [1, 1], "alias": -1, "bytes": 4)"),
        "do not fit"},
       {R"({"error": [1]})", "error: expected a text"}},
      [](const std::string& answer) { return Probe(kDone, kDone, answer); });
  const Status raised = Probe(kDone, kDone, R"({"error": "Traceback\nRuntimeError: x"})");
  EXPECT_EQ(raised.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(raised.error().context, "eager fails: RuntimeError: x");
  EXPECT_EQ(Probe(kDone, kDone, R"({"outputs": [{"kind": "other", "type": "int"}]})").error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace passnet::evaluator
