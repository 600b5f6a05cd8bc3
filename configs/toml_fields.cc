#include "configs/toml_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "base/file.h"

namespace passnet::configs {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;  // chosen: a thousand times a real one

const char* TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a section";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

std::string Shown(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

struct Located {
  FieldProblem problem;
  uint32_t line = 0;  // 0: of no line, a missing key
};

class Reader : public FieldVisitor {
 public:
  explicit Reader(const toml::table* root) { stack_.push_back({"", root, 0, {}}); }

  void Enter(std::string_view section) override {
    const toml::node* node = Take(section);
    std::string path = Path(section);
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && table == nullptr) WrongType(section, *node, "a section");
    stack_.push_back({path, table, node == nullptr ? 0 : node->source().begin.line, {}});
  }
  void Leave() override {
    ReportUnknown();
    stack_.pop_back();
  }
  void Text(std::string_view key, std::string* value) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    if (auto text = node->value_exact<std::string>()) {
      *value = *text;
    } else {
      WrongType(key, *node, "a text");
    }
  }
  void Texts(std::string_view key, std::vector<std::string>* value) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return WrongType(key, *node, "a list of texts");
    std::vector<std::string> texts;
    for (const toml::node& item : *array) {
      auto text = item.value_exact<std::string>();
      if (!text) return WrongType(key, item, "a list of texts");
      texts.push_back(*text);
    }
    *value = std::move(texts);
  }
  void Flag(std::string_view key, bool* value) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    if (auto flag = node->value_exact<bool>()) {
      *value = *flag;
    } else {
      WrongType(key, *node, "true or false");
    }
  }
  void Integer(std::string_view key, int64_t* value, int64_t min, int64_t max) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    auto number = node->value_exact<int64_t>();
    if (!number) return WrongType(key, *node, "an integer");
    if (*number < min || *number > max) {
      return Complain(key, *node, "out of range " + std::to_string(min) + ".." + std::to_string(max) + ": " +
                                      std::to_string(*number));
    }
    *value = *number;
  }
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t min, int64_t max) override {
    if (Take(key) == nullptr) return;
    int64_t number = value->value_or(min);
    Integer(key, &number, min, max);
    *value = number;
  }
  void Number(std::string_view key, double* value, double min, double max) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    auto number = node->is_number() ? node->value<double>() : std::optional<double>();
    if (!number) return WrongType(key, *node, "a number");
    if (!(*number >= min && *number <= max)) {
      return Complain(key, *node, "out of range " + Shown(min) + ".." + Shown(max) + ": " + Shown(*number));
    }
    *value = *number;
  }
  void Number(std::string_view key, std::optional<double>* value, double min, double max) override {
    if (Take(key) == nullptr) return;
    double number = value->value_or(min);
    Number(key, &number, min, max);
    *value = number;
  }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    auto text = node->value_exact<std::string>();
    if (!text) return WrongType(key, *node, "a text");
    auto found = std::find(names.begin(), names.end(), *text);
    if (found != names.end()) {
      *index = static_cast<int>(found - names.begin());
      return;
    }
    std::string known;
    for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
    Complain(key, *node, "\"" + *text + "\" is none of " + known);
  }

  std::vector<Located> Run(const VisitFn& visit) {
    visit(*this);
    ReportUnknown();
    return std::move(problems_);
  }
  // Where a key of the whole stands; its section's line when it is not there; 0 when neither is.
  uint32_t LineOf(const std::string& path) const {
    for (std::string key = path; !key.empty(); key = key.substr(0, key.rfind('.'))) {
      auto found = lines_.find(key);
      if (found != lines_.end()) return found->second;
      if (key.find('.') == std::string::npos) break;
    }
    return 0;
  }

 private:
  struct Section {
    std::string path;
    const toml::table* table;
    uint32_t line;
    std::set<std::string> known;
  };

  std::string Path(std::string_view key) const {
    const std::string& path = stack_.back().path;
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }
  const toml::node* Take(std::string_view key) {
    Section& section = stack_.back();
    section.known.insert(std::string(key));
    const toml::node* node = section.table == nullptr ? nullptr : section.table->get(key);
    if (node != nullptr) lines_[Path(key)] = node->source().begin.line;
    return node;
  }
  void WrongType(std::string_view key, const toml::node& node, const char* wanted) {
    Complain(key, node, std::string("expected ") + wanted + ", found " + TypeName(node));
  }
  void Complain(std::string_view key, const toml::node& node, std::string text) {
    problems_.push_back({{Path(key), std::move(text)}, node.source().begin.line});
  }
  void ReportUnknown() {
    const Section& section = stack_.back();
    if (section.table == nullptr) return;
    for (const auto& [key, node] : *section.table) {
      if (section.known.count(std::string(key.str())) > 0) continue;
      problems_.push_back({{Path(key.str()), "unknown key"}, key.source().begin.line});
    }
  }

  std::vector<Section> stack_;
  std::map<std::string, uint32_t> lines_;
  std::vector<Located> problems_;
};

