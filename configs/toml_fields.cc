#include "configs/toml_fields.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "base/file.h"

namespace passnet::configs {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;  // chosen: a thousand times a real one

struct Located {
  FieldProblem problem;
  uint32_t line = 0;  // 0: of no line, a missing key
};

std::string Below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

// A file's values as JSON, and the line of each by its path ("sizes.count", "parts[1].name").
class Converter {
 public:
  Json Table(const toml::table& table, const std::string& path) {
    Json object = Json::MakeObject();
    for (const auto& [key, node] : table) {
      const std::string below = Below(path, key.str());
      lines_[below] = node.is_table() ? node.source().begin.line : key.source().begin.line;
      object.Set(key.str(), Value(node, below));
    }
    return object;
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
  std::vector<Located>& problems() { return problems_; }

 private:
  Json Value(const toml::node& node, const std::string& path) {
    switch (node.type()) {
      case toml::node_type::table: return Table(*node.as_table(), path);
      case toml::node_type::array: return List(*node.as_array(), path);
      case toml::node_type::string: return Json(node.as_string()->get());
      case toml::node_type::integer: return Json(node.as_integer()->get());
      case toml::node_type::floating_point: return Number(node.as_floating_point()->get(), path);
      case toml::node_type::boolean: return Json(node.as_boolean()->get());
      default: return Refuse(path, "a date or time is not expected anywhere");
    }
  }
  Json List(const toml::array& array, const std::string& path) {
    Json list = Json::MakeArray();
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string element = path + "[" + std::to_string(i) + "]";
      lines_[element] = array[i].source().begin.line;
      list.Push(Value(array[i], element));
    }
    return list;
  }
  Json Number(double value, const std::string& path) {
    if (std::isfinite(value)) return Json(value);
    return Refuse(path, "inf and nan are not expected anywhere");
  }
  Json Refuse(const std::string& path, const char* why) {
    problems_.push_back({{path, why}, lines_[path]});
    return Json();
  }

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

// JSON and TOML write numbers alike (a double always has a point or an exponent) and texts nearly so.
std::string Scalar(const Json& value) {
  std::ostringstream out;
  if (value.is_text()) {
    out << toml::value<std::string>(value.Text());
  } else {
    out << value.Dump();
  }
  return out.str();
}

std::string ListText(const Json& list) {
  std::string text = "[";
  for (const Json& item : list.Items()) text += (text.size() == 1 ? "" : ", ") + Scalar(item);
  return text + "]";
}

// Values first: what stands below a section's heading belongs to the section.
void WriteSection(const Json& section, const std::string& path, std::string* out) {
  for (const auto& [key, value] : section.Members()) {
    if (value.is_object()) continue;
    if (value.is_null()) {
      *out += "# " + key + " is not set\n";
    } else {
      *out += key + " = " + (value.is_array() ? ListText(value) : Scalar(value)) + "\n";
    }
  }
  for (const auto& [key, value] : section.Members()) {
    if (!value.is_object()) continue;
    *out += "\n[" + Below(path, key) + "]\n";
    WriteSection(value, Below(path, key), out);
  }
}

}  // namespace

Status ReadTomlText(std::string_view text, const std::string& path, const VisitFn& visit, const CheckFn& check) {
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return InvalidArgument(path + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  Converter converter;
  const Json json = converter.Table(root, "");
  std::vector<Located> problems = std::move(converter.problems());
  for (FieldProblem& problem : ReadFields(json, visit)) {
    const uint32_t line = converter.LineOf(problem.key);
    problems.push_back({std::move(problem), line});
  }
  std::set<std::string> told;
  for (const Located& located : problems) told.insert(located.problem.key);
  if (check) {
    for (FieldProblem& problem : check()) {
      if (told.count(problem.key) > 0) continue;
      const uint32_t line = converter.LineOf(problem.key);
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
  std::string text;
  WriteSection(WriteFields(visit), "", &text);
  return text;
}

}  // namespace passnet::configs
