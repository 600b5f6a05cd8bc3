// The daemon over its HTTP API, with a fake lane: typed outcomes for an endpoint that misbehaves, refusals, shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <map>

#include "tests/daemon/daemon_fixture.h"
#include "tests/daemon/prometheus_reader.h"

namespace passnet {
namespace {

using ::testing::HasSubstr;

std::string Launch(DaemonFixture* fixture, const std::string& changes = "{}") {
  auto launched = fixture->client().Post("/v1/campaigns", fixture->SpecJson(changes));
  EXPECT_TRUE(launched) << launched.error().context << fixture->log();
  return launched ? Parsed(launched.value())["campaign_id"].Text() : "";
}

Json Report(DaemonFixture* fixture, const std::string& id) {
  auto report = fixture->client().Get("/v1/campaigns/" + id + "/report");
  EXPECT_TRUE(report) << report.error().context;
  return report ? Parsed(report.value()) : Json();
}

// A plain HTTP client that shows the daemon's token.
std::unique_ptr<httplib::Client> WithToken(const DaemonFixture& fixture) {
  auto client = std::make_unique<httplib::Client>("127.0.0.1", fixture.port());
  client->set_default_headers({{"Authorization", "Bearer " + fixture.Token()}});
  return client;
}

TEST(DaemonApiTest, EventsAreStreamedInOrderAndTakenUpAgain) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  std::string id = Launch(&fixture);
  int64_t last = 0;
  std::vector<std::string> kinds;
  auto take = [&](std::string_view data) {
    Json event = Parsed(data);
    EXPECT_GT(event["row_id"].Integer(), last);
    last = event["row_id"].Integer();
    kinds.push_back(event["kind"].Text());
    return !(kinds.back() == "campaign_state" && event["label"] == "finished");
  };
  ASSERT_TRUE(fixture.client().Follow("/v1/campaigns/" + id + "/events", take));
  EXPECT_EQ(kinds.front(), "campaign_launched");
  EXPECT_THAT(kinds, ::testing::Contains("evaluation_report"));
  Json lanes = Parsed(fixture.client().Get("/v1/lanes").value());
  int64_t served = 0;  // by whichever was free
  for (const Json& process : lanes["processes"].Items()) served += process["served"].Integer();
  EXPECT_GT(served, 6);
  Json shown = Parsed(fixture.client().Get("/v1/trajectories?campaign_id=" + id).value());
  ASSERT_EQ(shown["trajectories"].size(), 2u);
  std::string trajectory = shown["trajectories"].At(0)["trajectory_id"].Text();
  EXPECT_EQ(Parsed(fixture.client().Get("/v1/trajectories/" + trajectory).value())["outcome"], "solved");
}

// passnet.campaign/1 used to name the answer to a launch too, passnet.trajectory/1 what the CLI shows too.
TEST(DaemonApiTest, EachAnswerNamesItsShape) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  auto launched = fixture.client().Post("/v1/campaigns", fixture.SpecJson());
  ASSERT_TRUE(launched) << launched.error().context;
  EXPECT_EQ(Parsed(launched.value())["schema"], "passnet.campaign_launched/1");
  std::string id = Parsed(launched.value())["campaign_id"].Text();
  EXPECT_EQ(fixture.WaitForEnd(id), "finished");
  auto schema_at = [&](const std::string& path) { return Parsed(fixture.client().Get(path).value())["schema"].Text(); };
  EXPECT_EQ(schema_at("/v1/campaigns"), "passnet.campaigns/1");
  EXPECT_EQ(schema_at("/v1/campaigns/" + id), "passnet.campaign/1");
  EXPECT_EQ(schema_at("/v1/campaigns/" + id + "/report"), "passnet.campaign_report/1");
  EXPECT_EQ(schema_at("/v1/trajectories?campaign_id=" + id), "passnet.trajectories/1");
  Json page = Parsed(fixture.client().Get("/v1/trajectories?campaign_id=" + id).value());
  std::string trajectory = page["trajectories"].At(0)["trajectory_id"].Text();
  EXPECT_EQ(schema_at("/v1/trajectories/" + trajectory), "passnet.trajectory_state/1");
  EXPECT_EQ(schema_at("/v1/lanes"), "passnet.lanes/2");
}

