// /metrics: the page is one that a scraper takes, whatever names are in it, and says what happened.
#include "daemon/http_api/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/file.h"
#include "daemon/http_api/prometheus_text.h"
#include "daemon/http_api/routes.h"
#include "tests/daemon/prometheus_reader.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"
#include "trajectories/batch.h"

namespace passnet::daemon {
namespace {

using trajectories::EventKind;

TEST(EscapedLabelTest, NothingEndsTheLabelOrItsLine) {
  EXPECT_EQ(EscapedLabel("cpu:1#1"), "cpu:1#1");
  EXPECT_EQ(EscapedLabel("a\"} 9\nb{c=\"\\"), "a\\\"} 9\\nb{c=\\\"\\\\");
  EXPECT_EQ(EscapedLabel("\xff"), "\xEF\xBF\xBD");
}

TEST(PrometheusTextTest, HostileLabelsReadBackAsTheyAre) {
  PrometheusText text;
  text.Family("a_total", "counter", "Some.");
  text.Sample(3, {{"x", "a\"} 9\nb{c=\"\\"}, {"y", ""}});
  text.Family("b", "gauge", "More.");
  text.Real(0.1);
  text.Real(-1e300, {{"z", "1"}});
  auto page = ReadPrometheus(text.Take());
  ASSERT_TRUE(page) << page.error().context;
  EXPECT_EQ(page.value().samples.at("a_total{x=\"a\"} 9\nb{c=\"\\\",y=\"\"}"), 3);
  EXPECT_EQ(page.value().samples.at("b"), 0.1);
  EXPECT_EQ(page.value().samples.at("b{z=\"1\"}"), -1e300);
}

TEST(PrometheusTextTest, HistogramIsInSecondsAndCumulative) {
  DurationHistogram histogram({std::chrono::microseconds(500), Millis(250)});
  for (int64_t span_ms : {0, 100, 250, 3000}) histogram.Add(Millis(span_ms));
  PrometheusText text;
  text.Family("h_seconds", "histogram", "Spans.");
  text.Histogram(histogram.Read());
  auto page = ReadPrometheus(text.Take());
  ASSERT_TRUE(page) << page.error().context;
  EXPECT_EQ(page.value().samples, (std::map<std::string, double>{{"h_seconds_bucket{le=\"0.0005\"}", 1},
                                                                 {"h_seconds_bucket{le=\"0.25\"}", 3},
                                                                 {"h_seconds_bucket{le=\"+Inf\"}", 4},
                                                                 {"h_seconds_sum", 3.35},
                                                                 {"h_seconds_count", 4}}));
}

// The reader that the tests rely on objects to what a scraper would.
TEST(PrometheusReaderTest, MistakesAreFound) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  EXPECT_TRUE(ReadPrometheus(head + "a_total 1\n"));
  for (const std::string& page :
       {head + "a_total 1", head + "a_total x\n", head + "a_total -1\n", head + "a_total 1\na_total 2\n", head + "b 1\n",
        head + "a_total{x=\"1} 1\n", head + "a_total{x=\"\\t\"} 1\n", head + "a_total{1x=\"\"} 1\n", head + "\n",
        head + "a_total{x=\"1\" } 1\n", head + head, std::string("# TYPE a_total counter\na_total 1\n"),
        std::string("# HELP a_total x\na_total 1\n"), std::string("# HELP a x\n# TYPE a counter\na 1\n"),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n")}) {
    EXPECT_FALSE(ReadPrometheus(page)) << page;
  }
}

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    trajectories::StoreOptions options;
    options.path = (folder_ / "journal.db").native();
    store_ = trajectories::Store::Open(options).value();
    readers_ = std::make_unique<trajectories::ReaderPool>(options.path, 1);
    ports_.store = store_.get();
    ports_.readers = readers_.get();
    ports_.lanes = &lanes_;
    ports_.streams = &streams_;
    ports_.counts = &counts_;
    ports_.verdicts = &verdicts_;
  }

  void Append(EventKind kind, const std::string& trajectory, const std::string& subject, const std::string& label) {
    trajectories::EventDraft event;
    event.campaign_id = "c-1";
    event.trajectory_id = trajectory;
    event.kind = kind;
    event.subject = subject;
    event.label = label;
    event.payload = "{}";
    trajectories::Batch batch;
    ASSERT_TRUE(batch.Add(std::move(event)));
    ASSERT_TRUE(store_->Append(batch));
  }

  std::map<std::string, double> Samples(const LoopFigures& loop) {
    auto text = MetricsText(ports_, loop);
    EXPECT_TRUE(text) << text.error().context;
    auto page = ReadPrometheus(text.value());
    EXPECT_TRUE(page) << page.error().context << "\n" << text.value();
    return page ? page.value().samples : std::map<std::string, double>();
  }

  const fakes::TempFolder folder_{"metrics"};
  std::unique_ptr<trajectories::Store> store_;
  std::unique_ptr<trajectories::ReaderPool> readers_;
  agent::LanePool lanes_{std::vector<agent::LaneSetup>{{"cpu:\"1\"", nullptr}}};
  StreamSlots streams_{1};
  RequestCounts counts_;
  VerdictCounts verdicts_;
  ApiPorts ports_;
};

