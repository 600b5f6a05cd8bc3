// Makes text that a model, a candidate or a task folder wrote safe to stand in a prompt: it can neither close a code
// fence nor look like a heading or a file marker of ours, and it is bounded.
// Threads: pure functions. Errors: none: every byte string has a form.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace passnet::prompts {

// Every line with "| " in front, so that no line of it begins with a fence, a heading or a file marker. Malformed UTF-8
// becomes U+FFFD, control characters but the tab become \xNN. Longer text keeps its first two thirds and its last third
// of `max_bytes`, with a line between them that tells how many bytes are left out. Ends without a line end.
std::string Quoted(std::string_view text, size_t max_bytes);

// base/text.h's OneLine for a place between backticks: those of the text become apostrophes.
std::string InlineText(std::string_view text, size_t max_bytes);

// A code fence longer than every run of backticks in `text`, at least three (CommonMark 0.31, section 4.5).
std::string FenceFor(std::string_view text);

}  // namespace passnet::prompts