TEST(DaemonApiTest, FaultsOfTheEndpointNeverBecomeAScore) {
  struct Case {
    const char* fault;
    const char* outcome;
    int infra;
  };
  // Every attempt fails for as long as a call is given: infra. Every third fails: retried, and the campaign is whole.
  const Case cases[] = {{"429:every=1", "infra", 2},        {"500:every=1", "infra", 2},
                        {"disconnect:every=1", "infra", 2}, {"malformed:every=1", "infra", 2},
                        {"html:every=1", "infra", 2},       {"truncate:every=3", "solved", 0},
                        {"500:every=3", "solved", 0},       {"429:every=3", "solved", 0}};
  for (const Case& test : cases) {
    DaemonFixture fixture({"--fault", test.fault});
    ASSERT_TRUE(fixture.Start());
    std::string id = Launch(&fixture, R"({"retry":{"give_up_after_s":)" + std::string(test.infra > 0 ? "0.3" : "60") + "}}");
    std::string state = fixture.WaitForEnd(id);
    EXPECT_EQ(state, "finished") << test.fault << fixture.log();
    Json report = Report(&fixture, id);
    EXPECT_EQ(report["n_infra"], test.infra) << test.fault << " " << report;
    for (const Json& task : report["tasks"].Items()) EXPECT_EQ(task["outcome"], test.outcome) << test.fault << task;
    EXPECT_EQ(report["aggregated_score"].is_null(), test.infra > 0) << test.fault;
    EXPECT_FALSE(fixture.daemon().Ended()) << test.fault;
  }
}

TEST(DaemonApiTest, EndpointThatStaysDownIsInfraAfterItsTime) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  std::string id =
      Launch(&fixture, R"({"endpoint":{"base_url":"http://127.0.0.1:1/v1"},"retry":{"give_up_after_s":0.3}})");
  EXPECT_EQ(fixture.WaitForEnd(id), "finished");
  EXPECT_EQ(Report(&fixture, id)["n_infra"], 2);
}

