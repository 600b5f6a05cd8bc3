// Knows a JSON text again that is another one but for some of its values, without parsing it: the events of a stream are
// thousands of times the same text around a few new words.
//   auto shape = JsonShape::Of(event, "content", {"obfuscation"});
//   if (shape && shape->Match(next_event, &content)) …   // the text of "content" was appended
// What matches would parse to the same value but for the members named; what does not match may mean anything.
// Threads: thread-compatible. Errors: none.
// Source: RFC 8259, sections 6 and 7.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passnet {

class JsonShape {
 public:
  // Of a text that ParseJson takes. Nothing when `taken` is not the name of exactly one text in it. Members named in
  // `ignored` may have another text or another integer in what matches, where they are one in `example`.
  static std::optional<JsonShape> Of(std::string_view example, std::string_view taken,
                                     const std::vector<std::string_view>& ignored);

  // Appends the text of `taken` and returns true, or changes nothing. Texts with \u are never matched.
  bool Match(std::string_view text, std::string* out) const;

 private:
  enum class Hole { kTaken, kText, kInteger };
  struct Piece {
    std::string before;  // up to the value, a text's opening quote included
    Hole hole;
  };
  std::vector<Piece> pieces_;
  std::string tail_;
};

}  // namespace passnet
