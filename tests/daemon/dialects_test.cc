// A whole campaign over each dialect: daemon, journal and endpoint are the product, the lane measures nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dialects/dialect.h"
#include "tests/daemon/daemon_fixture.h"

namespace passnet {
namespace {

class DialectCampaignTest : public ::testing::TestWithParam<std::string> {};

TEST_P(DialectCampaignTest, IsSolved) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  for (bool stream : {true, false}) {
    const Json changes = {{"endpoint", {{"dialect", GetParam()}, {"api_key_env", ""}}}, {"sampling", {{"stream", stream}, {"model", "recorded"}}}};
    auto launched = fixture.client().Post("/v1/campaigns", fixture.SpecJson(changes.Dump()));
    ASSERT_TRUE(launched) << launched.error().context << fixture.log();
    const std::string id = Parsed(launched.value())["campaign_id"].Text();
    EXPECT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
    const Json report = Parsed(fixture.client().Get("/v1/campaigns/" + id + "/report").value());
    EXPECT_EQ(report["n_scored"], 2) << report.Dump(2);
    EXPECT_EQ(report["n_infra"], 0);
    const Json campaign = Parsed(fixture.client().Get("/v1/campaigns/" + id).value());
    EXPECT_EQ(campaign["usage"]["calls"], 6) << "three rounds of two tasks";
    EXPECT_EQ(campaign["usage"]["prompt_tokens"], 600) << "as the endpoint told it";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryDialect, DialectCampaignTest, ::testing::ValuesIn(dialects::DialectNames()),
                         [](const auto& dialect) {
                           std::string name = dialect.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(DialectOfACampaignTest, UnknownOneIsRefusedAtLaunch) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  auto launched = fixture.client().Post("/v1/campaigns", fixture.SpecJson(R"({"endpoint":{"dialect":"morse"}})"));
  ASSERT_FALSE(launched);
  EXPECT_THAT(launched.error().context, ::testing::HasSubstr("openai-chat, openai-responses, anthropic-messages"));
  auto seeded = fixture.client().Post(
      "/v1/campaigns", fixture.SpecJson(R"({"endpoint":{"dialect":"anthropic-messages"},"sampling":{"seed":1}})"));
  ASSERT_FALSE(seeded);
  EXPECT_THAT(seeded.error().context, ::testing::HasSubstr("sampling.seed"));
}

}  // namespace
}  // namespace passnet
