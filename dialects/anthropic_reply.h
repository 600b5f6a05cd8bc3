// Reads the two forms of an Anthropic message, one JSON object or a stream of named events, into one reply and its class.
// Threads: thread-compatible. Errors: none: every body has a class, and a body that is not whole is never accepted.
// Source: Anthropic's Messages API: the message object, streaming events.
#pragma once

#include <memory>

#include "dialects/reply_fold.h"

namespace passnet::dialects {

std::unique_ptr<ReplyFold> NewAnthropicFold();

}  // namespace passnet::dialects
