#include "recorded_llm/pattern.h"

#include <boost/regex.hpp>
#include <stdexcept>

namespace passnet::recorded_llm {

struct Pattern::Compiled {
  boost::regex regex;
};

Result<Pattern> Pattern::Compile(const std::string& text) {
  try {
    auto compiled = std::make_shared<Compiled>();
    compiled->regex.assign(text, boost::regex::ECMAScript);
    return Pattern(text, std::move(compiled));
  } catch (const boost::regex_error& e) {
    return InvalidArgument("\"" + text + "\" is not a regular expression: " + e.what());
  }
}

bool Pattern::FoundIn(std::string_view message) const {
  try {
    return boost::regex_search(message.begin(), message.end(), compiled_->regex, boost::match_not_dot_newline);
  } catch (const std::runtime_error&) {
    return false;  // Boost gives up on a search that explodes
  }
}

}  // namespace passnet::recorded_llm
