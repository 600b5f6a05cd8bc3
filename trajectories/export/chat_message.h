// Replies of the journal as the messages that the loop took them for, and the line of a training file made of messages.
// Threads: pure functions.
// Errors: kDataCorrupt for bytes that are no reply of a model: the message says what.
// Source: docs/formats.md, "Export"; dialects/ reads the bytes, here as in the loop.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dialects/dialect.h"

namespace passnet::trajectories {

// The assistant's message of a reply that a settled outcome names. What the outcome was is in the journal and is not
// decided again: here only the text is read, as far as it got.
Result<dialects::StoredMessage> MessageOfReply(const dialects::Dialect& dialect, int http_status, std::string body);

struct WeightedMessage {
  dialects::StoredMessage message;
  bool trained = false;  // of assistant messages: weight 1 or 0
};

// {"messages":[…]} without a newline, keys in the documented order.
std::string TrainingLine(const std::vector<WeightedMessage>& messages);

}  // namespace passnet::trajectories
