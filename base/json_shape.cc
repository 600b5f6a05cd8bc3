#include "base/json_shape.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace passnet {
namespace {

constexpr std::string_view kDigits = "0123456789";

// Bytes that end a run of plain ones inside a text: the quote, the backslash and what may not stand there.
constexpr std::array<bool, 256> kStops = [] {
  std::array<bool, 256> stops{};
  for (size_t c = 0; c < 0x20; ++c) stops[c] = true;
  for (char c : {'"', '\\'}) stops[static_cast<size_t>(c)] = true;
  return stops;
}();

// Where the text whose first byte stands at `at` ends; npos when it does not.
size_t EndOfText(std::string_view json, size_t at) {
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return at < json.size() ? at : std::string_view::npos;
}

// The character for the one behind a backslash; '\0' when there is none of one byte.
char Unescaped(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// A text's bytes up to its closing quote, appended to `out`; npos, and perhaps a part of it, when it cannot be read so.
size_t TakeText(std::string_view json, size_t at, std::string* out) {
  for (;;) {
    const size_t begin = at;
    unsigned char seen = 0;
    for (; at < json.size(); ++at) {
      const auto byte = static_cast<unsigned char>(json[at]);
      if (kStops[byte]) break;
      seen |= byte;
    }
    if (at == json.size()) return std::string_view::npos;
    const std::string_view plain = json.substr(begin, at - begin);
    if (seen >= 0x80 && !IsUtf8(plain)) return std::string_view::npos;
    out->append(plain);
    if (json[at] == '"') return at;
    const char c = json[at] == '\\' && at + 1 < json.size() ? Unescaped(json[at + 1]) : '\0';
    if (c == '\0') return std::string_view::npos;
    out->push_back(c);
    at += 2;
  }
}

// Where an integer as JSON writes it ends, `at` when there is none. Short enough to be one of 64 bits.
size_t EndOfInteger(std::string_view json, size_t at) {
  constexpr size_t kMostDigits = 18;
  const size_t begin = at + (at < json.size() && json[at] == '-' ? 1 : 0);
  const size_t end = std::min(json.find_first_not_of(kDigits, begin), json.size());
  const size_t digits = end - begin;
  const bool leading_zero = digits > 1 && json[begin] == '0';
  const bool fraction = end < json.size() && (json[end] == '.' || json[end] == 'e' || json[end] == 'E');
  return digits == 0 || digits > kMostDigits || leading_zero || fraction ? at : end;
}

size_t SkipBlanks(std::string_view json, size_t at) {
  return std::min(json.find_first_not_of(" \t\r\n", at), json.size());
}

}  // namespace

std::optional<JsonShape> JsonShape::Of(std::string_view example, std::string_view taken,
                                       const std::vector<std::string_view>& ignored) {
  JsonShape shape;
  size_t from = 0;
  int found = 0;
  for (size_t at = example.find('"'); at != std::string_view::npos; at = example.find('"', at)) {
    const size_t end = EndOfText(example, at + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = example.substr(at + 1, end - at - 1);
    const size_t colon = SkipBlanks(example, end + 1);
    at = end + 1;
    if (colon == example.size() || example[colon] != ':') continue;  // a value
    if (name.find('\\') != std::string_view::npos) return std::nullopt;  // it may be any of the names
    const bool is_taken = name == taken;
    if (!is_taken && std::find(ignored.begin(), ignored.end(), name) == ignored.end()) continue;
    const size_t value = SkipBlanks(example, colon + 1);
    const bool text = value < example.size() && example[value] == '"';
    const size_t value_end = text ? EndOfText(example, value + 1) : EndOfInteger(example, value);
    if (is_taken && (!text || ++found > 1)) return std::nullopt;
    if (value_end == std::string_view::npos || value_end == value) continue;
    const size_t hole = text ? value + 1 : value;
    shape.pieces_.push_back({std::string(example.substr(from, hole - from)),
                             is_taken ? Hole::kTaken : (text ? Hole::kText : Hole::kInteger)});
    from = value_end;
    at = text ? value_end + 1 : value_end;
  }
  if (found != 1) return std::nullopt;
  shape.tail_ = example.substr(from);
  return shape;
}

bool JsonShape::Match(std::string_view text, std::string* out) const {
  const size_t before = out->size();
  std::string skipped;
  size_t at = 0;
  bool fits = true;
  for (const Piece& piece : pieces_) {
    fits = text.substr(std::min(at, text.size())).starts_with(piece.before);
    if (!fits) break;
    at += piece.before.size();
    const size_t end = piece.hole == Hole::kInteger ? EndOfInteger(text, at)
                                                    : TakeText(text, at, piece.hole == Hole::kTaken ? out : &skipped);
    fits = end != std::string_view::npos && (piece.hole != Hole::kInteger || end != at);
    if (!fits) break;
    at = end;
  }
  if (fits && text.substr(at) == tail_) return true;
  out->resize(before);
  return false;
}

}  // namespace passnet
