#include "daemon/http_api/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "daemon/http_api/problem.h"
#include "daemon/http_api/router.h"

namespace passnet::daemon {
namespace {

using Headers = std::map<std::string, std::string>;

constexpr int kPort = 8760;

GuardOptions Options() {
  GuardOptions options;
  options.host = "127.0.0.1";
  options.operate_tokens = {Secret("operate")};
  return options;
}

Request With(const std::string& method, const Headers& headers) {
  Request request;
  request.method = method;
  request.path = "/v1/version";
  request.port = kPort;
  request.headers = headers;
  request.headers.emplace("authorization", "Bearer operate");
  if (method == "POST") request.headers.emplace("content-type", "application/json");
  return request;
}

// 0 where the request passes.
int StatusOf(const Guard& guard, const Request& request) {
  auto refusal = guard.Refuse(request);
  return refusal ? refusal->status : 0;
}

int StatusOfHost(const Guard& guard, const std::string& host) { return StatusOf(guard, With("GET", {{"host", host}})); }

TEST(GuardTest, LoopbackNamesWithOurPortPass) {
  const Guard guard(Options());
  for (const char* host : {"127.0.0.1:8760", "localhost:8760", "[::1]:8760", "LocalHost:8760"}) {
    EXPECT_EQ(StatusOfHost(guard, host), 0) << host;
  }
}

// 127.evil.example passed as "begins with 127."; an attacker's DNS points all of these at loopback.
TEST(GuardTest, NamesThatOnlyLookLikeLoopbackAreRefused) {
  const Guard guard(Options());
  for (const char* host :
       {"127.evil.example:8760", "127.1.2.3.evil:8760", "127.0.0.1.evil.example:8760", "localhost.evil.example:8760",
        "evil.example:8760", "rebind.example", "127.0.0.2:8760", "127.1:8760", "2130706433:8760", "0x7f000001:8760",
        "0.0.0.0:8760", "localhost.:8760", "::1:8760", "[::1]", "[::ffff:127.0.0.1]:8760", "user@127.0.0.1:8760",
        "127.0.0.1:8760.evil.example", "127.0.0.1:8761", "127.0.0.1:08760", "127.0.0.1", "localhost", ":8760", "",
        "127.0.0.1:8760 ", "127.0.0.1:8760,evil.example"}) {
    EXPECT_EQ(StatusOfHost(guard, host), 421) << host;
  }
  EXPECT_EQ(StatusOf(guard, With("GET", {})), 421) << "no Host at all";
}

TEST(GuardTest, BoundAddressAndConfiguredHostsPass) {
  GuardOptions options = Options();
  options.host = "192.168.1.5";
  options.allowed_hosts = {"passnet.example", "tunnel:9000"};
  const Guard guard(options);
  EXPECT_EQ(StatusOfHost(guard, "192.168.1.5:8760"), 0);
  EXPECT_EQ(StatusOfHost(guard, "passnet.example"), 0);
  EXPECT_EQ(StatusOfHost(guard, "tunnel:9000"), 0);
  EXPECT_EQ(StatusOfHost(guard, "passnet.example:8760"), 421);
  EXPECT_EQ(StatusOfHost(guard, "tunnel"), 421);
  options.host = "0.0.0.0";
  EXPECT_EQ(StatusOfHost(Guard(options), "0.0.0.0:8760"), 421) << "a browser takes this to loopback";
  options.host = "fd00::5";
  EXPECT_EQ(StatusOfHost(Guard(options), "[fd00::5]:8760"), 0);
}

TEST(GuardTest, PagesOfOtherOriginsAreRefused) {
  GuardOptions options = Options();
  options.allowed_origins = {"https://board.example"};
  const Guard guard(options);
  auto ask = [&](Headers headers) {
    headers["host"] = "localhost:8760";
    return StatusOf(guard, With("POST", headers));
  };
  EXPECT_EQ(ask({{"origin", "http://localhost:8760"}}), 0);
  EXPECT_EQ(ask({{"origin", "https://board.example"}}), 0);
  EXPECT_EQ(ask({{"origin", "https://board.example"}, {"sec-fetch-site", "cross-site"}}), 0);
  EXPECT_EQ(ask({{"sec-fetch-site", "same-origin"}}), 0);
  EXPECT_EQ(ask({{"sec-fetch-site", "none"}}), 0) << "typed by the user";
  for (const char* origin : {"http://evil.example", "null", "", "http://localhost:2", "https://localhost:8760",
                             "http://127.0.0.1:8760", "https://board.example.evil.example", "http://board.example",
                             "https://board.example:444", "file://"}) {
    EXPECT_EQ(ask({{"origin", origin}}), 403) << origin;
  }
  // A form or an image of a page sends no Origin; what serves on another port of this machine is "same-site".
  for (const char* site : {"cross-site", "same-site", "anything"}) {
    EXPECT_EQ(ask({{"sec-fetch-site", site}}), 403) << site;
    EXPECT_EQ(ask({{"sec-fetch-site", site}, {"origin", "http://localhost:8760"}}), 403) << site;
  }
}

TEST(GuardTest, AllowedPagesMayAskBeforehandAndRead) {
  GuardOptions options = Options();
  options.allowed_origins = {"https://board.example"};
  const Guard guard(options);
  Request preflight = With("OPTIONS", {{"host", "localhost:8760"}, {"origin", "https://board.example"}});
  preflight.headers.erase("authorization");  // browsers send none
  auto answer = guard.Refuse(preflight);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_THAT(answer->headers.at("Access-Control-Allow-Headers"), ::testing::HasSubstr("Authorization"));
  guard.ShowToOrigin(preflight, &*answer);
  EXPECT_EQ(answer->headers.at("Access-Control-Allow-Origin"), "https://board.example");
  Request stranger = With("OPTIONS", {{"host", "localhost:8760"}, {"origin", "https://evil.example"}});
  Response response;
  guard.ShowToOrigin(stranger, &response);
  EXPECT_TRUE(response.headers.empty());
  EXPECT_EQ(StatusOf(guard, stranger), 403);
}

TEST(GuardTest, PostsMustBeJson) {
  const Guard guard(Options());
  auto ask = [&](const std::string& type) {
    return StatusOf(guard, With("POST", {{"host", "localhost:8760"}, {"content-type", type}}));
  };
  EXPECT_EQ(ask("application/json"), 0);
  EXPECT_EQ(ask("Application/JSON; charset=utf-8"), 0);
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp",
                           "text/plain; application/json"}) {
    EXPECT_EQ(ask(type), 415) << type;
  }
}

