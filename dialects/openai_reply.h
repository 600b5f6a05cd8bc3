// Reads the two forms of a chat completion, one JSON message or a stream of chunks, into one reply and its class.
// Threads: thread-safe, pure. Errors: none: every body has a class, and a body that is not whole is never accepted.
// Source: OpenAI chat completions; what becomes of an answer is in docs/llm.md, "Outcomes".
#pragma once

#include <string_view>

#include "dialects/chat.h"

namespace passnet::dialects {

// The bytes alone tell the form: gateways answer a streamed request with plain JSON, and name no type or a wrong one.
// `whole`: the HTTP message ended as it should.
AttemptOutcome InterpretAnswer(std::string_view body, bool whole);

}  // namespace passnet::dialects
