#include "base/fields.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace passnet {
namespace {

constexpr size_t kToldProblems = 3;     // of one error: more would bury the first
constexpr size_t kKeptProblems = 1000;  // chosen: more than any file of settings has; a stranger's list may have millions
constexpr size_t kMaxShownBytes = 120;  // of a stranger's key or value in a message

class Writer : public FieldVisitor {
 public:
  void Enter(std::string_view section) override { stack_.push_back(&stack_.back()->Set(section, Json::MakeObject())); }
  void Leave() override { stack_.pop_back(); }
  void Required(std::string_view) override {}
  void Text(std::string_view key, std::string* value) override { Put(key, *value); }
  void Texts(std::string_view key, std::vector<std::string>* value) override { Put(key, *value); }
  void Flag(std::string_view key, bool* value) override { Put(key, *value); }
  void Integer(std::string_view key, int64_t* value, int64_t, int64_t) override { Put(key, *value); }
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t, int64_t) override {
    Put(key, OrNull(*value));
  }
  void Integers(std::string_view key, std::vector<int64_t>* value, int64_t, int64_t) override { Put(key, *value); }
  void Number(std::string_view key, double* value, double, double) override { Put(key, *value); }
  void Number(std::string_view key, std::optional<double>* value, double, double) override { Put(key, OrNull(*value)); }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    Put(key, names[static_cast<size_t>(*index)]);
  }
  void TextMap(std::string_view key, std::map<std::string, std::string>* value) override { Put(key, *value); }
  void NumberMap(std::string_view key, std::map<std::string, double>* value) override { Put(key, *value); }
  void Any(std::string_view key, Json* value) override { Put(key, *value); }
  void List(std::string_view key, size_t size, const std::function<void(size_t)>&,
            const std::function<void(size_t)>& item) override {
    Json::Array items;
    for (size_t i = 0; i < size; ++i) {
      Json element = Json::MakeObject();
      stack_.push_back(&element);
      item(i);
      stack_.pop_back();
      items.push_back(std::move(element));
    }
    Put(key, Json(std::move(items)));
  }
  void Sections(std::string_view key, const std::vector<std::string>& names,
                const std::function<void(const std::vector<std::string>&)>&,
                const std::function<void(size_t)>& item) override {
    Enter(key);
    for (size_t i = 0; i < names.size(); ++i) {
      Enter(names[i]);
      item(i);
      Leave();
    }
    Leave();
  }
  Json Take() { return std::move(root_); }

 private:
  void Put(std::string_view key, Json value) { stack_.back()->Set(key, std::move(value)); }
  Json root_ = Json::MakeObject();
  std::vector<Json*> stack_{&root_};
};

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string OutOfRange(const Json& min, const Json& max, const Json& found) {
  return "out of range " + min.Dump() + ".." + max.Dump() + ": " + found.Dump();
}

}  // namespace

void VisitSchema(FieldVisitor& fields, std::string_view schema) {
  int only = 0;
  fields.Required("schema");
  fields.Choice("schema", &only, {std::string(schema)});
}

struct FieldReader::Section {
  std::string path;
  const Json* object;
  std::set<std::string, std::less<>> known;
};

FieldReader::FieldReader(const Json& root, UnknownKeys unknown) : unknown_(unknown) { Open("", &root); }
FieldReader::~FieldReader() = default;

void FieldReader::Open(std::string path, const Json* object) { stack_.push_back({std::move(path), object, {}}); }

void FieldReader::Close() {
  const Section& section = stack_.back();
  if (unknown_ == UnknownKeys::kProblem) {
    for (const auto& [key, value] : section.object->Members()) {
      if (!section.known.contains(key)) Complain(OneLine(key, kMaxShownBytes), "unknown key");
    }
  }
  stack_.pop_back();
}

void FieldReader::Enter(std::string_view section) {
  static const Json nothing = Json::MakeObject();
  const Json* found = Typed(section, &Json::is_object, "a section");
  Open(Path(section), found == nullptr ? &nothing : found);
}

void FieldReader::Leave() {
  CHECK(stack_.size() > 1);
  Close();
}

