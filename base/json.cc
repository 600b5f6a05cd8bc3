#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"

namespace passnet {
namespace {

constexpr size_t kFewMembers = 16;  // below, comparing each with each is cheaper than a table

bool IsPair(const Json& value) { return value.is_array() && value.size() == 2 && value.At(0).is_text(); }

// Of two members of one name the last value counts, at the place of the first.
void DropRepeated(Json::Object* members) {
  Json::Object kept;
  kept.reserve(members->size());
  std::unordered_map<std::string, size_t> places;
  for (auto& member : *members) {
    auto [place, fresh] = places.emplace(member.first, kept.size());
    if (fresh) {
      kept.push_back(std::move(member));
    } else {
      kept[place->second].second = std::move(member.second);
    }
  }
  *members = std::move(kept);
}

bool HasRepeated(const Json::Object& members) {
  if (members.size() > kFewMembers) return true;  // not known: the table tells
  for (size_t i = 0; i < members.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (members[i].first == members[k].first) return true;
    }
  }
  return false;
}

// Builds a Json from the parser's events, with a stack of its own and the limits' refusals.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  bool null() override { return Add(Json()); }
  bool boolean(bool value) override { return Add(Json(value)); }
  bool number_integer(number_integer_t value) override { return Add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return Add(Json(value)); }
  bool string(string_t& value) override { return Add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(false); }
  bool start_array(size_t) override { return Open(true); }
  bool key(string_t& value) override {
    stack_.back().members.emplace_back(std::move(value), Json());
    return true;
  }
  bool end_object() override {
    Json::Object members = std::move(stack_.back().members);
    stack_.pop_back();
    if (HasRepeated(members)) DropRepeated(&members);
    return Put(Json(std::move(members)));
  }
  bool end_array() override {
    Json::Array items = std::move(stack_.back().items);
    stack_.pop_back();
    return Put(Json(std::move(items)));
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    if (!problem_.empty()) return false;
    problem_ = "not JSON at byte " + std::to_string(position);
    const std::string_view before = text_.substr(0, position > 0 ? position - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    if (line > 1) problem_ += ", line " + std::to_string(line);  // a file that people wrote
    return false;
  }

  const std::string& problem() const { return problem_; }
  Json Take() { return std::move(root_); }

 private:
  struct Level {
    bool array = false;
    Json::Array items;
    Json::Object members;
  };

  bool Refuse(const char* what, size_t limit) {
    problem_ = what + std::to_string(limit);
    return false;
  }
  bool Count() {
    return ++values_ <= limits_.max_values || Refuse("more values than ", limits_.max_values);
  }
  bool Open(bool array) {
    if (!Count()) return false;
    if (stack_.size() >= limits_.max_depth) return Refuse("nested deeper than ", limits_.max_depth);
    stack_.push_back({array, {}, {}});
    return true;
  }
  bool Add(Json value) { return Count() && Put(std::move(value)); }
  bool Put(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().array) {
      stack_.back().items.push_back(std::move(value));
    } else {
      stack_.back().members.back().second = std::move(value);
    }
    return true;
  }

  const std::string_view text_;
  const JsonLimits limits_;
  std::vector<Level> stack_;
  Json root_;
  size_t values_ = 0;
  std::string problem_;
};

constexpr uint64_t kEachByte = 0x0101010101010101;

// Whether one of the eight is zero.
constexpr bool HasZero(uint64_t bytes) { return ((bytes - kEachByte) & ~bytes & (kEachByte << 7)) != 0; }

// The first byte at or behind `from` that does not stand in a JSON text as it is, or the end: eight bytes at a time,
// since a prompt is written into every request of its conversation.
size_t EndOfPlain(std::string_view text, size_t from) {
  for (; from + 8 <= text.size(); from += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + from, 8);
    const bool control = ((bytes - kEachByte * 0x20) & ~bytes & (kEachByte << 7)) != 0;  // a byte below 0x20
    if (control || HasZero(bytes ^ kEachByte * '"') || HasZero(bytes ^ kEachByte * '\\')) break;
  }
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; };
  while (from < text.size() && is_plain(text[from])) ++from;
  return from;
}

