// Reads one folder of a recorded conversation.
// Threads: thread-safe, blocking. Errors: none of its own: every mistake is added to the list, as
// "<file>: <key>: <what and the next step>".
// Source: docs/recorded_llm.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "recorded_llm/conversation.h"

namespace passnet::recorded_llm {

// What it could read; of use only when no mistake was added.
Conversation ReadConversation(const std::filesystem::path& folder, std::vector<std::string>* mistakes);

}  // namespace passnet::recorded_llm
