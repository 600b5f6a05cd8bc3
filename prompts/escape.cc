#include "prompts/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/text.h"

namespace passnet::prompts {
namespace {

void AppendVisible(std::string_view character, std::string* out) {
  auto byte = static_cast<uint8_t>(character[0]);
  if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02X", byte);
    *out += text;
  } else {
    *out += character;
  }
}

std::string QuoteLines(std::string_view text) {
  std::string out = "| ";
  for (size_t i = 0; i < text.size();) {
    size_t count = CharacterBytes(text.substr(i));
    if (count == 0) {
      out += kReplacementCharacter;
      ++i;
      continue;
    }
    if (text[i] == '\n') {
      out += "\n| ";
    } else {
      AppendVisible(text.substr(i, count), &out);
    }
    i += count;
  }
  return out;
}

// A prefix (or suffix) of about `bytes` that ends (or starts) at a line's border where there is one.
std::string_view Head(std::string_view text, size_t bytes) {
  std::string_view head = text.substr(0, bytes);
  size_t line = head.rfind('\n');
  return line == std::string_view::npos ? head : head.substr(0, line);
}

std::string_view Tail(std::string_view text, size_t bytes) {
  std::string_view tail = text.substr(text.size() - bytes);
  size_t line = tail.find('\n');
  return line == std::string_view::npos ? tail : tail.substr(line + 1);
}

}  // namespace

std::string Quoted(std::string_view text, size_t max_bytes) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() <= max_bytes) return QuoteLines(text);
  std::string_view head = Head(text, max_bytes * 2 / 3);
  std::string_view tail = Tail(text, max_bytes / 3);
  size_t left_out = text.size() - head.size() - tail.size();
  return QuoteLines(head) + "\n(" + std::to_string(left_out) + " bytes left out)\n" + QuoteLines(tail);
}

std::string InlineText(std::string_view text, size_t max_bytes) {
  std::string line = OneLine(text, max_bytes);
  std::replace(line.begin(), line.end(), '`', '\'');
  return line;
}

std::string FenceFor(std::string_view text) {
  size_t longest = 0;
  size_t run = 0;
  for (char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max<size_t>(3, longest + 1), '`');
}

}  // namespace passnet::prompts
