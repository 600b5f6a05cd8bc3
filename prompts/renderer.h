// A strict, logic-poor template language: {{name}}, {{#name}}…{{/name}} (a list, or a switch), {{^name}}…{{/name}}
// (the list is empty, the switch is off). A tag of a section that stands alone on its line takes the line with it.
// Nothing is escaped here: what strangers wrote goes through prompts/escape.h before it becomes a value.
// Threads: immutable values, pure functions.
// Errors: kInvalidArgument: unbalanced or malformed tags (with the template's name and line), a name in the template
// that was not given, a name of the wrong kind. A value that the template never names is left out: whoever writes a
// prompt chooses what it tells.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace passnet::prompts {

struct Value;
using Values = std::map<std::string, Value>;

struct Value : std::variant<std::string, bool, std::vector<Values>> {
  using variant::variant;
  Value(const char* text) : variant(std::string(text)) {}
};

class Template {
 public:
  // `name` is for messages only.
  static Result<Template> Parse(std::string name, std::string_view text);

  // A name inside a section is looked for in the item first and then outwards.
  Result<std::string> Render(const Values& values) const;

 private:
  struct Node {
    enum class Kind { kText, kValue, kSection, kInverted } kind = Kind::kText;
    std::string text;  // the text itself, or the name
    std::vector<Node> body;
  };
  class Parser;
  class Writer;
  std::string name_;
  std::vector<Node> nodes_;
};

}  // namespace passnet::prompts
