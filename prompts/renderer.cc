#include "prompts/renderer.h"

#include <algorithm>
#include <utility>

namespace passnet::prompts {

class Template::Parser {
 public:
  Parser(const std::string& name, std::string_view text) : name_(name), text_(text) {}

  // Everything up to the end of the section `open` (empty: up to the end of the text).
  Result<std::vector<Node>> Nodes(const std::string& open) {
    std::vector<Node> nodes;
    for (;;) {
      size_t tag = text_.find("{{", at_);
      if (tag == std::string_view::npos) {
        if (!open.empty()) return Fail("section " + open + " is not closed");
        nodes.push_back({Node::Kind::kText, std::string(text_.substr(at_)), {}});
        return nodes;
      }
      size_t end = text_.find("}}", tag);
      if (end == std::string_view::npos) return Fail("a tag is not closed");
      std::string inside(text_.substr(tag + 2, end - tag - 2));
      char sign = inside.empty() ? '\0' : inside.front();
      bool section = sign == '#' || sign == '^' || sign == '/';
      std::string key = section ? inside.substr(1) : inside;
      nodes.push_back({Node::Kind::kText, std::string(text_.substr(at_, tag - at_)), {}});
      at_ = end + 2;
      if (section) TakeLine(tag);
      if (!IsName(key)) return Fail("\"" + inside + "\" is no name");
      if (sign == '/') {
        if (key != open) return Fail("{{/" + key + "}} closes no section that is open here");
        return nodes;
      }
      Node node{Node::Kind::kValue, key, {}};
      if (section) {
        node.kind = sign == '#' ? Node::Kind::kSection : Node::Kind::kInverted;
        ASSIGN_OR_RETURN(node.body, Nodes(key));
      }
      nodes.push_back(std::move(node));
    }
  }

 private:
  static bool IsName(std::string_view key) {
    return !key.empty() &&
           std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  }

  // Skips the line's end when nothing but the section's tag stands on the line.
  void TakeLine(size_t tag) {
    bool starts = tag == 0 || text_[tag - 1] == '\n';
    if (starts && at_ < text_.size() && text_[at_] == '\n') ++at_;
  }

  Error Fail(const std::string& what) const {
    std::string_view before = text_.substr(0, at_);
    auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return InvalidArgument("prompt " + name_ + ", line " + std::to_string(line) + ": " + what);
  }

  const std::string& name_;
  std::string_view text_;
  size_t at_ = 0;
};

class Template::Writer {
 public:
  explicit Writer(const std::string& name) : name_(name) {}

  Status Write(const std::vector<Node>& nodes, std::vector<const Values*> scopes) {
    for (const Node& node : nodes) {
      if (node.kind == Node::Kind::kText) {
        out_ += node.text;
        continue;
      }
      const Value* value = Find(scopes, node.text);
      if (value == nullptr) return InvalidArgument("prompt " + name_ + ": no value for {{" + node.text + "}}");
      RETURN_IF_ERROR(node.kind == Node::Kind::kValue ? WriteValue(node, *value) : WriteSection(node, *value, scopes));
    }
    return OkStatus();
  }

  std::string Take() { return std::move(out_); }

 private:
  static const Value* Find(const std::vector<const Values*>& scopes, const std::string& name) {
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
      auto found = (*scope)->find(name);
      if (found != (*scope)->end()) return &found->second;
    }
    return nullptr;
  }

  Status WriteValue(const Node& node, const Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return InvalidArgument("prompt " + name_ + ": {{" + node.text + "}} is no text");
    out_ += *text;
    return OkStatus();
  }

  Status WriteSection(const Node& node, const Value& value, const std::vector<const Values*>& scopes) {
    bool inverted = node.kind == Node::Kind::kInverted;
    if (const auto* on = std::get_if<bool>(&value)) return *on != inverted ? Write(node.body, scopes) : OkStatus();
    const auto* items = std::get_if<std::vector<Values>>(&value);
    if (items == nullptr) return InvalidArgument("prompt " + name_ + ": {{#" + node.text + "}} is a text");
    if (inverted) return items->empty() ? Write(node.body, scopes) : OkStatus();
    for (const Values& item : *items) {
      std::vector<const Values*> inner = scopes;
      inner.push_back(&item);
      RETURN_IF_ERROR(Write(node.body, inner));
    }
    return OkStatus();
  }

  const std::string& name_;
  std::string out_;
};

Result<Template> Template::Parse(std::string name, std::string_view text) {
  Template parsed;
  parsed.name_ = std::move(name);
  ASSIGN_OR_RETURN(parsed.nodes_, Parser(parsed.name_, text).Nodes(""));
  return parsed;
}

Result<std::string> Template::Render(const Values& values) const {
  Writer writer(name_);
  RETURN_IF_ERROR(writer.Write(nodes_, {&values}));
  return writer.Take();
}

}  // namespace passnet::prompts