TEST(GuardTest, TokensDecideByRole) {
  GuardOptions options = Options();
  options.operate_tokens.push_back(Secret("further"));
  options.read_tokens = {Secret("read")};
  const Guard guard(options);
  auto ask = [&](const std::string& method, const std::string& authorization) {
    return StatusOf(guard, With(method, {{"host", "localhost:8760"}, {"authorization", authorization}}));
  };
  EXPECT_EQ(ask("POST", "Bearer operate"), 0);
  EXPECT_EQ(ask("POST", "Bearer further"), 0);
  EXPECT_EQ(ask("GET", "Bearer read"), 0);
  EXPECT_EQ(ask("POST", "Bearer read"), 403);
  EXPECT_EQ(ask("GET", "Bearer operat"), 401);
  EXPECT_EQ(ask("GET", "operate"), 401);
  EXPECT_EQ(ask("GET", ""), 401);
}

TEST(GuardTest, EmptyTokensAreNone) {
  GuardOptions options = Options();
  options.operate_tokens.push_back(Secret());
  options.read_tokens = {Secret()};
  const Guard guard(options);
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "localhost:8760"}, {"authorization", "Bearer "}})), 401);
}

TEST(GuardTest, HealthAloneNeedsNoTokenButAKnownHost) {
  const Guard guard(Options());
  Request request = With("GET", {{"host", "localhost:8760"}, {"authorization", ""}});
  EXPECT_EQ(StatusOf(guard, request), 401);
  request.path = "/metrics";
  EXPECT_EQ(StatusOf(guard, request), 401);
  request.path = "/health";
  EXPECT_EQ(StatusOf(guard, request), 0);
  Request post = With("POST", {{"host", "localhost:8760"}, {"authorization", ""}});
  post.path = "/health";
  EXPECT_EQ(StatusOf(guard, post), 401) << "its body would be read";
  request.headers["host"] = "127.evil.example:8760";
  EXPECT_EQ(StatusOf(guard, request), 421);
}

TEST(RouterTest, PathsAndMethods) {
  Router router;
  const RouteFacts facts = {"GET", "/v1/things/{id}", "a thing"};
  router.Add(facts, [](const Request& request) {
    Response response;
    response.body = request.parameters.at(0);
    return response;
  });
  Request request;
  request.method = "GET";
  request.path = "/v1/things/x-1";
  EXPECT_EQ(router.Handle(request).body, "x-1");
  EXPECT_EQ(router.Handle(request).route, "/v1/things/{id}");
  request.path = "/v1/things/";
  EXPECT_EQ(router.Handle(request).status, 404);
  EXPECT_EQ(router.Handle(request).route, "");
  request.path = "/v1/things/x/y";
  EXPECT_EQ(router.Handle(request).status, 404);
  request.path = "/v1/things/x";
  request.method = "POST";
  EXPECT_EQ(router.Handle(request).status, 405);
  EXPECT_EQ(router.Handle(request).headers.at("Allow"), "GET");
  request.path = "";
  EXPECT_EQ(router.Handle(request).status, 404);
}

TEST(RouterTest, HandlerThatThrowsIsOurFault) {
  Router router;
  const RouteFacts facts = {"GET", "/v1/broken", "throws"};
  router.Add(facts, [](const Request&) -> Response { throw std::runtime_error("secret"); });
  Request request;
  request.method = "GET";
  request.path = "/v1/broken";
  EXPECT_EQ(router.Handle(request).status, 500);
  EXPECT_EQ(router.Handle(request).body.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace passnet::daemon
