// The script of the scripted endpoint: what it says of its answers is how the product's own dialects read them.
#include "tests/chaos/endpoint_script.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "base/sha256.h"
#include "dialects/dialect.h"

namespace passnet::chaos {
namespace {

using dialects::AttemptOutcome;
using dialects::OutcomeClass;

struct Wire {
  const dialects::Dialect* dialect;
  const char* target;
};

std::string BodyOf(const Wire& wire, int number, bool stream) {
  dialects::ChatRequest request;
  request.model = "m";
  request.messages = {{dialects::Role::kUser, "task " + std::to_string(number)}};
  request.max_tokens = 16384;
  request.stream = stream;
  auto body = wire.dialect->RenderRequest(request);
  EXPECT_TRUE(body);
  return body ? body.value() : "";
}

ScriptedAnswer Ask(EndpointScript* script, const Wire& wire, const std::string& body) {
  LedgerEntry received;
  received.number = 1;
  received.request = Sha256Of(body);
  auto answer = script->Answer(received, wire.target, body);
  EXPECT_TRUE(answer) << answer.error().context;
  return answer ? std::move(answer).value() : ScriptedAnswer();
}

// As if every byte had arrived.
AttemptOutcome Read(const Wire& wire, const ScriptedAnswer& answer) {
  dialects::RawReply reply;
  reply.sent = true;
  reply.status = std::atoi(answer.wire.c_str() + answer.wire.find(" Scripted") - 3);
  reply.body = answer.entry.reply;
  return wire.dialect->Interpret(reply);
}

constexpr const char* kChat = "/v1/chat/completions";

TEST(EndpointScriptTest, SameSeedGivesTheSameAnswers) {
  const Wire wire{&dialects::OpenAiChat(), kChat};
  EndpointScript one({.seed = 7}), same({.seed = 7}), other({.seed = 8});
  int differing = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string body = BodyOf(wire, i, true);
    const ScriptedAnswer answer = Ask(&one, wire, body);
    EXPECT_EQ(answer.wire, Ask(&same, wire, body).wire);
    differing += answer.wire != Ask(&other, wire, body).wire;
  }
  EXPECT_GT(differing, 90);
}

TEST(EndpointScriptTest, RequestThatComesAgainIsAnsweredAtLast) {
  const Wire wire{&dialects::OpenAiChat(), kChat};
  EndpointScript script({.trouble_percent = 100, .oddity_percent = 0, .most_troubles = 3});
  const std::string body = BodyOf(wire, 1, false);
  for (int i = 0; i < 3; ++i) EXPECT_NE(Ask(&script, wire, body).entry.kind, "honest");
  EXPECT_EQ(Ask(&script, wire, body).entry.kind, "honest");
}

TEST(EndpointScriptTest, LedgerSaysWhatTheDialectsRead) {
  const Wire wires[] = {{&dialects::OpenAiChat(), kChat},
                        {&dialects::AnthropicMessages(), "/v1/messages"},
                        {&dialects::OpenAiResponses(), "/v1/responses"}};
  EndpointScript script({.trouble_percent = 0, .oddity_percent = 70});
  std::set<std::string> kinds;
  for (int i = 0; i < 1200; ++i) {
    const Wire& wire = wires[i % 3];
    const ScriptedAnswer answer = Ask(&script, wire, BodyOf(wire, i, i % 4 != 0));
    const LedgerEntry& entry = answer.entry;
    kinds.insert(entry.kind);
    const AttemptOutcome outcome = Read(wire, answer);
    EXPECT_TRUE(IsModelBehaviour(outcome.outcome)) << entry.kind << ": " << outcome.detail;
    EXPECT_EQ(outcome.outcome == OutcomeClass::kAccepted, entry.grade.has_value()) << entry.kind;
    EXPECT_EQ(outcome.reply.usage.known, entry.told.has_value()) << entry.kind;
    if (!entry.told) continue;
    EXPECT_EQ(outcome.reply.usage.prompt_tokens, entry.told->prompt) << entry.kind;
    EXPECT_EQ(outcome.reply.usage.completion_tokens, entry.told->completion) << entry.kind;
  }
  EXPECT_GT(kinds.size(), 14u) << "every oddity, and honest ones";
}

TEST(EndpointScriptTest, TroublesHaveToBeAskedForAgain) {
  const Wire wire{&dialects::OpenAiChat(), kChat};
  EndpointScript script({.trouble_percent = 100, .oddity_percent = 0});
  std::map<std::string, int> kinds;
  for (int i = 0; i < 1000; ++i) {
    const ScriptedAnswer answer = Ask(&script, wire, BodyOf(wire, i, i % 2 == 0));
    ++kinds[answer.entry.kind];
    // What is done to the bytes on their way is not seen here.
    if (answer.ending != ScriptedAnswer::Ending::kKeep) continue;
    const OutcomeClass outcome = Read(wire, answer).outcome;
    const bool again = outcome == OutcomeClass::kTransport || outcome == OutcomeClass::kOverloaded ||
                       outcome == OutcomeClass::kRateLimited;
    EXPECT_TRUE(again) << answer.entry.kind << ": " << OutcomeClassName(outcome);
  }
  EXPECT_EQ(kinds.size(), 21u) << "every trouble";
}

}  // namespace
}  // namespace passnet::chaos
