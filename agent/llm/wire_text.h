// Text that a stranger's server wrote, made safe to parse and to show.
// Threads: thread-safe, pure. Errors: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace passnet::agent {

// The same text with every malformed UTF-8 sequence as U+FFFD (Unicode 15, table 3-7).
std::string ReplaceInvalidUtf8(std::string_view text);

// One line of at most `max_bytes` for error texts: control characters as spaces, runs of spaces as one.
std::string OneLine(std::string_view text, size_t max_bytes = 300);

}  // namespace passnet::agent
