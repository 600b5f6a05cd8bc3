// JSON as a value, and the only place that parses or writes it: bounded in size and depth, nothing throws, nothing
// recurses on what somebody else wrote. Objects keep the order of their members.
// Threads: a value, thread-compatible; the functions are thread-safe.
// Errors: kInvalidArgument from ParseJson ("not JSON at byte 17", "nested deeper than 100"). Reading a value never
// fails: what is absent or of another type reads as null, empty or the fallback. Whoever must tell what is wrong and
// where reads through base/fields.h.
// Source: RFC 8259; parser and number and string forms are nlohmann/json's, which stays inside json.cc.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace passnet {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() noexcept;  // null
  Json(std::nullptr_t) noexcept;
  Json(bool value) noexcept;
  template <std::signed_integral T>
  Json(T value) noexcept : Json(NumberTag{}, static_cast<int64_t>(value)) {}
  template <std::unsigned_integral T>
  Json(T value) noexcept : Json(NumberTag{}, static_cast<uint64_t>(value)) {}
  Json(double value) noexcept;  // a value that is not finite is written as null
  Json(const char* text);
  Json(std::string_view text);
  Json(std::string text);
  explicit Json(Array items);
  explicit Json(Object members);  // names must differ
  template <typename T>
  Json(const std::vector<T>& values) : Json(Array(values.begin(), values.end())) {}
  template <typename T>
  Json(const std::map<std::string, T>& values);
  // {{"key", value}, …}, where every element is a pair that begins with a text, is an object; anything else an array.
  // One element in braces is an array of one: write Json(value) for a copy.
  Json(std::initializer_list<Json> values);

  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json MakeArray() { return Json(Array()); }
  static Json MakeObject() { return Json(Object()); }

  bool is_null() const;
  bool is_bool() const;
  bool is_integer() const;  // of any sign
  bool is_number() const;   // integers too
  bool is_text() const;
  bool is_array() const;
  bool is_object() const;
  // "null", "true or false", "an integer", "a number", "a text", "a list", "an object": for messages.
  const char* TypeName() const;

  // The value itself, or the fallback when it is of another type or out of the range of the result.
  bool Flag(bool fallback = false) const;
  int64_t Integer(int64_t fallback = 0) const;
  uint64_t Unsigned(uint64_t fallback = 0) const;
  double Number(double fallback = 0) const;
  const std::string& Text() const;  // "" when it is no text
  std::string TextOr(std::string_view fallback) const;

  // Empty when it is no array (no object).
  const Array& Items() const;
  const Object& Members() const;
  // Elements or members; 0 for anything else.
  size_t size() const;
  bool empty() const { return size() == 0; }

  // nullptr when it is no object or has no such member. Linear in the number of members.
  const Json* Find(std::string_view key) const;
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // null when there is no such member or element.
  const Json& operator[](std::string_view key) const;
  const Json& At(size_t index) const;

  // Writing. A null becomes an object (an array) first; any other type is a bug of the caller (CHECK).
  Json& Set(std::string_view key, Json value);  // replaces; returns the member
  Json& Push(Json value);                       // returns the element
  // The member for writing, null when it was not there.
  Json& Member(std::string_view key);

  // One line, or with `indent` spaces a level. Malformed UTF-8 in texts becomes U+FFFD.
  std::string Dump(int indent = -1) const;

  // Numbers compare by value whatever their form; members of objects in any order.
  friend bool operator==(const Json& a, const Json& b);

 private:
  struct NumberTag {};  // tells the constructors below from the implicit ones
  Json(NumberTag, int64_t value) noexcept;
  Json(NumberTag, uint64_t value) noexcept;

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

template <typename T>
Json::Json(const std::map<std::string, T>& values) : value_(Object()) {
  for (const auto& [key, value] : values) std::get<Object>(value_).emplace_back(key, value);
}

// For gtest and logs: one line.
std::ostream& operator<<(std::ostream& out, const Json& json);

// null for a value that is not there; the second form for an empty text.
template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
Json OrNull(std::string_view text);

// What bounds a document of a stranger. A value costs 40 bytes of memory beside its text, a member of an object 72; while
// a list grows, and while an object's repeated names are looked for, up to three times that.
struct JsonLimits {
  size_t max_bytes = 64 << 20;    // chosen: the largest frame and the largest reply are below
  size_t max_depth = 100;         // chosen: ten times what any of our formats needs
  size_t max_values = 2'000'000;  // chosen: at worst 450 MB for a moment, far above a catalogue of graphs
};

// One document and nothing behind it. Of two members of one name the last counts.
Result<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// The same, for a document that must be an object; `what` opens the error ("lane report: not JSON at byte 3").
Result<Json> ParseJsonObject(std::string_view text, std::string_view what, const JsonLimits& limits = {});

}  // namespace passnet
