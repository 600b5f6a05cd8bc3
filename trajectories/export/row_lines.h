// The lines of training files: one conversation, or one pair of answers, in the form of each trainer.
// Threads: pure functions. Errors: none: what a form cannot say has a reason instead.
// Source: docs/formats.md, "Forms of rows".
#pragma once

#include <string>
#include <vector>

#include "trajectories/export/chat_message.h"
#include "trajectories/export/options.h"

namespace passnet::trajectories {

// True where a row ends with one trained turn and no other turn in it is trained, whatever the history.
bool WantsTurnRows(RowFormat format, bool history_masked);

// The reason why the form cannot say the row as it is meant; nullptr: it can.
const char* WhyNotSaid(RowFormat format, bool history_masked, const std::vector<WeightedMessage>& messages);

// Of a row that can be said, without a newline; keys in the documented order.
std::string RowLine(RowFormat format, const std::vector<WeightedMessage>& messages);

// The same for two answers to one prompt.
const char* WhyNoPair(const std::vector<dialects::StoredMessage>& prompt, const dialects::StoredMessage& chosen,
                      const dialects::StoredMessage& rejected);
std::string PreferenceLine(const std::vector<dialects::StoredMessage>& prompt, const dialects::StoredMessage& chosen,
                           const dialects::StoredMessage& rejected);

}  // namespace passnet::trajectories
