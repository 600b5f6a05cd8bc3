#include "evaluator/compile/preprocessed.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxShown = 80;

// Attributes that make code run outside the kernel's call, or bind symbols and memory by other names.
constexpr std::array kAttributes = {"alias", "constructor", "destructor", "ifunc",   "init_priority",
                                    "naked", "section",     "symver",     "weakref"};
constexpr std::array kAsm = {"asm", "__asm", "__asm__"};
constexpr std::array kQualifiers = {"volatile", "__volatile__", "__volatile", "inline", "__inline__", "goto"};
// The statements in GCC 12's own headers (x86gprintrin.h and what it includes): single instructions without a system call.
constexpr std::array kHeaderAsm = {"enclu\\n\\t", "encls\\n\\t", "enclv\\n\\t", "pconfig\\n\\t",
                                   "tilerelease", "sttilecfg\\t%X0", "ldtilecfg\\t%X0"};
// Those of CUDA's C++ library (cuda/std/__thread).
constexpr std::array kCudaHeaderAsm = {"pause", "yield"};
// Names that an assembler takes for an instruction: what else looks like a name can only be a symbol.
constexpr std::array kInstructions = {"syscall", "sysenter", "sysexit", "sysret", "int1",  "int3",   "into",   "icebp",
                                      "hlt",     "ud2",      "cpuid",   "rdtsc",  "ret",   "retf",   "iret",   "leave",
                                      "rdtscp",  "rdpmc",    "rdpkru",  "wrpkru", "nop",   "pause",  "vmcall", "xgetbv",
                                      "pushf",   "popf",     "pushfq",  "popfq",  "lret",  "iretq",  "sysretq", "cld", "std"};
constexpr std::array kPragmas = {"weak", "redefine_extname", "GCC pch_preprocess"};

template <size_t N>
bool Among(const std::array<const char*, N>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](const char* known) { return name == known; });
}

bool StartsWord(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c < 0; }
bool InWord(char c) { return StartsWord(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view WithoutUnderscores(std::string_view word) {
  while (word.starts_with('_')) word.remove_prefix(1);
  while (word.ends_with('_')) word.remove_suffix(1);
  return word;
}

enum class Kind { kEnd, kWord, kString, kMark };

struct Token {
  Kind kind = Kind::kEnd;
  std::string_view text;  // of a string: what stands between its quotes
};

// Tokens of preprocessed text; line markers, pragmas, numbers and characters are taken off on the way.
class Lexer {
 public:
  Lexer(std::string_view text, KernelText kind, Preprocessed* result) : text_(text), kind_(kind), result_(result) {}

  Token Next();

  void Report(std::string rule, std::string what) {
    if (result_->findings.size() < kMaxKernelFindings) {
      result_->findings.push_back({file_, line_, std::move(rule), std::move(what)});
    }
  }

 private:
  char At(size_t offset) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\0'; }
  void Line();
  void Marker(std::string_view line);
  void Pragma(std::string_view line);
  Token Word();
  Token String();
  Token RawString();
  void Number();
  void Character();

  std::string_view text_;
  KernelText kind_;
  Preprocessed* result_;
  size_t at_ = 0;
  bool line_start_ = true;
  std::string file_;
  int line_ = 0;
};

// A line that starts with '#': the preprocessor leaves line markers and pragmas.
void Lexer::Line() {
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  std::string_view line = text_.substr(at_, end - at_);
  at_ = end;
  if (line.starts_with("# ") && std::isdigit(static_cast<unsigned char>(line.size() > 2 ? line[2] : '\0')) != 0) {
    Marker(line.substr(2));
  } else if (line.starts_with("#pragma ")) {
    Pragma(line.substr(8));
  } else if (!line.starts_with("#ident ")) {
    Report("L1.preprocessed", "a line starts with " + std::string(line.substr(0, kMaxShown)));
  }
}

// `12 "file" flags`
void Lexer::Marker(std::string_view line) {
  int number = 0;
  std::from_chars(line.data(), line.data() + line.size(), number);
  const size_t open = line.find('"');
  const size_t close = line.rfind('"');
  if (open == std::string_view::npos || close <= open) return;
  file_ = std::string(line.substr(open + 1, std::min(close - open - 1, size_t{4096})));
  line_ = number - 1;  // of the marker itself; the newline behind it counts up
}

void Lexer::Pragma(std::string_view line) {
  std::string words;
  for (char c : line.substr(0, 256)) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank || (!words.empty() && words.back() != ' ')) words += blank ? ' ' : c;
  }
  for (const char* name : kPragmas) {
    if (words.starts_with(name)) Report("T6.symbol", "#pragma " + std::string(name) + " renames what is linked");
  }
}

