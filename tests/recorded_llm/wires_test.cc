// What the endpoint answers on each wire is what the product's dialect of that wire reads, faults and all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dialects/dialect.h"
#include "recorded_llm/endpoint.h"
#include "tests/recorded_llm/conversation_folder.h"

namespace passnet::recorded_llm {
namespace {

using dialects::Dialect;
using dialects::OutcomeClass;
using dialects::Role;
using testing::HasSubstr;

class WiresTest : public testing::TestWithParam<const Dialect*> {
 protected:
  WiresTest() { folder_.AddUsual(); }

  Endpoint Make(const std::string& fault = "") {
    EndpointOptions options;
    options.chunk_bytes = 4;
    if (!fault.empty()) options.faults.push_back(ParseFault(fault).value());
    return Endpoint(Library::Load(folder_.path()).value(), options);
  }
  static dialects::ChatRequest Request(bool stream) {
    dialects::ChatRequest request;
    request.model = "m";
    request.messages = {{Role::kSystem, "s"}, {Role::kUser, "task: t GELU"}};
    request.stream = stream;
    return request;
  }
  static dialects::AttemptOutcome Ask(Endpoint& endpoint, const dialects::ChatRequest& request) {
    const Dialect& dialect = *GetParam();
    Answer answer = endpoint.Handle("POST", dialect.TargetAt("/v1"), dialect.RenderRequest(request).value());
    dialects::RawReply reply;
    reply.sent = true;
    reply.status = answer.status;
    for (const std::string& piece : answer.pieces) reply.body += piece;
    return dialect.Interpret(reply);
  }

  ConversationFolder folder_;
};

TEST_P(WiresTest, TheRecordedReplyIsRead) {
  for (bool stream : {false, true}) {
    Endpoint endpoint = Make();
    auto outcome = Ask(endpoint, Request(stream));
    EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
    EXPECT_EQ(outcome.reply.content, "first gr\xC3\xBC\xC3\x9F\n");
    EXPECT_TRUE(outcome.reply.usage.known);
    EXPECT_EQ(outcome.reply.usage.prompt_tokens, 10);
    EXPECT_EQ(outcome.reply.usage.completion_tokens, 20);
  }
}

TEST_P(WiresTest, FaultsHaveTheirClasses) {
  const auto with = [&](const char* fault, bool stream) {
    Endpoint endpoint = Make(fault);
    return Ask(endpoint, Request(stream)).outcome;
  };
  for (bool stream : {false, true}) {
    EXPECT_EQ(with("429:every=1", stream), OutcomeClass::kRateLimited);
    EXPECT_EQ(with("500:every=1", stream), OutcomeClass::kOverloaded);
    EXPECT_EQ(with("truncate:every=1", stream), OutcomeClass::kTransport);
    EXPECT_EQ(with("malformed:every=1", stream), OutcomeClass::kTransport);
  }
}

TEST_P(WiresTest, MismatchIsToldInTheFormOfTheWire) {
  Endpoint endpoint = Make();
  dialects::ChatRequest request = Request(false);
  request.messages.push_back({Role::kAssistant, "x"});
  request.messages.push_back({Role::kUser, "fine"});
  auto outcome = Ask(endpoint, request);
  EXPECT_EQ(outcome.outcome, OutcomeClass::kBadRequest);
  EXPECT_THAT(outcome.detail, HasSubstr("the last user message does not contain"));
}

INSTANTIATE_TEST_SUITE_P(EveryDialect, WiresTest,
                         testing::Values(&dialects::OpenAiChat(), &dialects::OpenAiResponses(), &dialects::AnthropicMessages()),
                         [](const auto& dialect) {
                           std::string name(dialect.param->name());
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// As the real one refuses them: a client that gets along with this one gets along with that one.
TEST(MessagesWireTest, SystemIsNoRoleAndTextsAreNotEmpty) {
  const auto problem = [](const std::string& messages) {
    auto request = MessagesWire().parse(R"({"model":"m","max_tokens":5,"messages":)" + messages + "}");
    return request ? std::string() : request.error().context;
  };
  EXPECT_EQ(problem(R"([{"role":"user","content":"x"}])"), "");
  EXPECT_THAT(problem(R"([{"role":"system","content":"x"}])"), HasSubstr("unexpected role"));
  EXPECT_THAT(problem(R"([{"role":"user","content":""}])"), HasSubstr("must be non-empty"));
  EXPECT_FALSE(MessagesWire().parse(R"({"model":"m","messages":[{"role":"user","content":"x"}]})")) << "no max_tokens";
}

}  // namespace
}  // namespace passnet::recorded_llm
