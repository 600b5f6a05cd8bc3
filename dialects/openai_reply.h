// Reads the two forms of a chat completion, one JSON message or a stream of chunks, into one reply and its class.
// Threads: thread-compatible. Errors: none: every body has a class, and a body that is not whole is never accepted.
// Source: OpenAI chat completions; what becomes of an answer is in docs/llm.md, "Outcomes".
#pragma once

#include <memory>

#include "dialects/reply_fold.h"

namespace passnet::dialects {

std::unique_ptr<ReplyFold> NewChatFold();

}  // namespace passnet::dialects
