#include "evaluator/api/json.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

EvaluationReport SomeReport() {
  EvaluationReport report;
  report.evaluation_id = "e1";
  report.task = "rope";
  report.profile = Profile::kPassbench;
  report.device = "cpu";
  report.verdict = Verdict::kMiss;
  report.reason = "no pattern matched";
  report.aggregated_score = 0.1;
  report.es = {{-10, 0.1}, {4, 1.0}};
  GraphReport graph;
  graph.path = "graphs/a";
  graph.status = GraphStatus::kPassMiss;
  graph.verdict = Verdict::kMiss;
  graph.tolerances_ok = {-5, -4};
  graph.eager_us = 12.5;
  report.graphs = {graph};
  report.compile = {{"k.cc", false, false, 0.2, "k.cc:1: error: x"}};
  report.sandbox = {"cgroup-v1", {"seccomp: 2 filters"}};
  report.environment = {{"torch", "2.13.0"}};
  report.timings_ms = {{"total", 3.0}};
  return report;
}

TEST(EvaluationJsonTest, RoundTripIsIdentical) {
  std::string json = ToJson(SomeReport());
  auto back = EvaluationReportFromJson(json);
  ASSERT_TRUE(back.has_value()) << back.error().context;
  EXPECT_EQ(ToJson(back.value()), json);
  EXPECT_EQ(back.value().graphs[0].status, GraphStatus::kPassMiss);
  EXPECT_FALSE(back.value().graphs[0].speedup_call.has_value());
  EXPECT_NE(json.find("\"schema\":\"passnet.evaluation/1\""), std::string::npos);
  EXPECT_NE(json.find("\"es\":{\"-10\":0.1,\"4\":1.0}"), std::string::npos);
}

TEST(EvaluationJsonTest, HostileBytesDoNotBreakTheLine) {
  EvaluationReport report = SomeReport();
  report.candidate_output = "\xff\n\"}\x01";
  std::string json = ToJson(report);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_TRUE(EvaluationReportFromJson(json).has_value());
}

TEST(EvaluateRequestJsonTest, ErrorsNameTheField) {
  EXPECT_EQ(EvaluateRequestFromJson(R"({"evaluation_id":"x","task":"t","files":[{"name":3,"bytes":""}]})").error().context,
            "files[0].name has the wrong type (number)");
  EXPECT_EQ(EvaluateRequestFromJson(R"({"task":"t","files":[]})").error().context, "evaluation_id is missing");
  EXPECT_EQ(EvaluateRequestFromJson(R"({"evaluation_id":"x","task":"t","files":[],"profile":"slow"})").error().context,
            "profile has the unknown value \"slow\"");
  EXPECT_TRUE(EvaluateRequestFromJson("[]").has_error());
}

TEST(EvaluateRequestJsonTest, RoundTripKeepsEverything) {
  EvaluateRequest request;
  request.evaluation_id = "id";
  request.task.path = "tasks/rope";
  request.files = {{"A.py", "x = 1\n"}};
  request.profile = Profile::kQuick;
  request.call_path = CallPath::kDirect;
  request.matching = Matching::kNormalised;
  request.interpretation = Interpretation::kMismatchExtended;
  request.p = 0.5;
  request.b = 0.001;
  request.time_cap = std::chrono::milliseconds(77);
  auto back = EvaluateRequestFromJson(ToJson(request));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(ToJson(back.value()), ToJson(request));
  EXPECT_EQ(back.value().time_cap.count(), 77);
  EXPECT_EQ(back.value().matching, Matching::kNormalised);
}

}  // namespace
}  // namespace passnet::evaluator