// As nlohmann/json writes it.
void AppendEscape(char c, std::string* out) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  out->push_back('\\');
  if (const size_t at = kShort.find(c); at != std::string_view::npos) {
    out->push_back(kLetters[at]);
    return;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out->append("u00").append(1, kDigits[static_cast<unsigned char>(c) >> 4]).append(1, kDigits[c & 15]);
}

void AppendText(std::string_view text, std::string* out) {
  if (!IsUtf8(text)) {
    *out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out->push_back('"');
  for (size_t from = 0; from < text.size();) {
    const size_t end = EndOfPlain(text, from);
    out->append(text.substr(from, end - from));
    if (end < text.size()) AppendEscape(text[end], out);
    from = end + 1;
  }
  out->push_back('"');
}

void AppendDouble(double value, std::string* out) {
  *out += std::isfinite(value) ? nlohmann::json(value).dump() : "null";
}

// One open array or object of a document being written.
struct Open {
  const Json* value;
  size_t next = 0;
};

void NewLine(int indent, size_t depth, std::string* out) {
  if (indent < 0) return;
  out->append(1, '\n').append(static_cast<size_t>(indent) * depth, ' ');
}

const Json& NullJson() {
  static const Json null;
  return null;
}

}  // namespace

Json::Json() noexcept = default;
Json::Json(std::nullptr_t) noexcept {}
Json::Json(bool value) noexcept : value_(value) {}
Json::Json(NumberTag, int64_t value) noexcept : value_(value) {}
Json::Json(NumberTag, uint64_t value) noexcept : value_(value) {}
Json::Json(double value) noexcept : value_(value) {}
Json::Json(const char* text) : value_(std::string(text)) {}
Json::Json(std::string_view text) : value_(std::string(text)) {}
Json::Json(std::string text) : value_(std::move(text)) {}
Json::Json(Array items) : value_(std::move(items)) {}
Json::Json(Object members) : value_(std::move(members)) {}
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Json::Json(std::initializer_list<Json> values) {
  if (!std::all_of(values.begin(), values.end(), IsPair)) {
    value_ = Array(values);
    return;
  }
  Object members;
  members.reserve(values.size());
  for (const Json& pair : values) members.emplace_back(pair.At(0).Text(), pair.At(1));
  value_ = std::move(members);
}

bool Json::is_null() const { return std::holds_alternative<std::monostate>(value_); }
bool Json::is_bool() const { return std::holds_alternative<bool>(value_); }
bool Json::is_integer() const {
  return std::holds_alternative<int64_t>(value_) || std::holds_alternative<uint64_t>(value_);
}
bool Json::is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
bool Json::is_text() const { return std::holds_alternative<std::string>(value_); }
bool Json::is_array() const { return std::holds_alternative<Array>(value_); }
bool Json::is_object() const { return std::holds_alternative<Object>(value_); }

const char* Json::TypeName() const {
  if (is_null()) return "null";
  if (is_bool()) return "true or false";
  if (is_integer()) return "an integer";
  if (is_number()) return "a number";
  if (is_text()) return "a text";
  return is_array() ? "a list" : "an object";
}

bool Json::Flag(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value == nullptr ? fallback : *value;
}

int64_t Json::Integer(int64_t fallback) const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  const uint64_t* value = std::get_if<uint64_t>(&value_);
  return value != nullptr && std::in_range<int64_t>(*value) ? static_cast<int64_t>(*value) : fallback;
}

uint64_t Json::Unsigned(uint64_t fallback) const {
  if (const uint64_t* value = std::get_if<uint64_t>(&value_)) return *value;
  const int64_t* value = std::get_if<int64_t>(&value_);
  return value != nullptr && *value >= 0 ? static_cast<uint64_t>(*value) : fallback;
}

double Json::Number(double fallback) const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const uint64_t* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return fallback;
}

const std::string& Json::Text() const {
  static const std::string none;
  const std::string* text = std::get_if<std::string>(&value_);
  return text == nullptr ? none : *text;
}

std::string Json::TextOr(std::string_view fallback) const { return is_text() ? Text() : std::string(fallback); }

const Json::Array& Json::Items() const {
  static const Array none;
  const Array* items = std::get_if<Array>(&value_);
  return items == nullptr ? none : *items;
}

