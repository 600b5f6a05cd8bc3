// Reads the two forms of an OpenAI response, one JSON object or a stream of named events, into one reply and its class.
// Threads: thread-compatible. Errors: none: every body has a class, and a body that is not whole is never accepted.
// Source: OpenAI's Responses API: the response object, streaming events.
#pragma once

#include <memory>

#include "dialects/reply_fold.h"

namespace passnet::dialects {

std::unique_ptr<ReplyFold> NewResponsesFold();

}  // namespace passnet::dialects
