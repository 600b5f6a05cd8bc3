#include "trajectories/export/normalised_candidate.h"

#include <algorithm>
#include <cctype>

#include "base/sha256.h"

namespace passnet::trajectories {
namespace {

enum class Language { kPython, kCpp, kPlain };

constexpr size_t kLongestNumber = 64;     // chosen: digits of 128 bits with their quotes are fewer
constexpr size_t kLongestDelimiter = 16;  // C++20, [lex.string]: of a raw string

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

class Normaliser {
 public:
  Normaliser(Language language, std::string_view text) : language_(language), text_(text) {}

  std::string Run() {
    while (at_ < text_.size()) {
      if (IsBlank(text_[at_])) {
        ++at_;
        gap_ = true;
      } else if (const size_t comment = CommentBytes()) {
        at_ += comment;
        gap_ = true;
      } else {
        Take(std::max(StringBytes(), size_t{1}));
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view Rest() const { return text_.substr(at_); }

  // Blanks only hold words apart.
  void Take(size_t bytes) {
    if (gap_ && !out_.empty() && IsWord(out_.back()) && IsWord(text_[at_])) out_ += ' ';
    gap_ = false;
    out_ += text_.substr(at_, bytes);
    at_ += bytes;
  }

  size_t CommentBytes() const {
    const std::string_view rest = Rest();
    if (language_ == Language::kPython && rest.front() == '#') return std::min(rest.find('\n'), rest.size());
    if (language_ != Language::kCpp) return 0;
    if (rest.starts_with("/*")) {
      const size_t end = rest.find("*/", 2);
      return end == std::string_view::npos ? rest.size() : end + 2;
    }
    if (!rest.starts_with("//")) return 0;
    size_t end = rest.find('\n');
    // A backslash at a line's end lets the comment go on.
    while (end != std::string_view::npos && end > 0 && rest[end - 1] == '\\') end = rest.find('\n', end + 1);
    return std::min(end, rest.size());
  }

  // 0: no string begins here.
  size_t StringBytes() const {
    const std::string_view rest = Rest();
    const char quote = rest.front();
    if (quote != '"' && quote != '\'') return 0;
    if (language_ == Language::kCpp && quote == '\'' && InNumber()) return 0;
    if (language_ == Language::kCpp && quote == '"' && at_ > 0 && text_[at_ - 1] == 'R') return RawStringBytes(rest);
    const std::string three(3, quote);
    if (language_ == Language::kPython && rest.starts_with(three)) return UpTo(rest, three, true);
    return UpTo(rest, std::string(1, quote), false);
  }

  // The quotes of 1'000'000. Looks back no further than a number is long: the text may be nothing but quotes.
  bool InNumber() const {
    size_t begin = at_;
    const size_t least = at_ - std::min(at_, kLongestNumber);
    while (begin > least && (IsWord(text_[begin - 1]) || text_[begin - 1] == '\'')) --begin;
    return begin < at_ && std::isdigit(static_cast<unsigned char>(text_[begin])) != 0;
  }

  static size_t RawStringBytes(std::string_view rest) {
    const size_t open = rest.substr(0, kLongestDelimiter + 2).find('(');
    if (open == std::string_view::npos) return UpTo(rest, "\"", false);
    const std::string close = ")" + std::string(rest.substr(1, open - 1)) + "\"";
    const size_t end = rest.find(close, open);
    return end == std::string_view::npos ? rest.size() : end + close.size();
  }

  // Behind the closing quotes; a string of one line that is not closed ends with it.
  static size_t UpTo(std::string_view rest, const std::string& close, bool many_lines) {
    for (size_t i = close.size(); i < rest.size(); ++i) {
      if (rest[i] == '\\') {
        ++i;
      } else if (rest.substr(i).starts_with(close)) {
        return i + close.size();
      } else if (rest[i] == '\n' && !many_lines) {
        return i;
      }
    }
    return rest.size();
  }

  const Language language_;
  const std::string_view text_;
  size_t at_ = 0;
  bool gap_ = false;
  std::string out_;
};

Language LanguageOf(std::string_view name) {
  if (name.ends_with(".py")) return Language::kPython;
  if (name.ends_with(".cc") || name.ends_with(".h")) return Language::kCpp;
  return Language::kPlain;
}

}  // namespace

std::string NormalisedSource(std::string_view name, std::string_view text) {
  return Normaliser(LanguageOf(name), text).Run();
}

std::string NormalisedCandidateHash(const std::map<std::string, std::string>& files) {
  Sha256 sha;
  sha.UpdateField("passnet normalised candidate 1");
  for (const auto& [name, text] : files) {
    if (name.ends_with(".md")) continue;
    sha.UpdateField(name).UpdateField(NormalisedSource(name, text));
  }
  return ToHex(sha.Finish());
}

}  // namespace passnet::trajectories
