#include "prompts/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace passnet::prompts {
namespace {

// Bytes of the well-formed UTF-8 character at the front (Unicode 15, table 3-7); 0 when there is none.
size_t CharacterBytes(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < count) return 0;
  for (size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return count;
}

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
      out += "\xEF\xBF\xBD";
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

std::string OneLine(std::string_view text, size_t max_bytes) {
  std::string out;
  for (size_t i = 0; i < text.size() && out.size() < max_bytes;) {
    size_t count = CharacterBytes(text.substr(i));
    std::string_view character = count == 0 ? "\xEF\xBF\xBD" : text.substr(i, count);
    if (count == 1 && (static_cast<uint8_t>(text[i]) < 0x20 || text[i] == 0x7F)) character = " ";
    if (character == "`") character = "'";
    if (out.size() + character.size() > max_bytes) break;
    out += character;
    i += std::max<size_t>(count, 1);
  }
  return out;
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
