// What a terminal shows of reports, whole.
#include "cli/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json Parsed(const char* text) {
  auto json = ParseJson(text);
  EXPECT_TRUE(json) << json.error().context;
  return json ? std::move(json).value() : Json();
}

constexpr const char* kSampled = R"({"campaign_id":"c-1","name":"eight","model":"m","state":"finished","samples":2,
"device":"cpu","profile":"passbench","time_cap_ms":0,"call_path":"dynamo","matching":"upstream","p":0.0,"b":0.1,
"n_scored":3,"n_infra":1,"n_unfinished":0,"n_skipped":0,"aggregated_score":1.2345,
"campaign":{"tasks":2},"campaign_with_baseline":{"aggregated_score":1.2345},
"inductor":{"aggregated_score":1.1,"tasks":2,"es":{"-5":1.1}},"es":{"-5":1.25},
"statistics":{"aggregated_score":{"value":1.2345,"low":1.0,"high":1.5},
 "speedup":{"value":1.3,"low":1.1,"high":1.5},
 "pass_at":[{"k":1,"tasks":2,"value":0.5,"low":0.25,"high":0.75},{"k":2,"tasks":1,"value":1.0,"low":null,"high":null}],
 "best_at":[{"k":1,"tasks":2,"value":1.2345,"low":1.0,"high":1.5},{"k":2,"tasks":1,"value":1.6,"low":null,"high":null}]},
"verdicts":{"MISS":1,"OK":2},"reasons":{"infra_lane":1,"plateau":3},
"usage":{"calls":9,"calls_lost":1,"prompt_tokens":900,"completion_tokens":90},
"cost":{"wall_s":120.5,"tokens":990,"usd":0.5,"tasks_solved":2,
 "per_solved_task":{"wall_s":60.25,"tokens":495.0,"usd":0.25}},
"lost_calls":["t-1/call-2"],
"by_task":[{"task":"rope","begun":2,"scored":2,"solved":1,"speedup":1.3,"inductor_speedup":1.1,"score":1.2,
 "best_score":1.6,"inductor_score":1.1},{"task":"swiglu","begun":2,"scored":1,"solved":1,"score":1.3}],
"tasks":[{"task":"swiglu","sample":2,"outcome":"infra","reason":"infra_lane: gone"}]})";

TEST(ReportTextTest, SampledCampaign) {
  EXPECT_EQ(ReportText(Parsed(kSampled)),
            R"(campaign eight (c-1), model m: finished, 2 samples a task
device cpu, profile passbench, call path dynamo, matching upstream, p 0, b 0.1

task    solved  scored  begun  speed-up  inductor     AS  best AS  AS inductor
rope         1       2      2     1.30x     1.10x  1.200    1.600        1.100
swiglu       1       1      2         -         -  1.300        -            -

ES(t)        -5
campaign  1.250
inductor  1.100

k  tasks  pass@k  95 %            best@k  95 %
1      2   0.500  0.250 to 0.750   1.234  1.000 to 1.500
2      1   1.000               -   1.600               -

AS of the campaign      1.2345 over 2 tasks, 95 % interval 1.0000 to 1.5000
AS of TorchInductor     1.1000 over 2 tasks (the campaign on these: 1.2345)
speed-up where correct  1.300 (1.100 to 1.500)
verdicts: MISS 1, OK 2
ended: infra_lane 1, plateau 3
not scored: 1 for failures on our side, 0 unfinished
cost: 120 s, 990 tokens, $0.50; 2 tasks solved, each for 60 s, 495 tokens, $0.25
9 calls (1 lost), 900 prompt and 90 completion tokens
  swiglu sample 2: infra_lane: gone
  lost: t-1/call-2
)");
}

TEST(ReportTextTest, OneSampleATaskShowsEveryTrajectory) {
  Json report = Parsed(kSampled);
  report.Set("samples", 1);
  EXPECT_THAT(ReportText(report), HasSubstr("task    rounds  outcome  verdict  correct"));
  EXPECT_THAT(ReportText(report), HasSubstr("  swiglu: infra_lane: gone\n"));
}

TEST(ReportTextTest, ControlCharactersOfNamesReachNoTerminal) {
  Json report = Parsed(kSampled);
  report.Set("name", "a\x1b]0;title\x07\nb");
  report.Set("tasks", Json::Array{Json({{"task", "\x1b[2J"}, {"outcome", "infra"}, {"reason", "\r\x1b[1m"}})});
  EXPECT_THAT(ReportText(report), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ReportText(report), Not(HasSubstr("\r")));
}

TEST(ComparisonTextTest, Whole) {
  const Json comparison = Parsed(R"({"a":{"name":"old","campaign_id":"c-1","model":"m"},
"b":{"name":"new","campaign_id":"c-2","model":"n"},"conditions":{"device":"cpu","profile":"passbench",
"time_cap_ms":400,"call_path":"dynamo","matching":"upstream","p":0.0,"b":0.1},
"forced":["task x is not in B"],"n_compared":2,"n_unscored":1,"wins":1,"losses":0,"ties":1,
"aggregated_score":{"a":{"value":1.0,"low":0.5,"high":2.0},"b":{"value":2.0},"ratio":{"value":2.0,"low":1.5,"high":2.5}},
"solved":{"difference":{"value":0.5,"low":0.0,"high":1.0}},
"tasks":[{"task":"rope","a":1.0,"b":4.0,"ratio":4.0,"noise":0.05,"result":"win"},
{"task":"swiglu","a":1.0,"b":1.01,"ratio":1.01,"noise":0.05,"result":"tie"}]})");
  EXPECT_EQ(ComparisonText(comparison),
            R"(A: old (c-1), model m
B: new (c-2), model n
device cpu, profile passbench capped at 400 ms a graph, call path dynamo, matching upstream, p 0, b 0.1
although task x is not in B

task        A      B  B over A  noise  B has
rope    1.000  4.000     4.000  0.050  win
swiglu  1.000  1.010     1.010  0.050  tie

AS of A             1.0000 (0.5000 to 2.0000)
AS of B             2.0000
B over A            2.0000 (1.5000 to 2.5000), paired over 2 tasks
solved, B minus A   +0.500 (+0.000 to +1.000)
outside the noise B wins 1, loses 0, ties 1; 1 tasks are not scored in both
)");
}

TEST(PlanTextTest, NamesWhatItWouldCost) {
  const Json plan = Parsed(R"({"spec":{"name":"n","sampling":{"model":"m"}},"tasks":["rope","swiglu"],"samples":8,
"rounds":6,"calls":96,"prompt_tokens":1000.0,"completion_tokens":500.0,"usd":12.5,"limit_usd":5.0})");
  const std::string text = PlanText(plan);
  EXPECT_THAT(text, HasSubstr("2 tasks x 8 samples x 6 rounds = 96 calls at most"));
  EXPECT_THAT(text, HasSubstr("tasks: rope swiglu\n"));
  EXPECT_THAT(text, HasSubstr("1000 prompt and 500 completion tokens, $12.50"));
  EXPECT_THAT(text, HasSubstr("budget.total_usd ends it at $5.00"));
  EXPECT_THAT(text, HasSubstr("nothing was launched"));
}

}  // namespace
}  // namespace passnet::cli
