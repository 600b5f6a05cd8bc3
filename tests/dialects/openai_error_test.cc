#include "dialects/openai_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::dialects {
namespace {

using testing::HasSubstr;

struct Case {
  int status;
  const char* body;
  OutcomeClass expected;
};

TEST(OpenAiErrorTest, EachRefusalHasItsClass) {
  const Case cases[] = {
      {400, R"({"error":{"message":"bad","type":"invalid_request_error","code":null}})", OutcomeClass::kBadRequest},
      {400, R"({"error":{"message":"x","code":"context_length_exceeded"}})", OutcomeClass::kContextOverflow},
      // llama.cpp: the code is an integer.
      {400, R"({"error":{"code":400,"message":"the request exceeds","type":"exceed_context_size_error","n_ctx":4096}})",
       OutcomeClass::kContextOverflow},
      // vLLM: no error object.
      {400, R"({"object":"error","message":"This model's maximum context length is 4096 tokens","code":400})",
       OutcomeClass::kContextOverflow},
      {400, R"({"error":{"message":"x","code":"content_filter"}})", OutcomeClass::kRefused},
      {401, R"({"error":{"message":"Incorrect API key","code":"invalid_api_key"}})", OutcomeClass::kAuth},
      {402, R"({})", OutcomeClass::kQuota},
      {403, "", OutcomeClass::kAuth},
      {404, R"({"detail":"Not Found"})", OutcomeClass::kBadRequest},
      {408, "", OutcomeClass::kOverloaded},
      {409, "", OutcomeClass::kOverloaded},
      {413, "", OutcomeClass::kBadRequest},
      {422, "", OutcomeClass::kBadRequest},
      {425, "", OutcomeClass::kOverloaded},
      {429, R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})", OutcomeClass::kRateLimited},
      {429, "<html>429</html>", OutcomeClass::kRateLimited},
      {429, R"({"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}})",
       OutcomeClass::kQuota},
      {429, R"({"error":{"message":"x","code":"billing_hard_limit_reached"}})", OutcomeClass::kQuota},
      {500, R"({"error":{"message":"oops"}})", OutcomeClass::kOverloaded},
      {500, R"({"error":{"code":500,"message":"Model produced output that does not match the expected format"}})",
       OutcomeClass::kMalformed},
      {501, "", OutcomeClass::kBadRequest},
      {502, "<html><h1>Bad gateway</h1></html>", OutcomeClass::kOverloaded},
      {503, R"({"error":{"message":"Loading model","code":503}})", OutcomeClass::kOverloaded},
      {504, "", OutcomeClass::kOverloaded},
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       OutcomeClass::kOverloaded},
      {301, "", OutcomeClass::kBadRequest},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(InterpretRefusal(c.status, c.body).outcome, c.expected) << c.status << " " << c.body;
  }
}

TEST(OpenAiErrorTest, ErrorInsideA200TellsItsOwnStatus) {
  EXPECT_EQ(InterpretErrorInside(R"({"error":{"message":"server had an error"}})").outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(InterpretErrorInside(R"({"error":{"code":429,"message":"x"}})").outcome, OutcomeClass::kRateLimited);
  EXPECT_EQ(InterpretErrorInside(R"({"error":{"code":502,"message":"x"}})").outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(InterpretErrorInside(R"({"error":{"code":"rate_limit_exceeded"}})").outcome, OutcomeClass::kRateLimited);
  EXPECT_EQ(InterpretErrorInside(R"({"error":{"type":"insufficient_quota"}})").outcome, OutcomeClass::kQuota);
  EXPECT_EQ(InterpretErrorInside(R"({"error":"plain text"})").outcome, OutcomeClass::kOverloaded);
}

TEST(OpenAiErrorTest, DetailIsOneBoundedLine) {
  auto outcome = InterpretRefusal(502, "<html>\n<b>\x1b[31m" + std::string(100'000, 'x'));
  EXPECT_THAT(outcome.detail, HasSubstr("status 502, not JSON"));
  EXPECT_LT(outcome.detail.size(), 400u);
  EXPECT_EQ(outcome.detail.find_first_of("\n\x1b"), std::string::npos);
}

}  // namespace
}  // namespace passnet::dialects
