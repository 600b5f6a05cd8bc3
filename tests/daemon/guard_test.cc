#include "daemon/http_api/guard.h"

#include <gtest/gtest.h>

#include "daemon/http_api/problem.h"
#include "daemon/http_api/router.h"

namespace passnet::daemon {
namespace {

Request With(const std::string& method, const std::map<std::string, std::string>& headers) {
  Request request;
  request.method = method;
  request.path = "/v1/version";
  request.headers = headers;
  return request;
}

int StatusOf(const Guard& guard, const Request& request) {
  auto refusal = guard.Refuse(request);
  return refusal ? refusal->status : 0;
}

TEST(GuardTest, LoopbackNamesPassAndStrangersDoNot) {
  Guard guard({"127.0.0.1", Secret(), Secret()});
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "127.0.0.1:8760"}})), 0);
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "localhost:1"}})), 0);
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "[::1]:8760"}})), 0);
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "rebind.example:8760"}})), 421);
  EXPECT_EQ(StatusOf(guard, With("GET", {})), 421);
  EXPECT_EQ(StatusOf(guard, With("POST", {{"host", "localhost:1"}, {"origin", "http://localhost:1"}})), 0);
  EXPECT_EQ(StatusOf(guard, With("POST", {{"host", "localhost:1"}, {"origin", "http://localhost:2"}})), 403);
  EXPECT_EQ(StatusOf(guard, With("POST", {{"host", "localhost:1"}, {"origin", "null"}})), 403);
}

TEST(GuardTest, TokensDecideByRole) {
  Guard guard({"0.0.0.0", Secret("operate"), Secret("read")});
  auto ask = [&](const std::string& method, const std::string& authorization) {
    return StatusOf(guard, With(method, {{"host", "any.example"}, {"authorization", authorization}}));
  };
  EXPECT_EQ(ask("POST", "Bearer operate"), 0);
  EXPECT_EQ(ask("GET", "Bearer read"), 0);
  EXPECT_EQ(ask("POST", "Bearer read"), 403);
  EXPECT_EQ(ask("GET", "Bearer operat"), 401);
  EXPECT_EQ(ask("GET", "operate"), 401);
  EXPECT_EQ(ask("GET", ""), 401);
}

TEST(GuardTest, WithoutAReadTokenTheEmptyTokenDoesNotRead) {
  Guard guard({"0.0.0.0", Secret("operate"), Secret()});
  EXPECT_EQ(StatusOf(guard, With("GET", {{"host", "x"}, {"authorization", "Bearer "}})), 401);
}

TEST(RouterTest, PathsAndMethods) {
  Router router;
  router.Add("GET", "/v1/things/{}", [](const Request& request) {
    Response response;
    response.body = request.parameters.at(0);
    return response;
  });
  Request request;
  request.method = "GET";
  request.path = "/v1/things/x-1";
  EXPECT_EQ(router.Handle(request).body, "x-1");
  request.path = "/v1/things/";
  EXPECT_EQ(router.Handle(request).status, 404);
  request.path = "/v1/things/x/y";
  EXPECT_EQ(router.Handle(request).status, 404);
  request.path = "/v1/things/x";
  request.method = "POST";
  EXPECT_EQ(router.Handle(request).status, 405);
  EXPECT_EQ(router.Handle(request).headers.at("Allow"), "GET");
  request.path = "";
  EXPECT_EQ(router.Handle(request).status, 404);
}

}  // namespace
}  // namespace passnet::daemon