// 55 of 60 trajectories ended, with the campaign `finished` and /health ok.
TEST(DaemonApiTest, EndpointThatIsDownIsWaitedForAndTold) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  std::string id = Launch(&fixture, R"({"endpoint":{"base_url":"http://127.0.0.1:1/v1"}})");
  Json health;
  for (int i = 0; i < 200 && health["status"] != "degraded"; ++i) {
    health = Parsed(fixture.client().Get("/health").value());
    ::poll(nullptr, 0, 20);
  }
  ASSERT_EQ(health["outages"].size(), 1u) << health;
  EXPECT_EQ(health["outages"].At(0)["what"], "endpoint http://127.0.0.1:1/v1");
  EXPECT_THAT(health["outages"].At(0)["reason"].Text(), HasSubstr("overloaded"));
  EXPECT_NE(health["outages"].At(0)["next_try"].Text(), "");

  ASSERT_TRUE(fixture.client().Post("/v1/campaigns/" + id + "/pause", ""));
  EXPECT_EQ(fixture.WaitForEnd(id), "paused");
  Json shown = Parsed(fixture.client().Get("/v1/campaigns/" + id).value());
  EXPECT_EQ(shown["state_reason"], "paused by the operator");
  EXPECT_EQ(fixture.client().Post("/v1/campaigns/" + id + "/pause", "").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fixture.client().Post("/v1/campaigns/" + id + "/retry", "").error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(fixture.client().Post("/v1/campaigns/" + id + "/resume", ""));
  EXPECT_EQ(fixture.client().Post("/v1/campaigns/" + id + "/resume", "").error().code, ErrorCode::kAlreadyExists);
  ASSERT_TRUE(fixture.client().Post("/v1/campaigns/" + id + "/cancel", ""));
  EXPECT_EQ(fixture.WaitForEnd(id), "cancelled");
  EXPECT_EQ(Report(&fixture, id)["n_unfinished"], 0) << "what had begun got its end";
}

TEST(DaemonApiTest, SlowEndpointRunsIntoItsLimit) {
  DaemonFixture fixture({"--latency-ms", "3000"});
  ASSERT_TRUE(fixture.Start());
  std::string id = Launch(&fixture, R"({"retry":{"give_up_after_s":0.3,"first_byte_limit_s":0.2}})");
  EXPECT_EQ(fixture.WaitForEnd(id), "finished");
  Json report = Report(&fixture, id);
  EXPECT_EQ(report["n_infra"], 2);
  EXPECT_THAT(report["tasks"].At(0)["reason"].Text(), HasSubstr("transport"));
}

TEST(DaemonApiTest, CancelEndsACampaign) {
  DaemonFixture fixture({"--latency-ms", "2000"});
  ASSERT_TRUE(fixture.Start());
  std::string id = Launch(&fixture);
  ASSERT_TRUE(fixture.client().Post("/v1/campaigns/" + id + "/cancel", ""));
  EXPECT_EQ(fixture.WaitForEnd(id), "cancelled");
  auto again = fixture.client().Post("/v1/campaigns/" + id + "/cancel", "");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
}

TEST(DaemonApiTest, BadRequestsAreProblems) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  auto bad = fixture.client().Post("/v1/campaigns", R"({"name":1,"rounds":{"limit":0},"extra":true})");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  for (const char* part : {"name: expected a text", "rounds.limit: out of range", "extra: unknown key"}) {
    EXPECT_THAT(bad.error().context, HasSubstr(part));
  }
  auto missing = fixture.client().Post("/v1/campaigns", fixture.SpecJson(R"({"tasks":{"path":"/nonexistent"}})"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().context, HasSubstr("/nonexistent"));
  EXPECT_EQ(fixture.client().Get("/v1/campaigns/c-none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fixture.client().Get("/v1/campaigns?limit=x").error().code, ErrorCode::kInvalidArgument);

  const auto client = WithToken(fixture);
  httplib::Client& raw = *client;
  EXPECT_EQ(raw.Get("/nothing")->status, 404);
  EXPECT_EQ(raw.Get("/nothing")->get_header_value("Content-Type"), "application/problem+json");
  EXPECT_EQ(raw.Put("/v1/campaigns", "x", "text/plain")->status, 405);
  auto nested = raw.Post("/v1/campaigns", std::string(1'000'000, '['), "application/json");
  EXPECT_EQ(nested->status, 400);
  EXPECT_EQ(nested->get_header_value("Content-Type"), "application/problem+json");
  EXPECT_THAT(Parsed(nested->body)["detail"].Text(), HasSubstr("nested deeper than"));
  EXPECT_EQ(raw.Post("/v1/campaigns", std::string(8 << 20, 'x'), "application/json")->status, 413);
  EXPECT_EQ(raw.Get("/health", {{"Host", "evil.example"}})->status, 421);
  EXPECT_EQ(raw.Get("/health", {{"Host", "127.evil.example:" + std::to_string(fixture.port())}})->status, 421);
  EXPECT_EQ(raw.Get("/health", {{"Origin", "http://evil.example"}})->status, 403);
  EXPECT_EQ(raw.Get("/health", {{"Sec-Fetch-Site", "cross-site"}})->status, 403);
  EXPECT_EQ(raw.Post("/v1/campaigns", "{}", "text/plain")->status, 415);
  EXPECT_EQ(raw.Get("/health")->status, 200);
}

TEST(DaemonApiTest, TokensHaveRoles) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start({{"T_OPERATE", "op"}, {"T_READ", "rd"}},
                            "operate_token_env = 'T_OPERATE'\nread_token_env = 'T_READ'\n"));
  httplib::Client raw("127.0.0.1", fixture.port());
  auto get = [&](const std::string& token) {
    return raw.Get("/v1/version", {{"Authorization", "Bearer " + token}})->status;
  };
  EXPECT_EQ(raw.Get("/v1/version")->status, 401);
  EXPECT_EQ(get("no"), 401);
  EXPECT_EQ(get(fixture.Token()), 200) << "the token file's holds beside those of variables";
  EXPECT_EQ(get("rd"), 200);
  EXPECT_EQ(get("op"), 200);
  httplib::Headers read = {{"Authorization", "Bearer rd"}};
  EXPECT_EQ(raw.Post("/v1/campaigns", read, "{}", "application/json")->status, 403);
  std::string config = raw.Get("/v1/config", read)->body;
  EXPECT_THAT(config, HasSubstr("T_OPERATE"));
  EXPECT_THAT(config, ::testing::Not(HasSubstr("\"op\"")));
}

TEST(DaemonApiTest, TokenIsMadeOnceAndTheCliFindsIt) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  const std::string token = fixture.Token();
  EXPECT_EQ(token.size(), 64u);
  const std::string url = "http://127.0.0.1:" + std::to_string(fixture.port());
  unsetenv("PASSNETD_TOKEN");
  setenv("XDG_RUNTIME_DIR", fixture.folder().c_str(), 1);
  EXPECT_TRUE(cli::DaemonClient::Open(url, "").value()->Get("/v1/version"));
  setenv("PASSNETD_TOKEN", "wrong", 1);
  const Error refused = cli::DaemonClient::Open(url, "").value()->Get("/v1/version").error();
  EXPECT_THAT(refused.context, HasSubstr("--token-file"));
  unsetenv("PASSNETD_TOKEN");
  fixture.daemon().Signal(SIGKILL);
  fixture.daemon().Wait();
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.Token(), token) << "the next life has the same";
  unsetenv("XDG_RUNTIME_DIR");
}

