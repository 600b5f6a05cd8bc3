// What a client of the API may say about endpoints, and what the daemon's configuration makes of it.
#include "agent/campaign/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace passnet::agent {
namespace {

using ::testing::HasSubstr;

CampaignSpec SpecWith(EndpointSpec endpoint) {
  CampaignSpec spec;
  spec.name = "test";
  spec.tasks.path = "/tasks";
  spec.refine.sampling.model = "m";
  spec.endpoint = std::move(endpoint);
  return spec;
}

std::string ProblemsOf(EndpointSpec endpoint) { return ToString(CheckLaunch(SpecWith(std::move(endpoint)))); }

EndpointBook Book(bool local = true) {
  return EndpointBook({{"openai", "https://api.openai.com/v1", "ENDPOINTS_TEST_API_KEY", ""},
                       {"plain", "http://10.0.0.5:8000/v1", "", "/ca.pem"}},
                      local);
}

TEST(CheckLaunchTest, NamesAndLocalServersPass) {
  EXPECT_EQ(ProblemsOf({"openai", "", "", "", ""}), "");
  for (const char* url : {"http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "http://localhost/v1"}) {
    EXPECT_EQ(ProblemsOf({"", url, "", "", ""}), "") << url;
  }
}

// The attack: the client brings its own server and has the daemon's key sent there.
TEST(CheckLaunchTest, ClientDoesNotChooseWhereAKeyGoes) {
  const std::string both = ProblemsOf({"", "https://evil.example/v1", "OPENAI_API_KEY", "", ""});
  EXPECT_THAT(both, HasSubstr("endpoint.base_url: a campaign may give the URL of a server on 127.0.0.1"));
  EXPECT_THAT(both, HasSubstr("endpoint.api_key_env: a campaign does not choose a key"));
  EXPECT_THAT(both, HasSubstr("[endpoints.NAME] with base_url and api_key_env, and name = \"NAME\" here"));
  EXPECT_NE(ProblemsOf({"openai", "https://evil.example/v1", "", "", ""}), "");
  EXPECT_NE(ProblemsOf({"openai", "http://127.0.0.1:1/v1", "", "", ""}), "");
  EXPECT_NE(ProblemsOf({"openai", "", "OTHER_API_KEY", "", ""}), "");
  EXPECT_NE(ProblemsOf({"", "http://127.0.0.1:1/v1", "OPENAI_API_KEY", "", ""}), "");
  EXPECT_NE(ProblemsOf({"", "https://127.0.0.1:1/v1", "", "/evil/ca.pem", ""}), "");
  EXPECT_NE(ProblemsOf({"", "", "", "", ""}), "");
  EXPECT_NE(ProblemsOf({"a b", "", "", "", ""}), "");
}

TEST(CheckLaunchTest, OnlyExactLoopbackNamesAreLocal) {
  for (const char* url : {"http://127.evil.example/v1", "http://127.0.0.1.evil.example/v1", "http://localhost.evil.example",
                          "http://127.0.0.2/v1", "http://0.0.0.0/v1", "http://169.254.169.254/latest", "http://[::2]/v1",
                          "http://127.0.0.1@evil.example/v1", "ftp://127.0.0.1/v1", "http://LOCALHOST/v1", "127.0.0.1"}) {
    EXPECT_NE(ProblemsOf({"", url, "", "", ""}), "") << url;
  }
}

TEST(EndpointBookTest, PinnedSpecTellsWhereCallsGo) {
  setenv("ENDPOINTS_TEST_API_KEY", "k", 1);
  EndpointSpec spec{"openai", "", "", "", ""};
  Status pinned = Book().Pin(&spec);
  ASSERT_TRUE(pinned) << pinned.error().context;
  EXPECT_EQ(spec.base_url, "https://api.openai.com/v1");
  EXPECT_EQ(spec.api_key_env, "ENDPOINTS_TEST_API_KEY");
  EXPECT_TRUE(Check(SpecWith(spec)).empty()) << "a journal's spec is no launch";
  auto open = Book().Open(spec);
  ASSERT_TRUE(open) << open.error().context;
  EXPECT_EQ(open.value().api_key.Reveal(), "k");
  unsetenv("ENDPOINTS_TEST_API_KEY");
  EXPECT_THAT(Book().Open(spec).error().context, HasSubstr("ENDPOINTS_TEST_API_KEY"));
  EXPECT_EQ(Book().Pin(&spec).error().code, ErrorCode::kNotFound);
}

TEST(EndpointBookTest, DialectIsTheCampaignsOrTheConfigurationsOrChat) {
  const EndpointBook book({{"a", "https://api.anthropic.com", "", "", "anthropic-messages"}}, true);
  const auto pinned = [&](EndpointSpec spec) {
    EXPECT_TRUE(book.Pin(&spec));
    EXPECT_EQ(book.Open(spec).value().dialect->name(), spec.dialect);
    return spec.dialect;
  };
  EXPECT_EQ(pinned({"a", "", "", ""}), "anthropic-messages");
  EXPECT_EQ(pinned({"a", "", "", "", "openai-chat"}), "openai-chat");
  EXPECT_EQ(pinned({"", "http://127.0.0.1:1/v1", "", ""}), "openai-chat");
  EXPECT_EQ(pinned({"", "http://127.0.0.1:1/v1", "", "", "openai-responses"}), "openai-responses");
  EXPECT_EQ(book.Open({"a", "https://api.anthropic.com", "", "", ""}).value().dialect->name(), "openai-chat")
      << "a journal from before there were several";
  EXPECT_NE(ToString(CheckEndpoints("endpoints", {{"a", "https://a", "", "", "morse"}})), "");
  EXPECT_NE(ProblemsOf({"a", "", "", "", "morse"}), "");
}

EndpointConfig Limited(const std::string& name, const std::string& variable, std::optional<double> requests,
                       std::optional<double> tokens) {
  return {name, "http://10.0.0.5:8000/v1", variable, "", "openai-chat", {requests, tokens}};
}

TEST(EndpointBookTest, LimitsComeWithTheEndpoint) {
  const EndpointBook book({Limited("slow", "", 60, std::nullopt), {"free", "http://10.0.0.6/v1", "", ""}}, true);
  const EndpointOptions slow = book.Open({"slow", "", "", "", ""}).value();
  EXPECT_EQ(slow.name, "slow");
  EXPECT_EQ(slow.limits, (RateLimits{60, std::nullopt}));
  EXPECT_EQ(book.Open({"free", "", "", "", ""}).value().limits, RateLimits());
  const EndpointOptions local = book.Open({"", "http://127.0.0.1:1/v1", "", "", ""}).value();
  EXPECT_EQ(local.name, "");
  EXPECT_EQ(local.limits, RateLimits());
}

// They wait at one gate, so they have one name and one limit there, whichever campaign comes first.
TEST(EndpointBookTest, SectionsThatMeanOneServerAndKeyShareTheLowestLimits) {
  setenv("ENDPOINTS_TEST_A", "k", 1);
  setenv("ENDPOINTS_TEST_B", "k", 1);
  setenv("ENDPOINTS_TEST_C", "other", 1);
  const EndpointBook book({Limited("a", "ENDPOINTS_TEST_A", 60, 5000), Limited("b", "ENDPOINTS_TEST_B", 30, std::nullopt),
                           Limited("c", "ENDPOINTS_TEST_C", 1, 1), Limited("d", "ENDPOINTS_TEST_UNSET", 2, 2)},
                          true);
  for (const char* name : {"a", "b"}) {
    const EndpointOptions endpoint = book.Open({name, "", "", "", ""}).value();
    EXPECT_EQ(endpoint.name, "a") << name;
    EXPECT_EQ(endpoint.limits, (RateLimits{30, 5000})) << name;
  }
  EXPECT_EQ(book.Open({"c", "", "", "", ""}).value().limits, (RateLimits{1, 1}));
  for (const char* variable : {"ENDPOINTS_TEST_A", "ENDPOINTS_TEST_B", "ENDPOINTS_TEST_C"}) unsetenv(variable);
}

TEST(EndpointBookTest, TwoLimitsOfOneEndpointWithOneKeyAreAMistake) {
  const auto problems = [](EndpointConfig second) {
    return ToString(CheckEndpoints("endpoints", {Limited("a", "K", 60, std::nullopt), std::move(second)}));
  };
  EXPECT_EQ(problems(Limited("b", "K", 60, std::nullopt)), "");
  EXPECT_EQ(problems(Limited("b", "L", 30, std::nullopt)), "") << "another key, as far as a file can tell";
  EXPECT_THAT(problems(Limited("b", "K", 30, std::nullopt)),
              HasSubstr("endpoints.b.requests_per_minute: differs from that of endpoints.a"));
  EXPECT_THAT(problems(Limited("b", "K", 60, 100)), HasSubstr("endpoints.b.tokens_per_minute: differs"));
}

TEST(EndpointBookTest, UnknownNameIsToldWithTheKnownOnes) {
  EndpointSpec spec{"opanai", "", "", "", ""};
  const Error error = Book().Pin(&spec).error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.context, HasSubstr("it has: openai, plain"));
  EXPECT_THAT(error.context, HasSubstr("[endpoints.opanai]"));
}

TEST(EndpointBookTest, NameThatMeansAnotherUrlThanAtLaunchIsRefused) {
  EXPECT_EQ(Book().Open({"plain", "http://10.0.0.6:8000/v1", "", "", ""}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Book().Open({"plain", "http://10.0.0.5:8000/v1", "", "", ""}).value().ca_file, "/ca.pem");
}

TEST(EndpointBookTest, SpecsFromBeforeNamesNeedBothUrlAndVariable) {
  setenv("ENDPOINTS_TEST_API_KEY", "k", 1);
  EXPECT_TRUE(Book().Open({"", "https://api.openai.com/v1", "ENDPOINTS_TEST_API_KEY", "", ""}));
  const Error error = Book().Open({"", "https://evil.example/v1", "ENDPOINTS_TEST_API_KEY", "", ""}).error();
  EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(error.context, HasSubstr("a section [endpoints.NAME] with both"));
  EXPECT_FALSE(Book().Open({"", "https://api.openai.com/v1", "HOME", "", ""}));
  EXPECT_FALSE(Book().Open({"", "http://127.0.0.1:1/v1", "HOME", "", ""})) << "a local server is sent no key either";
  unsetenv("ENDPOINTS_TEST_API_KEY");
}

TEST(EndpointBookTest, LocalServersCanBeTurnedOff) {
  EXPECT_TRUE(Book().Open({"", "http://127.0.0.1:1/v1", "", "", ""}));
  EXPECT_FALSE(Book(false).Open({"", "http://127.0.0.1:1/v1", "", "", ""}));
}

}  // namespace
}  // namespace passnet::agent
