// Messages of OpenAI chat requests and replies as the journal holds them, and the line of a training file made of them.
// Threads: immutable values and pure functions.
// Errors: kDataCorrupt for bytes that are no such request or reply, or no valid UTF-8: the message says what.
// Source: OpenAI chat completions (request, completion, chunk); docs/formats.md, "Export: openai-chat".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::trajectories {

struct ChatMessage {
  std::string role;
  std::optional<std::string> content;  // empty only beside tool calls
  std::string name;
  std::string tool_calls;  // JSON text of the array, empty: none
  std::string tool_call_id;
  bool operator==(const ChatMessage&) const = default;
};

// The "messages" of a request's body.
Result<std::vector<ChatMessage>> MessagesOfRequest(std::string_view body);

// The assistant's message of a reply's body: a chat.completion object, or server-sent events with its chunks.
Result<ChatMessage> MessageOfReply(std::string_view body);

struct WeightedMessage {
  ChatMessage message;
  bool trained = false;  // of assistant messages: weight 1 or 0
};

// {"messages":[…]} without a newline, keys in the documented order.
Result<std::string> TrainingLine(const std::vector<WeightedMessage>& messages);

}  // namespace passnet::trajectories
