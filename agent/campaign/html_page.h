// What a self-contained HTML page is put together from. Text that came from a model, a task or an endpoint goes through
// EscapeHtml; the page allows no script at all and loads nothing from elsewhere.
// Threads: pure functions. Errors: none.
// Source: HTML Living Standard, sections 13.1 and 13.3 (which characters must be escaped where).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace passnet::agent {

// For text and for attributes in quotes. Control characters but line end and tab, and malformed UTF-8, become U+FFFD.
std::string EscapeHtml(std::string_view text);

// A whole document around `body`, which is markup.
std::string HtmlDocument(std::string_view title, std::string_view body);

// A table of texts; a column whose cells all begin with a digit, a sign or "-" stands to the right.
std::string HtmlTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace passnet::agent
