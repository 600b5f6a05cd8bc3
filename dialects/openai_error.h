// What an error body of an OpenAI-compatible server means, whatever dialect it is written in.
// Threads: thread-safe, pure. Errors: none: every body has a class.
// Source: docs/llm.md; OpenAI error codes; llama.cpp (code as an integer), vLLM (error fields at the top level),
// OpenRouter (HTTP status as code inside a 200).
#pragma once

#include <string_view>

#include "dialects/chat.h"

namespace passnet::dialects {

// A status outside 2xx with its body, JSON or not.
AttemptOutcome InterpretRefusal(int status, std::string_view body);

// An error object that came with status 200, whole or as an event of a stream.
AttemptOutcome InterpretErrorInside(std::string_view json);

}  // namespace passnet::dialects
