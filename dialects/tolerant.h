// Reading what servers write instead of what their documents say: halves of characters, texts as lists of parts, numbers
// of tokens that cannot be.
// Threads: pure functions. Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace passnet::dialects {

// null when the text is not JSON. Bytes that are no characters become U+FFFD: servers split characters between tokens and
// pass the halves on.
Json ParseTolerant(std::string_view text);

// A text, or the texts of a list of parts.
std::string TextOrParts(const Json& value);

// A number of tokens, absent as 0. Nothing when it cannot be one: settled with, it would be free, or eat the budget up.
std::optional<int64_t> TokensOf(const Json& value);

}  // namespace passnet::dialects
