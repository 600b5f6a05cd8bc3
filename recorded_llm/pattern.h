// A regular expression that a message must contain, as recordings name them.
// Threads: immutable, thread-safe. Errors: kInvalidArgument (Compile: not a pattern).
// Source: Boost.Regex with the ECMAScript grammar: std::regex recurses for each character and overflows the stack on
// a prompt of ordinary length. "." does not match a line end; [\s\S] does.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::recorded_llm {

class Pattern {
 public:
  static Result<Pattern> Compile(const std::string& text);

  // False too when the pattern is too costly for this text.
  bool FoundIn(std::string_view message) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  Pattern(std::string text, std::shared_ptr<const Compiled> compiled)
      : text_(std::move(text)), compiled_(std::move(compiled)) {}
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace passnet::recorded_llm