void FieldReader::Required(std::string_view key) {
  const Json* found = stack_.back().object->Find(key);
  if (found == nullptr || found->is_null()) Complain(key, "is missing");
}

void FieldReader::Text(std::string_view key, std::string* value) {
  if (const Json* found = Typed(key, &Json::is_text, "a text")) *value = found->Text();
}

void FieldReader::Texts(std::string_view key, std::vector<std::string>* value) {
  const Json* found = Typed(key, &Json::is_array, "a list of texts");
  if (found == nullptr) return;
  std::vector<std::string> texts;
  for (const Json& item : found->Items()) {
    if (!item.is_text()) return Complain(key, std::string("expected a list of texts, found ") + item.TypeName());
    texts.push_back(item.Text());
  }
  *value = std::move(texts);
}

void FieldReader::Flag(std::string_view key, bool* value) {
  if (const Json* found = Typed(key, &Json::is_bool, "true or false")) *value = found->Flag();
}

void FieldReader::Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) {
  const Json* found = Typed(key, &Json::is_integer, "an integer");
  if (found == nullptr) return;
  if (!(*found == found->Integer()) || found->Integer() < min || found->Integer() > max) {
    return Complain(key, OutOfRange(min, max, *found));
  }
  *value = found->Integer();
}

void FieldReader::Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) {
  if (Take(key) == nullptr) return;
  int64_t number = value->value_or(min);
  const size_t before = seen_;
  Integer(key, &number, min, max);
  if (seen_ == before) *value = number;
}

void FieldReader::Integers(std::string_view key, std::vector<int64_t>* value, int64_t min, int64_t max) {
  const Json* found = Typed(key, &Json::is_array, "a list of integers");
  if (found == nullptr) return;
  std::vector<int64_t> numbers;
  for (const Json& item : found->Items()) {
    if (!item.is_integer()) {
      return Complain(key, std::string("expected a list of integers, found ") + item.TypeName());
    }
    if (!(item == item.Integer()) || item.Integer() < min || item.Integer() > max) {
      return Complain(key, OutOfRange(min, max, item));
    }
    numbers.push_back(item.Integer());
  }
  *value = std::move(numbers);
}

void FieldReader::Number(std::string_view key, double* value, double min, double max) {
  const Json* found = Typed(key, &Json::is_number, "a number");
  if (found == nullptr) return;
  const double number = found->Number();
  if (!(number >= min && number <= max)) return Complain(key, OutOfRange(min, max, *found));
  *value = number;
}

void FieldReader::Number(std::string_view key, std::optional<double>* value, double min, double max) {
  if (Take(key) == nullptr) return;
  double number = value->value_or(min);
  const size_t before = seen_;
  Number(key, &number, min, max);
  if (seen_ == before) *value = number;
}

void FieldReader::Choice(std::string_view key, int* index, const std::vector<std::string>& names) {
  const Json* found = Typed(key, &Json::is_text, "a text");
  if (found == nullptr) return;
  const auto name = std::find(names.begin(), names.end(), found->Text());
  if (name == names.end()) return Complain(key, Json(OneLine(found->Text(), kMaxShownBytes)).Dump() + " is none of " + Joined(names));
  *index = static_cast<int>(name - names.begin());
}

void FieldReader::TextMap(std::string_view key, std::map<std::string, std::string>* value) {
  const Json* found = Typed(key, &Json::is_object, "an object of texts");
  if (found == nullptr) return;
  std::map<std::string, std::string> texts;
  for (const auto& [name, text] : found->Members()) {
    if (!text.is_text()) return Complain(key, "expected a text at " + OneLine(name, kMaxShownBytes) + ", found " + text.TypeName());
    texts[name] = text.Text();
  }
  *value = std::move(texts);
}

void FieldReader::NumberMap(std::string_view key, std::map<std::string, double>* value) {
  const Json* found = Typed(key, &Json::is_object, "an object of numbers");
  if (found == nullptr) return;
  std::map<std::string, double> numbers;
  for (const auto& [name, number] : found->Members()) {
    if (!number.is_number()) return Complain(key, "expected a number at " + OneLine(name, kMaxShownBytes) + ", found " + number.TypeName());
    numbers[name] = number.Number();
  }
  *value = std::move(numbers);
}

