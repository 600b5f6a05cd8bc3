#include "base/fields.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace passnet {
namespace {

using Json = nlohmann::ordered_json;

class Writer : public FieldVisitor {
 public:
  void Enter(std::string_view section) override {
    stack_.push_back(&(*stack_.back())[std::string(section)]);
    *stack_.back() = Json::object();
  }
  void Leave() override { stack_.pop_back(); }
  void Text(std::string_view key, std::string* value) override { Put(key, *value); }
  void Texts(std::string_view key, std::vector<std::string>* value) override { Put(key, *value); }
  void Flag(std::string_view key, bool* value) override { Put(key, *value); }
  void Integer(std::string_view key, int64_t* value, int64_t, int64_t) override { Put(key, *value); }
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t, int64_t) override {
    Put(key, *value ? Json(**value) : Json(nullptr));
  }
  void Number(std::string_view key, double* value, double, double) override { Put(key, *value); }
  void Number(std::string_view key, std::optional<double>* value, double, double) override {
    Put(key, *value ? Json(**value) : Json(nullptr));
  }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    Put(key, names[static_cast<size_t>(*index)]);
  }
  std::string Text() const { return root_.dump(-1, ' ', false, Json::error_handler_t::replace); }

 private:
  void Put(std::string_view key, Json value) { (*stack_.back())[std::string(key)] = std::move(value); }
  Json root_ = Json::object();
  std::vector<Json*> stack_{&root_};
};

class Reader : public FieldVisitor {
 public:
  explicit Reader(Json root) : root_(std::move(root)) {}

  void Enter(std::string_view section) override {
    static const Json kEmpty = Json::object();
    const Json* found = Take(section);
    std::string path = Path(section);
    if (found != nullptr && !found->is_object()) {
      problems_.push_back({path, "expected a section, found " + std::string(found->type_name())});
      found = nullptr;
    }
    stack_.push_back({path, found == nullptr ? &kEmpty : found, {}});
  }
  void Leave() override {
    ReportUnknown();
    stack_.pop_back();
  }
  void Text(std::string_view key, std::string* value) override {
    if (const Json* found = Typed(key, &Json::is_string, "a text")) *value = found->get<std::string>();
  }
  void Texts(std::string_view key, std::vector<std::string>* value) override {
    const Json* found = Typed(key, &Json::is_array, "a list of texts");
    if (found == nullptr) return;
    std::vector<std::string> texts;
    for (const Json& item : *found) {
      if (!item.is_string()) return Complain(key, "expected a list of texts");
      texts.push_back(item.get<std::string>());
    }
    *value = std::move(texts);
  }
  void Flag(std::string_view key, bool* value) override {
    if (const Json* found = Typed(key, &Json::is_boolean, "true or false")) *value = found->get<bool>();
  }
  void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) override {
    const Json* found = Typed(key, &Json::is_number_integer, "an integer");
    if (found == nullptr) return;
    bool huge = found->is_number_unsigned() && found->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
    if (huge || found->get<int64_t>() < min || found->get<int64_t>() > max) {
      return Complain(key, "out of range " + std::to_string(min) + ".." + std::to_string(max) + ": " + found->dump());
    }
    *value = found->get<int64_t>();
  }
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) override {
    if (!Present(key)) return;
    int64_t number = value->value_or(min);
    Integer(key, &number, min, max);
    *value = number;
  }
  void Number(std::string_view key, double* value, double min, double max) override {
    const Json* found = Typed(key, &Json::is_number, "a number");
    if (found == nullptr) return;
    double number = found->get<double>();
    if (!(number >= min && number <= max)) {
      return Complain(key, "out of range " + Json(min).dump() + ".." + Json(max).dump() + ": " + found->dump());
    }
    *value = number;
  }
  void Number(std::string_view key, std::optional<double>* value, double min, double max) override {
    if (!Present(key)) return;
    double number = value->value_or(min);
    Number(key, &number, min, max);
    *value = number;
  }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    const Json* found = Typed(key, &Json::is_string, "a text");
    if (found == nullptr) return;
    std::string wanted = found->get<std::string>();
    std::string known;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == wanted) {
        *index = static_cast<int>(i);
        return;
      }
      known += (i == 0 ? "" : ", ") + names[i];
    }
    Complain(key, "\"" + wanted + "\" is none of " + known);
  }

  std::vector<FieldProblem> Run(const VisitFn& visit) {
    stack_.push_back({"", &root_, {}});
    visit(*this);
    ReportUnknown();
    return std::move(problems_);
  }

 private:
  struct Section {
    std::string path;
    const Json* object;
    std::vector<std::string> known;
  };

  std::string Path(std::string_view key) const {
    const std::string& path = stack_.back().path;
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }
  const Json* Take(std::string_view key) {
    Section& section = stack_.back();
    section.known.emplace_back(key);
    auto found = section.object->find(std::string(key));
    return found == section.object->end() || found->is_null() ? nullptr : &*found;
  }
  bool Present(std::string_view key) { return Take(key) != nullptr; }
  const Json* Typed(std::string_view key, bool (Json::*is)() const noexcept, const char* what) {
    const Json* found = Take(key);
    if (found == nullptr || (found->*is)()) return found;
    Complain(key, std::string("expected ") + what + ", found " + found->type_name());
    return nullptr;
  }
  void Complain(std::string_view key, std::string text) { problems_.push_back({Path(key), std::move(text)}); }
  void ReportUnknown() {
    const Section& section = stack_.back();
    for (const auto& [key, value] : section.object->items()) {
      bool known = false;
      for (const std::string& name : section.known) known = known || name == key;
      if (!known) Complain(key, "unknown key");
    }
  }

  const Json root_;
  std::vector<Section> stack_;
  std::vector<FieldProblem> problems_;
};

}  // namespace

std::string FieldsToJson(const VisitFn& visit) {
  Writer writer;
  visit(writer);
  return writer.Text();
}

std::vector<FieldProblem> FieldsFromJson(std::string_view json, const VisitFn& visit) {
  Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return {{"", "not a JSON object"}};
  return Reader(std::move(root)).Run(visit);
}

std::string ToString(const std::vector<FieldProblem>& problems) {
  std::string text;
  for (const FieldProblem& problem : problems) {
    text += (text.empty() ? "" : "; ") + (problem.key.empty() ? "" : problem.key + ": ") + problem.text;
  }
  return text;
}

}  // namespace passnet
