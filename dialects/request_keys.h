// What the requests of all dialects are made of.
// Threads: pure functions. Errors: kInvalidArgument (extra keys), kDataCorrupt (a stored request).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "dialects/chat.h"

namespace passnet::dialects {

// [{"role", "content"}].
Json RenderMessages(const std::vector<ChatMessage>& messages);

// The members of the object `extra_json`, by name at every level whatever order the configuration had: specs that say the
// same give the same request. A key that `body` has already is refused.
Status AddExtraKeys(const std::string& extra_json, Json* body);

// A text, or a list of parts that are all texts. Anything else would be dropped without a word.
Result<std::string> TextOfContent(const Json& content);

}  // namespace passnet::dialects