Token Lexer::Next() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#' && line_start_) {
      Line();
      continue;
    }
    line_start_ = c == '\n';
    if (c == '\n') {
      ++line_;
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
      ++at_;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
               (c == '.' && std::isdigit(static_cast<unsigned char>(At(1))) != 0)) {
      Number();
    } else if (c == '\'') {
      Character();
    } else if (c == '"') {
      return String();
    } else if (StartsWord(c)) {
      return Word();
    } else {
      // Behind a preprocessor neither stands outside of a literal; a splice or a comment would hide what follows.
      if (c == '\\') Report("L1.preprocessed", "a backslash outside of a literal");
      if (c == '/' && (At(1) == '/' || At(1) == '*')) Report("L1.preprocessed", "a comment made of two tokens");
      // g++ takes what was preprocessed for just that. nvcc's front end reads directives in it anew.
      const bool hash = c == '#' || (c == '%' && At(1) == ':');
      if (hash && kind_ == KernelText::kCudaSource) Report("L1.preprocessed", "a directive made of tokens");
      // The other spelling of brackets.
      const size_t length = (c == '<' && At(1) == ':') || (c == ':' && At(1) == '>') ? 2 : 1;
      at_ += length;
      const std::string_view mark = text_.substr(at_ - length, length);
      return {Kind::kMark, mark == "<:" ? "[" : mark == ":>" ? "]" : mark};
    }
  }
  return {};
}

Token Lexer::Word() {
  const size_t begin = at_;
  while (InWord(At(0))) ++at_;
  const std::string_view word = text_.substr(begin, at_ - begin);
  if (At(0) == '"') {
    if (word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R") return RawString();
    if (word == "L" || word == "u" || word == "U" || word == "u8") return String();
  }
  return {Kind::kWord, word};
}

Token Lexer::String() {
  const size_t begin = ++at_;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
  at_ = std::min(at_, text_.size());
  const std::string_view inside = text_.substr(begin, at_ - begin);
  if (At(0) == '"') ++at_;
  return {Kind::kString, inside};
}

Token Lexer::RawString() {
  const size_t open = text_.find('(', at_);
  if (open == std::string_view::npos || open - at_ > 17) {
    Report("L1.preprocessed", "a raw string without an opening bracket");
    ++at_;
    return {Kind::kString, {}};
  }
  const std::string end = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
  const size_t close = std::min(text_.find(end, open), text_.size());
  const std::string_view inside = text_.substr(open + 1, close - open - 1);
  line_ += static_cast<int>(std::count(inside.begin(), inside.end(), '\n'));
  at_ = std::min(close + end.size(), text_.size());
  return {Kind::kString, inside};
}

// A preprocessing number: quotes inside it separate digits.
void Lexer::Number() {
  while (true) {
    const char c = At(0);
    const bool sign = (c == '+' || c == '-') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E' ||
                                                 text_[at_ - 1] == 'p' || text_[at_ - 1] == 'P');
    const bool separator = c == '\'' && InWord(At(1));
    if (!InWord(c) && c != '.' && !sign && !separator) return;
    ++at_;
  }
}

void Lexer::Character() {
  ++at_;
  while (at_ < text_.size() && text_[at_] != '\'' && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
  at_ = std::min(at_, text_.size());
  if (At(0) == '\'') ++at_;
}

bool IsName(std::string_view text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) && std::all_of(text.begin(), text.end(), InWord);
}