TEST_F(MetricsTest, EveryFamilyIsDocumented) {
  const std::string contracts = ReadFile(fakes::SourceDir() + "/docs/contracts.md", 1 << 20).value();
  const auto page = ReadPrometheus(MetricsText(ports_, {}).value()).value();
  EXPECT_GT(page.types.size(), 25u);
  for (const auto& [family, type] : page.types) {
    const std::string prefix = "passnet_";
    ASSERT_TRUE(family.starts_with(prefix)) << family;
    EXPECT_NE(contracts.find("`" + family.substr(prefix.size()) + "`"), std::string::npos) << family;
  }
}

TEST_F(MetricsTest, FreshDaemonHasAWholePage) {
  const auto samples = Samples({});
  EXPECT_EQ(samples.at("passnet_trajectories_parked"), 0);
  EXPECT_EQ(samples.at("passnet_lane_served_total{process=\"cpu:\"1\"#1\",lane=\"cpu:\"1\"\"}"), 0);
  EXPECT_EQ(samples.at("passnet_journal_append_seconds_count"), 0);
}

// Two keys of one endpoint have a gate each: they must not be one series.
TEST_F(MetricsTest, GatesTellWhereTheyStand) {
  agent::GateFacts shut;
  shut.endpoint = "https://a/v1";
  shut.name = "first";
  shut.limit = 8;
  shut.in_flight = 3;
  shut.waiting = 40;
  shut.paced_per_second = 0.45;
  shut.answered = 100;
  shut.refused = 5;
  shut.failed = 2;
  shut.cut = 1;
  shut.retries = 7;
  shut.silent_until_utc_us = 1'790'000'000'500'000;
  shut.outage = agent::Outage{"endpoint https://a/v1", "rate_limited: \"slow down\"\n", 1, 2};
  agent::GateFacts open = shut;
  open.name = "second\"\n";
  open.paced_per_second.reset();
  open.silent_until_utc_us = 0;
  open.outage.reset();
  LoopFigures loop;
  loop.gates = {shut, open};
  loop.trajectories = {50, 43};
  const auto samples = Samples(loop);
  const std::string first = "{endpoint=\"https://a/v1\",name=\"first\"}";
  const std::string second = "{endpoint=\"https://a/v1\",name=\"second\"\n\"}";
  EXPECT_EQ(samples.at("passnet_gate_open" + first), 0);
  EXPECT_EQ(samples.at("passnet_gate_open" + second), 1);
  EXPECT_EQ(samples.at("passnet_gate_limit" + first), 8);
  EXPECT_EQ(samples.at("passnet_gate_in_flight" + first), 3);
  EXPECT_EQ(samples.at("passnet_gate_waiting" + first), 40);
  EXPECT_EQ(samples.at("passnet_gate_paced_per_second" + first), 0.45);
  EXPECT_EQ(samples.count("passnet_gate_paced_per_second" + second), 0u) << "free";
  EXPECT_EQ(samples.at("passnet_gate_silent_until_timestamp_seconds" + first), 1'790'000'000.5);
  EXPECT_EQ(samples.at("passnet_gate_silent_until_timestamp_seconds" + second), 0);
  const std::string end = first.substr(0, first.size() - 1) + ",end=\"";
  EXPECT_EQ(samples.at("passnet_llm_attempts_total" + end + "answered\"}"), 100);
  EXPECT_EQ(samples.at("passnet_llm_attempts_total" + end + "refused\"}"), 5);
  EXPECT_EQ(samples.at("passnet_llm_attempts_total" + end + "failed\"}"), 2);
  EXPECT_EQ(samples.at("passnet_llm_attempts_total" + end + "cut\"}"), 1);
  EXPECT_EQ(samples.at("passnet_llm_retries_total" + first), 7);
  EXPECT_EQ(samples.at("passnet_trajectories_under_way"), 50);
  EXPECT_EQ(samples.at("passnet_trajectories_parked"), 43);
}

TEST_F(MetricsTest, VerdictsAreCountedOnceAndGoOnCounting) {
  Append(EventKind::kCampaignLaunched, "", "demo", "");
  Append(EventKind::kTrajectoryStarted, "t-1", "gelu", "1");
  Append(EventKind::kEvaluationReport, "t-1", "e-1", "OK");
  Append(EventKind::kEvaluationReport, "t-1", "e-2", "INCORRECT");
  auto samples = Samples({});
  EXPECT_EQ(samples.at("passnet_evaluations_total{verdict=\"OK\"}"), 1);
  EXPECT_EQ(samples.at("passnet_evaluations_total{verdict=\"INCORRECT\"}"), 1);
  EXPECT_EQ(samples.at("passnet_journal_append_seconds_count"), 4);
  Append(EventKind::kEvaluationReport, "t-1", "e-3", "OK");
  samples = Samples({});
  EXPECT_EQ(samples.at("passnet_evaluations_total{verdict=\"OK\"}"), 2);
  EXPECT_EQ(samples.at("passnet_evaluations_total{verdict=\"INCORRECT\"}"), 1);
}

}  // namespace
}  // namespace passnet::daemon
