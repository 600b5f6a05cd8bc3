// Reads a chat completions request back into its messages, as the journal and other programs hold them.
// Threads: thread-safe, pure. Errors: kDataCorrupt: what is no such request, or holds what is no text (an image).
// Source: OpenAI chat completions, create request.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialects/chat.h"

namespace passnet::dialects {

Result<std::vector<StoredMessage>> MessagesOfRequest(std::string_view body);

}  // namespace passnet::dialects