TEST(DaemonApiTest, TokenFileThatOthersCanReadKeepsTheDaemonFromStarting) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  fixture.daemon().Signal(SIGTERM);
  fixture.daemon().Wait();
  std::filesystem::permissions(fixture.token_file(), std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_FALSE(fixture.Start());
  EXPECT_THAT(fixture.log(), HasSubstr("others may open it"));
}

// The attack: a client has the daemon's key sent to its own server.
TEST(DaemonApiTest, ClientDoesNotChooseWhereAKeyGoes) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start({{"STOLEN_API_KEY", "sk-secret"}},
                            "[endpoints.mine]\nbase_url = '" + fixture.endpoint_url() + "'\n"));
  for (const char* endpoint :
       {R"({"endpoint":{"api_key_env":"STOLEN_API_KEY"}})", R"({"endpoint":{"base_url":"http://127.evil.example/v1"}})",
        R"({"endpoint":{"name":"mine"}})", R"({"endpoint":{"ca_file":"/etc/ssl/cert.pem"}})"}) {
    auto refused = fixture.client().Post("/v1/campaigns", fixture.SpecJson(endpoint));
    ASSERT_FALSE(refused) << endpoint;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << endpoint;
  }
  auto unknown = fixture.client().Post("/v1/campaigns",
                                       fixture.SpecJson(R"({"endpoint":{"name":"yours","base_url":""}})"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  const std::string id = Launch(&fixture, R"({"endpoint":{"name":"mine","base_url":""}})");
  EXPECT_EQ(fixture.WaitForEnd(id), "finished");
  const Json spec = Parsed(fixture.client().Get("/v1/campaigns/" + id).value())["spec"];
  EXPECT_EQ(spec["endpoint"]["name"], "mine");
  EXPECT_EQ(spec["endpoint"]["base_url"], fixture.endpoint_url());
}

// The document is made from the table of routes; here each of them is asked.
TEST(DaemonApiTest, EveryDocumentedRouteAnswersAsDocumented) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  const std::string campaign = Launch(&fixture);
  EXPECT_EQ(fixture.WaitForEnd(campaign), "finished");
  const Json page = Parsed(fixture.client().Get("/v1/trajectories?campaign_id=" + campaign).value());
  const std::string trajectory = page["trajectories"].At(0)["trajectory_id"].Text();
  const Json document = Parsed(fixture.client().Get("/v1/openapi.json").value());
  ASSERT_GT(document["paths"].size(), 10u);
  const auto raw = WithToken(fixture);
  for (const auto& [path, methods] : document["paths"].Members()) {
    std::string target = path;
    const size_t mark = target.find("{id}");
    const bool of_trajectory = path.find("trajectories") != std::string::npos;
    if (mark != std::string::npos) target.replace(mark, 4, of_trajectory ? trajectory : campaign);
    if (path == "/v1/trajectories") target += "?campaign_id=" + campaign;
    for (const auto& [method, operation] : methods.Members()) {
      if (path.ends_with("/events")) continue;  // has no end; EventsAreStreamedInOrderAndTakenUpAgain reads it
      auto answer = method == "get" ? raw->Get(target) : raw->Post(target, fixture.SpecJson(), "application/json");
      ASSERT_TRUE(answer) << target;
      EXPECT_TRUE(operation["responses"].Has(std::to_string(answer->status))) << method << target << answer->status;
      if (method == "post" && mark != std::string::npos) continue;  // of a campaign that has ended: 404 or 409
      EXPECT_NE(answer->status, 404) << target;
      const Json& content = operation["responses"][std::to_string(answer->status)]["content"];
      ASSERT_EQ(content.size(), 1u);
      const std::string type = content.Members()[0].first;
      EXPECT_TRUE(answer->get_header_value("Content-Type").starts_with(type)) << target;
      const std::string& reference = content[type]["schema"]["$ref"].Text();
      if (reference.empty()) continue;
      const Json& schema = document["components"]["schemas"][reference.substr(reference.rfind('/') + 1)];
      EXPECT_EQ(Parsed(answer->body)["schema"], schema["properties"]["schema"]["const"]) << target;
    }
  }
}

