// Provider-neutral chat: what is asked, what came back, and how an attempt ended. Plain values.
// Threads: immutable values.
// Source: docs/llm.md (outcome classes); OpenAI's chat completions for the vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passnet::dialects {

enum class Role { kSystem, kUser, kAssistant };

struct ChatMessage {
  Role role = Role::kUser;
  std::string content;  // UTF-8; anything else is sent as U+FFFD, so hostile bytes cannot stop a trial
};

struct ChatRequest {
  std::string model;
  std::vector<ChatMessage> messages;
  int64_t max_tokens = 8192;           // upper bound of the reply, reasoning included; the budget reserves this
  bool max_completion_tokens = false;  // true: the name that newer reasoning models insist on
  std::optional<double> temperature;   // absent: the endpoint's default
  std::optional<int64_t> seed;         // a hint only: no server promises determinism
  bool stream = true;
  std::string extra_json;  // an object of further keys, e.g. {"reasoning_effort":"high"}; empty: none
};

// Numbers as the provider told them. The budget settles with these; unknown settles at the reservation.
struct Usage {
  bool known = false;
  int64_t prompt_tokens = 0;      // cached ones included
  int64_t completion_tokens = 0;  // reasoning included
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments_json;  // raw text as it came
  bool operator==(const ToolCall&) const = default;
};

struct ChatReply {
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::vector<ToolCall> tool_calls;
  std::string finish_reason;  // as the server wrote it
  Usage usage;
  std::string request_id;  // the header that support asks for
};

// A message as a request's bytes hold it, whoever wrote them: more than our own requests have (ChatMessage).
struct StoredMessage {
  std::string role;
  std::optional<std::string> content;  // absent only beside tool calls
  std::string name;
  std::vector<ToolCall> tool_calls;
  std::string tool_call_id;
  bool operator==(const StoredMessage&) const = default;
};

// The assistant's message in a later request or a training row: what the loop takes for the answer, without reasoning.
StoredMessage MessageOf(const ChatReply& reply);

// How one attempt ended. Only the first four say anything about the model; the others are infrastructure or ours and
// never score. Persisted by name (docs/formats.md, "outcome class").
enum class OutcomeClass {
  kAccepted,         // a whole reply with something in it
  kTruncated,        // a whole reply that hit the token limit
  kRefused,          // by the model, or cut by a content filter
  kMalformed,        // empty, or tool arguments that are not JSON
  kContextOverflow,  // the prompt does not fit; the same request never will
  kRateLimited,      // wait and ask again
  kQuota,            // money or credit is gone: stop using the endpoint
  kAuth,             // the key is refused: stop using the endpoint
  kBadRequest,       // this request is refused and will be again: stop this trial
  kOverloaded,       // 5xx, transport failure before anything was sent, "error" inside a 200: ask again
  kTransport,        // sent, but no whole reply came back: perhaps billed
  kCancelled,        // we stopped it
};

std::string_view RoleName(Role role);
std::string_view OutcomeClassName(OutcomeClass outcome);
std::optional<OutcomeClass> OutcomeClassFromName(std::string_view name);

// Accepted, truncated, refused, malformed.
bool IsModelBehaviour(OutcomeClass outcome);

// One attempt after interpretation (Dialect::Interpret).
struct AttemptOutcome {
  OutcomeClass outcome = OutcomeClass::kTransport;
  std::string detail;  // for people: what failed and the next step; bounded, printable; empty when accepted
  ChatReply reply;     // as far as it got; usage may be known even when the class is kTransport
};

}  // namespace passnet::dialects
