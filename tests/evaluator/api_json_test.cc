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
  graph.mismatches = {{"output 0 (float32)", 8, 2, {{"[1, 3]", "1", "nan"}, {"[1, 4]", "-inf", "2.5"}}}};
  graph.kernels = {{"rows(float*)", 2, 3.5, true}, {"sgemm", 1, 0.25, false}};
  graph.eager_us = 12.5;
  graph.control = 0.99;
  graph.control_noise = 0.02;
  graph.floor_us = 1.5;
  graph.pairs = 3;
  graph.device_moments = {{1980, 2619, 41, 0, 4, {}, false}, {1200, 2619, 83, {}, 4, {"power cap"}, true}};
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
  ASSERT_EQ(back.value().graphs[0].mismatches.size(), 1u);
  EXPECT_EQ(back.value().graphs[0].mismatches[0].told[0].got, "nan");
  ASSERT_EQ(back.value().graphs[0].kernels.size(), 2u);
  EXPECT_EQ(back.value().graphs[0].kernels[0].device_us, 3.5);
  EXPECT_TRUE(back.value().graphs[0].kernels[0].own);
  EXPECT_FALSE(back.value().graphs[0].speedup_call.has_value());
  EXPECT_EQ(back.value().graphs[0].control, 0.99);
  EXPECT_EQ(back.value().graphs[0].control_noise, 0.02);
  EXPECT_EQ(back.value().graphs[0].floor_us, 1.5);
  EXPECT_EQ(back.value().graphs[0].pairs, 3);
  ASSERT_EQ(back.value().graphs[0].device_moments.size(), 2u);
  EXPECT_EQ(back.value().graphs[0].device_moments[0].celsius, 41);
  EXPECT_EQ(back.value().graphs[0].device_moments[1].slowed_by, std::vector<std::string>{"power cap"});
  EXPECT_TRUE(back.value().graphs[0].device_moments[1].repeated);
  EXPECT_NE(json.find("\"schema\":\"passnet.evaluation/1\""), std::string::npos);
  EXPECT_NE(json.find("\"es\":{\"-10\":0.1,\"4\":1.0}"), std::string::npos);
}

// Whoever stores a report in a document of its own needs no text in between.
TEST(EvaluationJsonTest, ValueAndTextAreTheSameDocument) {
  const Json value = ToJsonValue(SomeReport());
  EXPECT_EQ(value.Dump(), ToJson(SomeReport()));
  EXPECT_EQ(ToJson(FromJsonValue<EvaluationReport>(value).value()), value.Dump());
}

TEST(EvaluationJsonTest, KeysOfANewerProgramAreIgnored) {
  Json json = ToJsonValue(SomeReport());
  json.Set("shiny", Json::MakeObject());
  json.Member("sandbox").Set("hypervisor", true);
  json.Member("es").Set("fast", 2.0);
  EXPECT_EQ(ToJson(FromJsonValue<EvaluationReport>(json).value()), ToJson(SomeReport()));
}

// Every document, with every member in turn of a type that no member has.
template <typename T>
void ExpectTypedReading(const T& document) {
  const Json whole = ToJsonValue(document);
  for (const auto& [key, value] : whole.Members()) {
    Json broken = whole;
    broken.Set(key, {{"odd", {1}}});
    auto read = FromJsonValue<T>(broken);
    if (value.is_object() && read) continue;  // a section may hold what a newer program wrote
    ASSERT_FALSE(read) << key;
    EXPECT_NE(read.error().context.find(": " + key), std::string::npos) << read.error().context;
  }
}

TEST(DocumentsTest, WrongTypeOfAnyMemberIsNamed) {
  ExpectTypedReading(SomeReport());
  EvaluateRequest evaluate;
  evaluate.files = {{"A.py", ""}};
  ExpectTypedReading(evaluate);
  ExpectTypedReading(BaselineRequest());
  ExpectTypedReading(DescribeTaskRequest());
  BaselineReport baseline;
  baseline.graphs = SomeReport().graphs;
  ExpectTypedReading(baseline);
  TaskDescription description;
  description.graphs.resize(1);
  ExpectTypedReading(description);
}

TEST(DocumentsTest, ProblemInsideAListHasItsPath) {
  Json json = ToJsonValue(SomeReport());
  json.Set("graphs", Json(Json::Array{ToJsonValue(SomeReport())["graphs"].At(0), {{"path", 5}}}));
  EXPECT_EQ(FromJsonValue<EvaluationReport>(json).error().context,
            "passnet.evaluation/1: graphs[1].path: expected a text, found an integer");
}

TEST(DocumentsTest, MillionBracketsAreAnError) {
  const std::string deep = "{\"graphs\":" + std::string(1'000'000, '[');
  auto report = EvaluationReportFromJson(deep);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().context, "passnet.evaluation/1: nested deeper than 100");
  EXPECT_FALSE(BaselineReportFromJson(deep));
  EXPECT_FALSE(FromJson<TaskDescription>(deep));
  EXPECT_FALSE(FromJson<EvaluateRequest>(deep));
}

TEST(EvaluationJsonTest, HostileBytesDoNotBreakTheLine) {
  EvaluationReport report = SomeReport();
  report.candidate_output = "\xff\n\"}\x01";
  std::string json = ToJson(report);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_TRUE(EvaluationReportFromJson(json).has_value());
}

std::string ErrorOfRequest(const std::string& json) {
  auto request = FromJson<EvaluateRequest>(json);
  return request ? "" : request.error().context;
}

TEST(EvaluateRequestJsonTest, ErrorsNameThePath) {
  EXPECT_EQ(ErrorOfRequest(R"({"evaluation_id":"x","task":"t","files":[{"name":3}]})"),
            "evaluate request: files[0].name: expected a text, found an integer");
  EXPECT_EQ(ErrorOfRequest(R"({"task":"t","files":[]})"), "evaluate request: evaluation_id: is missing");
  EXPECT_EQ(ErrorOfRequest(R"({"evaluation_id":"x","task":"t","files":[],"profile":"slow"})"),
            "evaluate request: profile: \"slow\" is none of passbench, quick");
  EXPECT_EQ(ErrorOfRequest(R"({"evaluation_id":"x","task":"t","files":[],"time_cap_ms":-1})"),
            "evaluate request: time_cap_ms: out of range 0..86400000: -1");
  EXPECT_EQ(ErrorOfRequest("[]"), "evaluate request: expected an object, found a list");
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
  auto back = FromJson<EvaluateRequest>(ToJson(request));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(ToJson(back.value()), ToJson(request));
  EXPECT_EQ(back.value().time_cap.count(), 77);
  EXPECT_EQ(back.value().matching, Matching::kNormalised);
}

}  // namespace
}  // namespace passnet::evaluator