TEST(DaemonApiTest, MetricsCountWhatHappened) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(Launch(&fixture)), "finished");
  auto metrics = fixture.client().Get("/metrics");
  ASSERT_TRUE(metrics) << metrics.error().context;
  auto page = ReadPrometheus(metrics.value());
  ASSERT_TRUE(page) << page.error().context << "\n" << metrics.value();
  std::map<std::string, double>& samples = page.value().samples;
  const std::string gate = "{endpoint=\"" + fixture.endpoint_url() + "\",name=\"\"";
  EXPECT_EQ(samples["passnet_campaigns{state=\"finished\"}"], 1);
  EXPECT_EQ(samples["passnet_campaigns_running"], 0);
  EXPECT_EQ(samples["passnet_trajectories_finished_total"], 2);
  EXPECT_EQ(samples["passnet_llm_calls_total"], 6);
  EXPECT_GT(samples["passnet_llm_tokens_total{kind=\"prompt\"}"], 0);
  EXPECT_EQ(samples["passnet_llm_attempts_total" + gate + ",end=\"answered\"}"], 6);
  EXPECT_EQ(samples["passnet_gate_open" + gate + "}"], 1);
  EXPECT_EQ(samples["passnet_gate_in_flight" + gate + "}"], 0);
  EXPECT_GT(samples["passnet_journal_append_seconds_count"], 20);
  EXPECT_GT(samples["passnet_journal_append_seconds_sum"], 0);
  EXPECT_EQ(samples["passnet_http_requests_total{route=\"/v1/campaigns\",status=\"201\"}"], 1);
  double served = 0, judged = 0;
  for (const auto& [series, value] : samples) {
    if (series.starts_with("passnet_lane_served_total{")) served += value;
    if (series.starts_with("passnet_evaluations_total{")) judged += value;
  }
  EXPECT_GT(served, 6);
  EXPECT_EQ(judged, 7) << "rope 3 + final, swiglu 2 + final";
  EXPECT_EQ(httplib::Client("127.0.0.1", fixture.port()).Get("/metrics")->status, 401);
}

TEST(DaemonApiTest, StreamsAreBounded) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start({}, "max_event_streams = 0\n"));
  std::string id = Launch(&fixture);
  auto refused = WithToken(fixture)->Get("/v1/campaigns/" + id + "/events");
  EXPECT_EQ(refused->status, 503);
  EXPECT_NE(refused->get_header_value("Retry-After"), "");
}

TEST(DaemonApiTest, SecondDaemonOnTheStoreIsRefused) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  ChildProgram second("fake_lane_daemon", {(fixture.folder() / "daemon.toml").native()}, {},
                      (fixture.folder() / "second.log").native());
  EXPECT_EQ(second.Wait(), 3);
  EXPECT_TRUE(fixture.client().Get("/health"));
}

TEST(DaemonApiTest, SigtermEndsInOrderWithACallInFlightAndTheNextLifeGoesOn) {
  DaemonFixture fixture({"--latency-ms", "300"});
  ASSERT_TRUE(fixture.Start());
  std::string id = Launch(&fixture);
  fixture.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture.daemon().Wait(), 0) << fixture.log();
  EXPECT_THAT(fixture.log(), HasSubstr("\"stopped\""));
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
  EXPECT_EQ(Report(&fixture, id)["n_scored"], 2);
}

}  // namespace
}  // namespace passnet