// The one asm statement by which nvcc puts compiled device code into the object: data and nothing else, line by line.
// Whoever writes such a statement too adds data.
bool IsFatBinary(std::string_view text) {
  constexpr std::string_view kNewLine = "\\n";
  bool section = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find(kNewLine), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + kNewLine.size(), text.size()));
    if (line == ".section .nv_fatbin, \\\"a\\\"") {
      section = true;
      continue;
    }
    const bool data = line.starts_with(".quad ") && line.find_first_not_of("0123456789abcdefx, ", 6) == std::string_view::npos;
    if (!section || !(data || line == ".align 8" || line == "fatbinData:" || line == ".text")) return false;
  }
  return section;
}

class Screener {
 public:
  Screener(std::string_view text, KernelText kind) : kind_(kind), lexer_(text, kind, &result_) {}

  Preprocessed Run() {
    Advance();
    while (token_.kind != Kind::kEnd) {
      if (token_.kind == Kind::kWord && Among(kAsm, token_.text)) {
        Asm();
      } else if (token_.kind == Kind::kWord && (token_.text == "__attribute__" || token_.text == "__attribute")) {
        Advance();
        Attribute();
      } else if (token_.kind == Kind::kMark && token_.text == "[") {
        Advance();
        if (token_.kind == Kind::kMark && token_.text == "[") Attribute();
      } else {
        Advance();
      }
    }
    return std::move(result_);
  }

 private:
  void Advance() { token_ = lexer_.Next(); }
  bool At(std::string_view mark) const { return token_.kind == Kind::kMark && token_.text == mark; }

  // System headers rename functions (asm ("memchr")) and hold a few single instructions; anything else is refused.
  // True when it went past an opening bracket.
  bool Asm() {
    Advance();
    bool statement = false;
    while (token_.kind == Kind::kWord && Among(kQualifiers, token_.text)) {
      statement = true;
      Advance();
    }
    if (!At("(")) return false;  // without a bracket it is no instruction
    Advance();
    std::string text;
    while (token_.kind == Kind::kString) {
      text += token_.text;
      Advance();
    }
    if (!IsPlainAsm(text, statement)) {
      lexer_.Report("T6.inline-asm",
                    "asm(\"" + text.substr(0, kMaxShown) + "\"): a kernel is written in C++ and intrinsics");
    }
    return true;
  }

  bool IsPlainAsm(const std::string& text, bool statement) const {
    if (kind_ == KernelText::kCudaSource) return true;
    if (kind_ == KernelText::kCudaHost && At(")") && IsFatBinary(text)) return true;
    const bool label = !statement && At(")") && IsName(text) && !Among(kInstructions, text);
    return label || (statement && Among(kHeaderAsm, text)) ||
           (statement && kind_ == KernelText::kCudaHost && Among(kCudaHeaderAsm, text));
  }

  // From the first bracket on: every name up to the bracket that closes it.
  void Attribute() {
    int depth = 0;
    do {
      if (At("[") || At("(")) ++depth;
      if (At("]") || At(")")) --depth;
      if (token_.kind == Kind::kWord) {
        const std::string_view name = WithoutUnderscores(token_.text);
        if (name == "target_clones") result_.target_clones = true;
        if (Among(kAttributes, name) && kind_ != KernelText::kCudaHost) {
          lexer_.Report("T6.attribute", "attribute " + std::string(name) + " makes code run or symbols bind outside the "
                                        "kernel's call");
        }
        if (Among(kAsm, token_.text)) {  // an argument may hold a block of code
          if (Asm()) ++depth;
          continue;
        }
      }
      Advance();
    } while (depth > 0 && token_.kind != Kind::kEnd);
  }

  Preprocessed result_;
  KernelText kind_;
  Lexer lexer_;
  Token token_;
};

}  // namespace

Preprocessed ScreenPreprocessed(std::string_view text, KernelText kind) { return Screener(text, kind).Run(); }

}  // namespace passnet::evaluator