Error ToError(std::vector<Located> problems, const std::string& path) {
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  std::string text;
  for (const Located& located : problems) {
    if (!text.empty()) text += "\n";
    text += path + ":" + (located.line > 0 ? std::to_string(located.line) + ":" : "") + " ";
    text += located.problem.key + ": " + located.problem.text;
  }
  return InvalidArgument(std::move(text));
}

class Writer : public FieldVisitor {
 public:
  void Enter(std::string_view section) override {
    stack_.push_back(stack_.empty() ? std::string(section) : stack_.back() + "." + std::string(section));
    out_ << "\n[" << stack_.back() << "]\n";
  }
  void Leave() override { stack_.pop_back(); }
  void Text(std::string_view key, std::string* value) override { Put(key, toml::value<std::string>(*value)); }
  void Texts(std::string_view key, std::vector<std::string>* value) override {
    out_ << key << " = [";
    for (size_t i = 0; i < value->size(); ++i) out_ << (i == 0 ? "" : ", ") << toml::value<std::string>((*value)[i]);
    out_ << "]\n";
  }
  void Flag(std::string_view key, bool* value) override { out_ << key << " = " << (*value ? "true" : "false") << "\n"; }
  void Integer(std::string_view key, int64_t* value, int64_t, int64_t) override { Put(key, *value); }
  void Integer(std::string_view key, std::optional<int64_t>* value, int64_t, int64_t) override {
    if (*value) out_ << key << " = " << **value << "\n";
    else out_ << "# " << key << " is not set\n";
  }
  void Number(std::string_view key, double* value, double, double) override { Put(key, Plain(*value)); }
  void Number(std::string_view key, std::optional<double>* value, double, double) override {
    if (*value) out_ << key << " = " << Plain(**value) << "\n";
    else out_ << "# " << key << " is not set\n";
  }
  void Choice(std::string_view key, int* index, const std::vector<std::string>& names) override {
    Put(key, toml::value<std::string>(names[static_cast<size_t>(*index)]));
  }
  std::string Result() const { return out_.str(); }

 private:
  template <typename T>
  void Put(std::string_view key, const T& value) {
    out_ << key << " = " << value << "\n";
  }
  // A number that reads back as one: TOML wants a digit after the point or an exponent.
  static std::string Plain(double value) {
    std::string text = Shown(value);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::ostringstream out_;
  std::vector<std::string> stack_;
};

}  // namespace

Status ReadTomlText(std::string_view text, const std::string& path, const VisitFn& visit, const CheckFn& check) {
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return InvalidArgument(path + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  Reader reader(&root);
  std::vector<Located> problems = reader.Run(visit);
  std::set<std::string> told;
  for (const Located& located : problems) told.insert(located.problem.key);
  if (check) {
    for (FieldProblem& problem : check()) {
      if (told.count(problem.key) > 0) continue;
      uint32_t line = reader.LineOf(problem.key);
      problems.push_back({std::move(problem), line});
    }
  }
  if (!problems.empty()) return ToError(std::move(problems), path);
  return OkStatus();
}

Status ReadToml(const std::string& path, const VisitFn& visit, const CheckFn& check) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxFileBytes));
  return ReadTomlText(text, path, visit, check);
}

std::string WriteToml(const VisitFn& visit) {
  Writer writer;
  visit(writer);
  return writer.Result();
}

}  // namespace passnet::configs
