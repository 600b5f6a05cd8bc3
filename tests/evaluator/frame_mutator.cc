#include "tests/evaluator/frame_mutator.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

namespace passnet::fakes {
namespace {

Json Nested(size_t depth, bool objects) {
  Json value = 1;
  for (size_t i = 0; i < depth; ++i) value = objects ? Json{{"a", std::move(value)}} : Json(Json::Array{std::move(value)});
  return value;
}

const std::vector<std::string>& Literals() {
  static const std::vector<std::string> all = {
      "1e400", "-1e400", "1e-400", "-0", "0.1", "99999999999999999999999999", "-9223372036854775809",
      "18446744073709551615", "9007199254740993", "NaN", "Infinity", "0x10", "01", "1.", "+1", "true", "null", "\"\"", "[]", "{}"};
  return all;
}

const std::vector<std::string>& Pieces() {
  static const std::vector<std::string> all = {
      std::string(1, '\0'), "\xff", "\xc3", "\xed\xa0\x80", "\\ud800", "\\u0000", "\\", "\"", "{", "}", "[", "]", ",", ":",
      "\xef\xbb\xbf", "\n", "//", "{\"error\":", "\"error\":\"x\",", "[[[[[[[[", "]]]]]]]]", "\xf4\x90\x80\x80"};
  return all;
}

}  // namespace

// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t FrameMutator::Next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

size_t FrameMutator::Below(size_t count) { return static_cast<size_t>(Next() % count); }

Json FrameMutator::OddValue() {
  const size_t many = OneIn(32) ? 2000 : 50;
  switch (Below(16)) {
    case 0: return {};
    case 1: return OneIn(2);
    case 2: return -1;
    case 3: return std::numeric_limits<int64_t>::min();
    case 4: return std::numeric_limits<uint64_t>::max();
    case 5: return 1e308;
    case 6: return 0.5;
    case 7: return "";
    case 8: return std::string(Below(8 * many), OneIn(2) ? 'n' : '"');
    case 9: return "\x01\x7f\xc2\x9b[31m\u202e";
    case 10: return Json::MakeArray();
    case 11: return Json::MakeObject();
    case 12: return Nested(Below(200), OneIn(2));
    case 13: return Json(Json::Array(Below(many), Json::MakeObject()));
    case 14: return Json(Json::Array(Below(many), Json(5)));
    default: return std::numeric_limits<int32_t>::max();
  }
}

Json FrameMutator::ChangedList(const Json& list) {
  std::vector<Json> items = list.Items();
  const size_t at = Below(items.size());
  if (OneIn(4)) {
    const Json repeated = items[at];
    items.insert(items.end(), Below(OneIn(8) ? 200 : 8), repeated);
  } else if (OneIn(3)) {
    Shuffle(&items);
  } else {
    items[at] = Changed(items[at]);
  }
  return Json(Json::Array(std::move(items)));
}

Json FrameMutator::ChangedObject(const Json& object) {
  Json::Object members = object.Members();
  const size_t at = Below(members.size());
  switch (Below(8)) {
    case 0: members.erase(members.begin() + static_cast<long>(at)); break;
    case 1: members[at].first += "x"; break;
    case 2: members.emplace_back("stranger", OddValue()); break;
    case 3: {
      const size_t many = Below(OneIn(8) ? 200 : 8);
      for (size_t i = 0; i < many; ++i) members.emplace_back("k" + std::to_string(i), Json(5));
      break;
    }
    default: members[at].second = Changed(members[at].second); break;
  }
  Json changed = Json::MakeObject();
  for (auto& [key, value] : members) changed.Set(key, std::move(value));
  return changed;
}

Json FrameMutator::Changed(const Json& value) {
  if (!value.empty() && value.is_array() && !OneIn(5)) return ChangedList(value);
  if (!value.empty() && value.is_object() && !OneIn(5)) return ChangedObject(value);
  return OddValue();
}

std::string FrameMutator::Values(const std::string& text) {
  auto value = ParseJson(text);
  return value ? Changed(value.value()).Dump() : text;
}

// Another literal in the place of a number, which no writer of ours could write.
std::string FrameMutator::Numbers(std::string text) {
  const std::string& literal = Literals()[Below(Literals().size())];
  const size_t start = text.empty() ? 0 : Below(text.size());
  size_t at = text.find_first_of("0123456789", start);
  if (at == std::string::npos) at = text.find_first_of("0123456789tfn");
  if (at == std::string::npos) return text + literal;
  size_t end = at;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '.')) ++end;
  return text.replace(at, end - at, literal);
}

// A member of the same name before the first one of some object: of two, the last counts.
std::string FrameMutator::Names(std::string text) {
  const size_t start = text.empty() ? 0 : Below(text.size());
  size_t at = text.find("{\"", start);
  if (at == std::string::npos) at = text.find("{\"");
  if (at == std::string::npos) return text;
  const size_t end = text.find("\":", at);
  if (end == std::string::npos) return text;
  const std::string key = text.substr(at + 1, end - at);
  std::string twins;
  for (size_t i = Below(4) + 1; i > 0; --i) twins += key + ":" + OddValue().Dump() + ",";
  return text.insert(at + 1, twins);
}

std::string FrameMutator::Bytes(std::string text, const std::vector<std::string>& others) {
  const size_t at = Below(text.size() + 1);
  const size_t length = Below(std::min<size_t>(text.size() - at, 64) + 1);
  switch (Below(7)) {
    case 0: if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << Below(8))); break;
    case 1: if (at < text.size()) text[at] = static_cast<char>(Below(256)); break;
    case 2: text.erase(at, length); break;
    case 3: text.insert(at, text.substr(at, length)); break;
    case 4: text.resize(at); break;
    case 5: text.insert(at, Pieces()[Below(Pieces().size())]); break;
    default: {
      const std::string& other = others[Below(others.size())];
      const size_t from = Below(other.size() + 1);
      text.insert(at, other.substr(from, Below(other.size() - from + 1)));
      break;
    }
  }
  return text;
}

std::string FrameMutator::Text(std::string text, const std::vector<std::string>& others) {
  for (size_t changes = Below(3) + 1; changes > 0; --changes) {
    switch (Below(8)) {
      case 0: text = Numbers(std::move(text)); break;
      case 1: text = Names(std::move(text)); break;
      case 2:
      case 3: text = Bytes(std::move(text), others); break;
      default: text = Values(text); break;
    }
  }
  if (text.size() > kMaxBytes) text.resize(kMaxBytes);
  return text;
}

std::string FrameMutator::Framed(const std::string& text) {
  auto size = static_cast<uint32_t>(text.size());
  if (OneIn(8)) size += static_cast<uint32_t>(Below(9)) - 4;
  if (OneIn(64)) size = static_cast<uint32_t>(Next());
  std::string bytes;
  for (int shift : {0, 8, 16, 24}) bytes += static_cast<char>(size >> shift);
  return bytes + text;
}

}  // namespace passnet::fakes
