#include "agent/llm/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <cstdlib>

#include "agent/llm/client.h"

namespace passnet::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(UrlTest, PartsAreTaken) {
  auto url = ParseUrl("https://api.openai.com/v1/", Credentials::kRefused);
  ASSERT_TRUE(url);
  EXPECT_TRUE(url.value().tls);
  EXPECT_EQ(url.value().host, "api.openai.com");
  EXPECT_EQ(url.value().port, "443");
  EXPECT_EQ(url.value().path, "/v1");
  EXPECT_EQ(url.value().HostHeader(), "api.openai.com");
}

TEST(UrlTest, Ipv6AndPortAreTaken) {
  auto url = ParseUrl("http://[::1]:8080", Credentials::kRefused);
  ASSERT_TRUE(url);
  EXPECT_EQ(url.value().host, "::1");
  EXPECT_EQ(url.value().port, "8080");
  EXPECT_EQ(url.value().path, "");
  EXPECT_EQ(url.value().HostHeader(), "[::1]:8080");
}

TEST(UrlTest, CredentialsOnlyWhereAllowed) {
  auto proxy = ParseUrl("http://me:pw@proxy:3128", Credentials::kAllowed);
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy.value().credentials, "me:pw");
  EXPECT_EQ(proxy.value().host, "proxy");
  auto refused = ParseUrl("http://me:pw@host/v1", Credentials::kRefused);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, Not(HasSubstr("pw@")));
}

TEST(UrlTest, NonsenseIsRefused) {
  for (const char* text :
       {"", "api.openai.com/v1", "ftp://x", "http://", "http:///v1", "http://x:port", "http://x:70000", "http://[::1",
        "http://[::1]x", "http://x/a b", "http://x/\r\nHost: y", "http://x/v1?k=v"}) {
    EXPECT_FALSE(ParseUrl(text, Credentials::kRefused)) << text;
  }
}

TEST(EnvironmentTest, KeyComesFromTheNamedVariable) {
  setenv("PASSNET_TEST_KEY", "sk-1", 1);
  EXPECT_EQ(ApiKeyFromEnvironment("PASSNET_TEST_KEY").value().Reveal(), "sk-1");
  unsetenv("PASSNET_TEST_KEY");
  auto missing = ApiKeyFromEnvironment("PASSNET_TEST_KEY");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().context, HasSubstr("PASSNET_TEST_KEY"));
}

class ProxyFromEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override { Set("http://proxy:3128", ""); }
  void TearDown() override { Set("", ""); }
  static void Set(const char* proxy, const char* exempt) {
    for (const char* name : {"HTTPS_PROXY", "NO_PROXY"}) unsetenv(name);
    setenv("https_proxy", proxy, 1);
    setenv("no_proxy", exempt, 1);
  }
};

TEST_F(ProxyFromEnvironmentTest, OnlyHttpsGoesThroughIt) {
  EXPECT_EQ(ProxyFromEnvironment("https://api.openai.com/v1"), "http://proxy:3128");
  EXPECT_EQ(ProxyFromEnvironment("http://127.0.0.1:8080/v1"), "");
}

TEST_F(ProxyFromEnvironmentTest, NoProxyNamesHostsAndDomains) {
  Set("http://proxy:3128", "localhost, .example.com,other.org");
  EXPECT_EQ(ProxyFromEnvironment("https://localhost/v1"), "");
  EXPECT_EQ(ProxyFromEnvironment("https://llm.example.com/v1"), "");
  EXPECT_EQ(ProxyFromEnvironment("https://a.other.org/v1"), "");
  EXPECT_EQ(ProxyFromEnvironment("https://notother.org/v1"), "http://proxy:3128");
  Set("http://proxy:3128", "*");
  EXPECT_EQ(ProxyFromEnvironment("https://api.openai.com/v1"), "");
}

}  // namespace
}  // namespace passnet::agent
