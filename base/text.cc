#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace passnet {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Nearly all that is looked at is ASCII, eight bytes at a time.
size_t AsciiBytes(std::string_view text) {
  size_t count = 0;
  for (uint64_t bytes = 0; count + 8 <= text.size(); count += 8) {
    std::memcpy(&bytes, text.data() + count, 8);
    if ((bytes & 0x8080808080808080) != 0) break;
  }
  return count;
}

}  // namespace

size_t CharacterBytes(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < count) return 0;
  for (size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : count;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    text.remove_prefix(AsciiBytes(text));
    if (text.empty()) return true;
    const size_t count = CharacterBytes(text);
    if (count == 0) return false;
    text.remove_prefix(count);
  }
  return true;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t count = CharacterBytes(text);
    out.append(count == 0 ? kReplacementCharacter : text.substr(0, count));
    text.remove_prefix(std::max<size_t>(count, 1));
  }
  return out;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string OneLine(std::string_view text, size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const size_t count = CharacterBytes(text);
    std::string_view character = count == 0 ? kReplacementCharacter : text.substr(0, count);
    text.remove_prefix(std::max<size_t>(count, 1));
    const auto lead = static_cast<uint8_t>(character[0]);
    if (lead <= 0x20 || lead == 0x7F) {
      if (out.empty() || out.back() == ' ') continue;
      character = " ";
    }
    if (out.size() + character.size() > max_bytes) return out + "…";
    out.append(character);
  }
  return out;
}

}  // namespace passnet
