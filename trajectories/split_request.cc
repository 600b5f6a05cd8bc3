// SplitRequest (batch.h): finds the borders of the top-level "messages" (or "input") elements without building a document. It need
// not judge whether the JSON is valid, for any cut gives the same bytes when joined again.
#include <algorithm>

#include "trajectories/batch.h"

namespace passnet::trajectories {
namespace {

// Walks JSON text, skipping strings as a whole.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // True at the '[' of the top-level array of messages; the position then stands behind it.
  bool FindMessages() {
    int depth = 0;
    std::string_view key;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        key = String();
      } else if (c == '{' || c == '[') {
        if (c == '[' && depth == 1 && (key == "messages" || key == "input") && after_colon_) {
          ++at_;
          return true;
        }
        ++depth;
      } else if (c == '}' || c == ']') {
        --depth;
      }
      if (depth == 1) after_colon_ = c == ':' || (after_colon_ && (c == ' ' || c == '\n' || c == '\t' || c == '\r'));
    }
    return false;
  }

  // Ends of the elements of the array that the position stands in; the last one is the end before ']'. False when the
  // text ends first.
  bool Elements(std::vector<size_t>* ends) {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        String();
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == ']')) {
        ends->push_back(at_);
        if (c == ']') return true;
      } else if (c == '}' || c == ']') {
        --depth;
      }
    }
    return false;
  }

  size_t at() const { return at_; }

 private:
  // The text between the quotes; the position then stands on the closing one (or at the end).
  std::string_view String() {
    const size_t begin = ++at_;
    // Quote by quote rather than byte by byte: nearly all of a request is inside of its strings.
    for (at_ = text_.find('"', begin); at_ != std::string_view::npos; at_ = text_.find('"', at_ + 1)) {
      size_t first = at_;
      while (first > begin && text_[first - 1] == '\\') --first;
      if ((at_ - first) % 2 == 0) break;
    }
    at_ = std::min(at_, text_.size());
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_ = 0;
  bool after_colon_ = false;
};

}  // namespace

std::vector<std::string_view> SplitRequest(std::string_view json) {
  Scanner scanner(json);
  if (!scanner.FindMessages()) return {json};
  size_t begin = scanner.at();
  std::vector<size_t> ends;
  if (!scanner.Elements(&ends) || ends.size() + 2 > kMaxParts) return {json};
  std::vector<std::string_view> parts = {json.substr(0, begin)};
  for (size_t end : ends) {
    parts.push_back(json.substr(begin, end - begin));
    begin = end;
  }
  parts.push_back(json.substr(begin));
  return parts;
}

}  // namespace passnet::trajectories