void FieldReader::Any(std::string_view key, Json* value) {
  if (const Json* found = Take(key)) *value = *found;
}

void FieldReader::List(std::string_view key, size_t, const std::function<void(size_t)>& resize,
                       const std::function<void(size_t)>& item) {
  const Json* found = Typed(key, &Json::is_array, "a list of objects");
  if (found == nullptr) return;
  const Json::Array& items = found->Items();
  const auto stranger = std::find_if(items.begin(), items.end(), [](const Json& json) { return !json.is_object(); });
  if (stranger != items.end()) {
    return Complain(key, std::string("expected a list of objects, found ") + stranger->TypeName());
  }
  resize(items.size());
  const std::string path = Path(key);
  for (size_t i = 0; i < items.size(); ++i) {
    Open(path + "[" + std::to_string(i) + "]", &items[i]);
    item(i);
    Close();
  }
}

void FieldReader::Sections(std::string_view key, const std::vector<std::string>&,
                           const std::function<void(const std::vector<std::string>&)>& resize,
                           const std::function<void(size_t)>& item) {
  const Json* found = Typed(key, &Json::is_object, "a section of sections");
  if (found == nullptr) return;
  std::vector<std::string> names;
  for (const auto& [name, section] : found->Members()) {
    if (!section.is_object()) {
      return Complain(key, "expected a section at " + OneLine(name, kMaxShownBytes) + ", found " + section.TypeName());
    }
    names.push_back(name);
  }
  resize(names);
  const std::string path = Path(key);
  for (size_t i = 0; i < names.size(); ++i) {
    Open(path + "." + OneLine(names[i], kMaxShownBytes), &found->Members()[i].second);
    item(i);
    Close();
  }
}

void FieldReader::Complain(std::string_view key, std::string text) {
  if (seen_++ < kKeptProblems) problems_.push_back({Path(key), std::move(text)});
}

const std::vector<FieldProblem>& FieldReader::Finish() {
  if (stack_.size() == 1) Close();
  return problems_;
}

Status FieldReader::Check(std::string_view what) {
  Finish();
  if (problems_.empty()) return OkStatus();
  const size_t told = std::min(problems_.size(), kToldProblems);
  std::string text = std::string(what) + ": " + ToString({problems_.begin(), problems_.begin() + static_cast<long>(told)});
  if (seen_ > told) text += "; and " + std::to_string(seen_ - told) + " more";
  return InvalidArgument(std::move(text));
}

std::string FieldReader::Path(std::string_view key) const {
  const std::string& path = stack_.back().path;
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

const Json* FieldReader::Take(std::string_view key) {
  Section& section = stack_.back();
  section.known.emplace(key);
  const Json* found = section.object->Find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

const Json* FieldReader::Typed(std::string_view key, bool (Json::*is)() const, const char* what) {
  const Json* found = Take(key);
  if (found == nullptr || (found->*is)()) return found;
  Complain(key, std::string("expected ") + what + ", found " + found->TypeName());
  return nullptr;
}

std::vector<FieldProblem> ReadFields(const Json& json, const VisitFn& visit, UnknownKeys unknown) {
  if (!json.is_object()) return {{"", std::string("expected an object, found ") + json.TypeName()}};
  FieldReader reader(json, unknown);
  visit(reader);
  return reader.Finish();
}

std::vector<FieldProblem> FieldsFromJson(std::string_view json, const VisitFn& visit, UnknownKeys unknown) {
  auto root = ParseJson(json);
  if (!root) return {{"", root.error().context}};
  return ReadFields(root.value(), visit, unknown);
}

Json WriteFields(const VisitFn& visit) {
  Writer writer;
  visit(writer);
  return writer.Take();
}

std::string FieldsToJson(const VisitFn& visit) { return WriteFields(visit).Dump(); }

std::string ToString(const std::vector<FieldProblem>& problems) {
  std::string text;
  for (const FieldProblem& problem : problems) {
    text += (text.empty() ? "" : "; ") + (problem.key.empty() ? "" : problem.key + ": ") + problem.text;
  }
  return text;
}

}  // namespace passnet
