// One list of a struct's fields, visited by whoever reads or writes it: TOML files, HTTP bodies, frames, stored
// payloads, the printed configuration. A struct's room writes `void VisitFields(FieldVisitor& fields, X& value)`, each
// field once; defaults are the values that the struct has before the visit. Without a struct, FieldReader is a set of
// typed getters:
//   FieldReader fields(json, UnknownKeys::kIgnored);
//   fields.Integer("errno", &err, 0, 4096);
//   RETURN_IF_ERROR(fields.Check("worker's answer"));
// Threads: thread-compatible.
// Errors: a visitor that reads collects FieldProblems, each with the path of what is wrong; it never stops at the
// first, and what has a problem keeps its value.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
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
  // The field must be there: said before the field itself.
  virtual void Required(std::string_view key) = 0;
  // Ranges are inclusive. null reads as absent; what is not set is written as null.
  virtual void Text(std::string_view key, std::string* value) = 0;
  virtual void Texts(std::string_view key, std::vector<std::string>* value) = 0;
  virtual void Flag(std::string_view key, bool* value) = 0;
  virtual void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) = 0;
  virtual void Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) = 0;
  virtual void Integers(std::string_view key, std::vector<int64_t>* value, int64_t min, int64_t max) = 0;
  virtual void Number(std::string_view key, double* value, double min, double max) = 0;
  virtual void Number(std::string_view key, std::optional<double>* value, double min, double max) = 0;
  // One of `names`, as its index.
  virtual void Choice(std::string_view key, int* index, const std::vector<std::string>& names) = 0;
  // Objects whose keys are data.
  virtual void TextMap(std::string_view key, std::map<std::string, std::string>* value) = 0;
  virtual void NumberMap(std::string_view key, std::map<std::string, double>* value) = 0;
  // Any JSON, kept as it is.
  virtual void Any(std::string_view key, Json* value) = 0;
  // A list of objects: `resize` is told how many there are (by a reader), then `item` visits the fields of each.
  virtual void List(std::string_view key, size_t size, const std::function<void(size_t)>& resize,
                    const std::function<void(size_t)>& item) = 0;
  // An object of objects whose keys are data: `resize` is told the keys (by a reader), in their order; `names` are those
  // that a writer writes.
  virtual void Sections(std::string_view key, const std::vector<std::string>& names,
                        const std::function<void(const std::vector<std::string>&)>& resize,
                        const std::function<void(size_t)>& item) = 0;
};

inline constexpr double kAnyNumber = std::numeric_limits<double>::max();  // as a range: -kAnyNumber, kAnyNumber

// An enum whose values count from 0 to `last`.
template <typename E, typename Name>
void VisitEnum(FieldVisitor& fields, std::string_view key, E* value, E last, Name name) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(name(static_cast<E>(i)));
  int index = static_cast<int>(*value);
  fields.Choice(key, &index, names);
  *value = static_cast<E>(index);
}

// An integer of another width, or a duration as its count.
template <std::integral T>
void VisitInteger(FieldVisitor& fields, std::string_view key, T* value, int64_t min, int64_t max) {
  auto wide = static_cast<int64_t>(*value);
  fields.Integer(key, &wide, min, max);
  *value = static_cast<T>(wide);
}
template <typename Rep, typename Period>
void VisitInteger(FieldVisitor& fields, std::string_view key, std::chrono::duration<Rep, Period>* value, int64_t min,
                  int64_t max) {
  auto count = static_cast<int64_t>(value->count());
  fields.Integer(key, &count, min, max);
  *value = std::chrono::duration<Rep, Period>(count);
}

// A list of structs: `visit(fields, element)` lists one element's fields.
template <typename T, typename Visit>
void VisitList(FieldVisitor& fields, std::string_view key, std::vector<T>* values, Visit visit) {
  fields.List(
      key, values->size(), [&](size_t size) { *values = std::vector<T>(size); },
      [&](size_t i) { visit(fields, (*values)[i]); });
}

// Checks the document's "schema" when reading, writes it when writing; stored formats open with it.
void VisitSchema(FieldVisitor& fields, std::string_view schema);

using VisitFn = std::function<void(FieldVisitor&)>;

enum class UnknownKeys { kProblem, kIgnored };  // kIgnored: for what a newer program may have written

// Reads from `root`, which it borrows.
class FieldReader : public FieldVisitor {
 public:
  explicit FieldReader(const Json& root, UnknownKeys unknown = UnknownKeys::kProblem);
  ~FieldReader() override;

  void Enter(std::string_view section) override;
  void Leave() override;
  void Required(std::string_view key) override;
  void Text(std::string_view key, std::string* value) override;
  void Texts(std::string_view key, std::vector<std::string>* value) override;
  void Flag(std::string_view key, bool* value) override;
  void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) override;
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) override;
  void Integers(std::string_view key, std::vector<int64_t>* value, int64_t min, int64_t max) override;
  void Number(std::string_view key, double* value, double min, double max) override;
  void Number(std::string_view key, std::optional<double>* value, double min, double max) override;
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override;
  void TextMap(std::string_view key, std::map<std::string, std::string>* value) override;
  void NumberMap(std::string_view key, std::map<std::string, double>* value) override;
  void Any(std::string_view key, Json* value) override;
  void List(std::string_view key, size_t size, const std::function<void(size_t)>& resize,
            const std::function<void(size_t)>& item) override;
  void Sections(std::string_view key, const std::vector<std::string>& names,
                const std::function<void(const std::vector<std::string>&)>& resize,
                const std::function<void(size_t)>& item) override;

  // A problem that the caller found itself, with `key` in the section that is open.
  void Complain(std::string_view key, std::string text);

  // Ends the reading: the problems of what was visited, in its order, a thousand of them at most.
  const std::vector<FieldProblem>& Finish();
  // The same as an Error, kInvalidArgument with the first three: "WHAT: key: text; key: text".
  Status Check(std::string_view what);

 private:
  struct Section;
  std::string Path(std::string_view key) const;
  const Json* Take(std::string_view key);
  const Json* Typed(std::string_view key, bool (Json::*is)() const, const char* what);
  void Open(std::string path, const Json* object);
  void Close();
  const UnknownKeys unknown_;
  std::vector<Section> stack_;
  std::vector<FieldProblem> problems_;
  size_t seen_ = 0;  // of problems: the first thousand are kept
};

// Everything `visit` lists, read from `json` (which must be an object), every problem collected.
std::vector<FieldProblem> ReadFields(const Json& json, const VisitFn& visit,
                                     UnknownKeys unknown = UnknownKeys::kProblem);
// The same from text. Not JSON, or no object: one problem with an empty key.
std::vector<FieldProblem> FieldsFromJson(std::string_view json, const VisitFn& visit,
                                         UnknownKeys unknown = UnknownKeys::kProblem);

// An object with sections as objects, keys in the order of the visit.
Json WriteFields(const VisitFn& visit);
std::string FieldsToJson(const VisitFn& visit);  // the same as one line

// "key: text; key: text".
std::string ToString(const std::vector<FieldProblem>& problems);

}  // namespace passnet
