#include "dialects/tolerant.h"

#include <utility>

#include "base/text.h"

namespace passnet::dialects {

Json ParseTolerant(std::string_view text) {
  auto parsed = ParseJson(text);
  if (!parsed && !IsUtf8(text)) parsed = ParseJson(ReplaceInvalidUtf8(text));
  return parsed ? std::move(parsed).value() : Json();
}

std::string TextOrParts(const Json& value) {
  if (value.is_text()) return value.Text();
  std::string text;
  for (const Json& part : value.Items()) text += TextOrParts(part["text"]);
  return text;
}

std::optional<int64_t> TokensOf(const Json& value) {
  constexpr int64_t kMaxTokens = 1'000'000'000;  // chosen: hundred times the longest context window
  if (value.is_null()) return 0;
  const int64_t count = value.Integer(-1);
  if (count < 0 || count > kMaxTokens) return std::nullopt;
  return count;
}

}  // namespace passnet::dialects
