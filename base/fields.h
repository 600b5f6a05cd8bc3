// One list of an option struct's fields, visited by whoever reads or writes it: TOML files, JSON bodies, the printed
// configuration. A struct's room writes `void VisitFields(FieldVisitor& fields, X& options)`; defaults are the values
// that the struct has before the visit.
// Threads: thread-compatible.
// Errors: a visitor that reads collects FieldProblems; it never stops at the first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet {

struct FieldProblem {
  std::string key;   // "endpoint.base_url"
  std::string text;  // "out of range 1..100: 0"
  bool operator==(const FieldProblem&) const = default;
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  // Fields up to Leave() belong to this section.
  virtual void Enter(std::string_view section) = 0;
  virtual void Leave() = 0;
  // Ranges are inclusive.
  virtual void Text(std::string_view key, std::string* value) = 0;
  virtual void Texts(std::string_view key, std::vector<std::string>* value) = 0;
  virtual void Flag(std::string_view key, bool* value) = 0;
  virtual void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) = 0;
  virtual void Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) = 0;
  virtual void Number(std::string_view key, double* value, double min, double max) = 0;
  virtual void Number(std::string_view key, std::optional<double>* value, double min, double max) = 0;
  // One of `names`, as its index.
  virtual void Choice(std::string_view key, int* index, const std::vector<std::string>& names) = 0;
};

// An enum whose values count from 0 to `last`.
template <typename E, typename Name>
void VisitEnum(FieldVisitor& fields, std::string_view key, E* value, E last, Name name) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(name(static_cast<E>(i)));
  int index = static_cast<int>(*value);
  fields.Choice(key, &index, names);
  *value = static_cast<E>(index);
}

using VisitFn = std::function<void(FieldVisitor&)>;

// One line of JSON, an object with sections as objects, keys in the order of the visit.
std::string FieldsToJson(const VisitFn& visit);

// Fills the fields that `json` has. Problems: unknown keys, wrong types, values out of range, all of them. Not a JSON
// object: one problem with an empty key.
std::vector<FieldProblem> FieldsFromJson(std::string_view json, const VisitFn& visit);

// "key: text; key: text".
std::string ToString(const std::vector<FieldProblem>& problems);

}  // namespace passnet
