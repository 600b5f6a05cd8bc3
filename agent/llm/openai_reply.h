// Reads the two forms of a chat completion, one JSON message or a stream of chunks, into one reply and its class.
// Threads: thread-safe, pure. Errors: none: every body has a class, and a body that is not whole is never accepted.
// Source: OpenAI chat completions; what becomes of an answer is in docs/llm.md, "Outcomes".
#pragma once

#include <string_view>

#include "agent/llm/chat.h"

namespace passnet::agent {

// `whole`: the HTTP message ended as it should.
AttemptOutcome InterpretMessage(std::string_view body, bool whole);
AttemptOutcome InterpretStream(std::string_view body, bool whole);

}  // namespace passnet::agent
