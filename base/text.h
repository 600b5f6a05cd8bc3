// What every room does with text that somebody else wrote: UTF-8, trimming, one bounded line for a message.
// Threads: pure functions. Errors: none: every byte string has a form.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace passnet {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the well-formed UTF-8 character at the front of `text` (not empty), 0 when there is none.
// Source: Unicode 15, table 3-7 (RFC 3629 without surrogates and overlong forms).
size_t CharacterBytes(std::string_view text);

bool IsUtf8(std::string_view text);

// The same text with U+FFFD for every byte that belongs to no well-formed character.
std::string ReplaceInvalidUtf8(std::string_view text);

// Without blanks, tabs and line ends at both sides.
std::string_view Trimmed(std::string_view text);

// One line for an error or a log: runs of blanks and control characters become one space, malformed UTF-8 U+FFFD; what
// is longer than `max_bytes` is cut at a character and ends with "…".
std::string OneLine(std::string_view text, size_t max_bytes = 300);

}  // namespace passnet