const Json::Object& Json::Members() const {
  static const Object none;
  const Object* members = std::get_if<Object>(&value_);
  return members == nullptr ? none : *members;
}

size_t Json::size() const { return is_array() ? Items().size() : Members().size(); }

const Json* Json::Find(std::string_view key) const {
  for (const auto& member : Members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  const Json* found = Find(key);
  return found == nullptr ? NullJson() : *found;
}

const Json& Json::At(size_t index) const { return index < Items().size() ? Items()[index] : NullJson(); }

Json& Json::Member(std::string_view key) {
  if (is_null()) value_ = Object();
  CHECK(is_object());
  auto& members = std::get<Object>(value_);
  for (auto& member : members) {
    if (member.first == key) return member.second;
  }
  return members.emplace_back(key, Json()).second;
}

Json& Json::Set(std::string_view key, Json value) {
  Json& member = Member(key);
  member = std::move(value);
  return member;
}

Json& Json::Push(Json value) {
  if (is_null()) value_ = Array();
  CHECK(is_array());
  return std::get<Array>(value_).emplace_back(std::move(value));
}

std::string Json::Dump(int indent) const {
  std::string out;
  std::vector<Open> open;
  const auto write = [&](const Json& value) {
    if (value.is_text()) {
      AppendText(value.Text(), &out);
    } else if (value.is_null()) {
      out += "null";
    } else if (const bool* flag = std::get_if<bool>(&value.value_)) {
      out += *flag ? "true" : "false";
    } else if (const int64_t* number = std::get_if<int64_t>(&value.value_)) {
      out += std::to_string(*number);
    } else if (const uint64_t* count = std::get_if<uint64_t>(&value.value_)) {
      out += std::to_string(*count);
    } else if (value.is_number()) {
      AppendDouble(value.Number(), &out);
    } else if (value.empty()) {
      out += value.is_array() ? "[]" : "{}";
    } else {
      out += value.is_array() ? '[' : '{';
      open.push_back({&value});
    }
  };
  write(*this);
  while (!open.empty()) {
    const size_t level = open.size() - 1;
    const Json& value = *open[level].value;
    const size_t index = open[level].next++;
    if (index == value.size()) {
      open.pop_back();
      NewLine(indent, level, &out);
      out += value.is_array() ? ']' : '}';
      continue;
    }
    if (index > 0) out += ',';
    NewLine(indent, level + 1, &out);
    if (value.is_array()) {
      write(value.Items()[index]);
    } else {
      const auto& [key, member] = value.Members()[index];
      AppendText(key, &out);
      out += indent < 0 ? ":" : ": ";
      write(member);
    }
  }
  return out;
}

bool operator==(const Json& a, const Json& b) {
  if (a.is_integer() && b.is_integer()) {
    const auto negative = [](const Json& value) { return value.Integer() < 0; };
    return negative(a) == negative(b) && (negative(a) ? a.Integer() == b.Integer() : a.Unsigned() == b.Unsigned());
  }
  if (a.is_number() && b.is_number()) return a.Number() == b.Number();
  if (!a.is_object() || !b.is_object()) return a.value_ == b.value_;
  return a.size() == b.size() && std::all_of(a.Members().begin(), a.Members().end(), [&](const auto& member) {
           const Json* other = b.Find(member.first);
           return other != nullptr && member.second == *other;
         });
}

std::ostream& operator<<(std::ostream& out, const Json& json) { return out << json.Dump(); }

Json OrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

Result<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return InvalidArgument("JSON of " + std::to_string(text.size()) + " bytes, the limit is " +
                           std::to_string(limits.max_bytes));
  }
  Builder builder(text, limits);
  if (!nlohmann::json::sax_parse(text, &builder)) return InvalidArgument(builder.problem());
  return builder.Take();
}

Result<Json> ParseJsonObject(std::string_view text, std::string_view what, const JsonLimits& limits) {
  auto json = ParseJson(text, limits);
  if (!json) return json.error().Prefixed(what);
  if (!json.value().is_object()) {
    return InvalidArgument(std::string(what) + ": expected an object, found " + json.value().TypeName());
  }
  return json;
}

}  // namespace passnet
