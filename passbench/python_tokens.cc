#include "passbench/python_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace passnet::passbench {
namespace {

// The longest match wins, so longer ones come first.
constexpr std::array<std::string_view, 23> kLongOperators{
    "**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "<=", ">=", "==",
    "!=",  "->",  "+=",  "-=",  "*=",  "/=", "%=", "&=", "|=", "^=", "@="};
constexpr std::string_view kOperators1 = "+-*/%@&|^~<>()[]{}:,.;=";

constexpr std::array<std::string_view, 35> kKeywords{
    "False", "None",   "True",    "and",  "as",   "assert", "async",  "await",    "break",  "class", "continue", "def",
    "del",   "elif",   "else",    "except", "finally", "for", "from",  "global",   "if",     "import", "in",     "is",
    "lambda", "nonlocal", "not",  "or",   "pass", "raise",  "return", "try",      "while",  "with",  "yield"};
constexpr size_t kMaxDigits = 4300;  // Python's own limit (sys.get_int_max_str_digits)

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

std::string Printable(char c) {
  const auto code = static_cast<unsigned char>(c);
  if (code >= 0x20 && code < 0x7f) return std::string("\"") + c + "\"";
  constexpr std::string_view kHex = "0123456789abcdef";
  return std::string("byte 0x") + kHex[code >> 4] + kHex[code & 15];
}

class Tokenizer {
 public:
  Tokenizer(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Result<std::vector<Token>> Run() {
    RETURN_IF_ERROR(CheckText());
    while (at_ < text_.size()) RETURN_IF_ERROR(Step());
    if (!open_.empty()) {
      return WrongLine(file_, open_.back().line, "\"" + std::string(open_.back().text) + "\" is never closed",
                       "a closing bracket");
    }
    EndLogicalLine();
    RETURN_IF_ERROR(Add(TokenKind::kEnd, 0));
    return std::move(tokens_);
  }

 private:
  // What Python looks at before any token.
  Status CheckText() const {
    for (size_t at = 0, line = 1; at < text_.size(); ++at) {
      if (text_[at] == '\0') return Refused(line, "a NUL byte", "plain text");
      if (text_[at] == '\r' && At(at + 1) != '\n') return Refused(line, "a carriage return inside a line", "\\n or \\r\\n");
      if (text_[at] == '\n') ++line;
    }
    if (!IsUtf8(text_)) return Refused(1, "text that is not UTF-8", "UTF-8");
    return OkStatus();
  }

  Error Refused(size_t line, const std::string& wrong, const std::string& expected) const {
    return WrongLine(file_, static_cast<int>(line), wrong, expected);
  }

  Status Step() {
    const char c = text_[at_];
    if (c == '\n') return EndPhysicalLine();
    if (c == ' ' || c == '\t' || c == '\r') return Skip(1);
    if (c == '#') return SkipComment();
    if (!in_line_) RETURN_IF_ERROR(StartLogicalLine());
    if (IsNameStart(c)) return Add(TokenKind::kName, CountWhile(at_, IsNamePart));
    if (IsDigit(c) || (c == '.' && IsDigit(At(at_ + 1)))) return AddNumber();
    if (c == '\'' || c == '"') return AddString(c);
    return AddOperator();
  }

  char At(size_t index) const { return index < text_.size() ? text_[index] : '\0'; }

  size_t CountWhile(size_t from, bool (*keep)(char)) const {
    size_t end = from;
    while (end < text_.size() && keep(text_[end])) ++end;
    return end - from;
  }

  Status Skip(size_t count) {
    at_ += count;
    return OkStatus();
  }

  Status SkipComment() {
    const std::string_view comment = text_.substr(at_, std::min(text_.find('\n', at_), text_.size()) - at_);
    // There Python looks for the encoding of the file (PEP 263).
    if (line_ <= 2 && (comment.find("coding:") != comment.npos || comment.find("coding=") != comment.npos)) {
      return WrongLine(file_, line_, "a declared encoding", "UTF-8 without saying so");
    }
    return Skip(comment.size());
  }

  Status StartLogicalLine() {
    in_line_ = true;
    const std::string_view margin = text_.substr(line_begin_, at_ - line_begin_);
    indent_ = static_cast<int>(margin.size());
    if (margin.empty()) return OkStatus();
    if (margin_ == '\0') margin_ = margin.front();
    if (margin.find_first_not_of(margin_) == margin.npos) return OkStatus();
    return WrongLine(file_, line_, "indentation by tabs and by spaces", "one of them in the whole file");
  }

  void EndLogicalLine() {
    if (in_line_) tokens_.push_back({TokenKind::kNewline, text_.substr(at_, 0), line_, indent_, at_});
    in_line_ = false;
  }

  Status EndPhysicalLine() {
    if (open_.empty()) EndLogicalLine();
    ++line_;
    line_begin_ = ++at_;
    return OkStatus();
  }

  Status Add(TokenKind kind, size_t size) {
    tokens_.push_back({kind, text_.substr(at_, size), line_, indent_, at_});
    at_ += size;
    return OkStatus();
  }

  Status AddNumber() {
    size_t end = at_ + CountWhile(at_, IsDigit);
    TokenKind kind = TokenKind::kInt;
    if (At(end) == '.') {
      kind = TokenKind::kFloat;
      ++end;
      end += CountWhile(end, IsDigit);
    }
    if (At(end) == 'e' || At(end) == 'E') {
      size_t digits = end + (At(end + 1) == '+' || At(end + 1) == '-' ? 2 : 1);
      if (IsDigit(At(digits))) {
        kind = TokenKind::kFloat;
        end = digits + CountWhile(digits, IsDigit);
      }
    }
    if (IsNamePart(At(end))) {
      return WrongLine(file_, line_, "a number goes on with " + Printable(At(end)), "a plain decimal number");
    }
    if (kind == TokenKind::kInt && (end - at_ > kMaxDigits || (end - at_ > 1 && At(at_) == '0'))) {
      return WrongLine(file_, line_, "an integer with leading zeros or thousands of digits", "a plain decimal number");
    }
    return Add(kind, end - at_);
  }

  Status AddString(char quote) {
    size_t end = at_ + 1;
    for (; end < text_.size() && text_[end] != quote && text_[end] != '\n'; ++end) {
      if (text_[end] == '\\') return WrongLine(file_, line_, "a string with a backslash", "a plain string");
    }
    if (At(end) != quote) return WrongLine(file_, line_, "a string does not end on its line", "a closing quote");
    if (end == at_ + 1 && At(end + 1) == quote) {
      return WrongLine(file_, line_, "a triple-quoted string", "a string on one line");
    }
    return Add(TokenKind::kString, end + 1 - at_);
  }

  size_t OperatorSize() const {
    const std::string_view rest = text_.substr(at_);
    for (std::string_view op : kLongOperators) {
      if (rest.starts_with(op)) return op.size();
    }
    return kOperators1.find(rest.front()) != std::string_view::npos ? 1 : 0;
  }

  Status AddOperator() {
    const size_t size = OperatorSize();
    if (size == 0) return WrongLine(file_, line_, Printable(text_[at_]), "plain PassBench Python");
    RETURN_IF_ERROR(Add(TokenKind::kOperator, size));
    return TrackBrackets(tokens_.back());
  }

  Status TrackBrackets(const Token& token) {
    constexpr std::string_view kOpening = "([{";
    constexpr std::string_view kClosing = ")]}";
    if (token.text.size() != 1) return OkStatus();
    if (kOpening.find(token.text) != std::string_view::npos) {
      if (open_.size() == kMaxNesting) {
        return WrongLine(file_, line_, "brackets nest deeper than " + std::to_string(kMaxNesting), "flat expressions");
      }
      open_.push_back(token);
    } else if (size_t which = kClosing.find(token.text); which != std::string_view::npos) {
      if (open_.empty() || open_.back().text.front() != kOpening[which]) {
        return WrongLine(file_, line_, "\"" + std::string(token.text) + "\" closes nothing", "balanced brackets");
      }
      open_.pop_back();
    }
    return OkStatus();
  }

  std::string_view text_;
  const std::string& file_;
  std::vector<Token> tokens_;
  std::vector<Token> open_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  int line_ = 1;
  int indent_ = 0;
  char margin_ = '\0';  // what the file's lines are indented with
  bool in_line_ = false;
};

std::string Describe(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the file ends";
  if (token.kind == TokenKind::kNewline) return "the line ends";
  return "\"" + std::string(token.text.substr(0, 60)) + "\"";
}

}  // namespace

Error WrongLine(const std::string& file, int line, const std::string& wrong, const std::string& expected) {
  return InvalidArgument(file + ":" + std::to_string(line) + ": " + wrong + "; " + expected + " is expected");
}

Result<std::vector<Token>> TokenizePython(std::string_view text, const std::string& file) {
  return Tokenizer(text, file).Run();
}

const Token& TokenCursor::Take() {
  const Token& token = tokens_[at_];
  if (token.kind != TokenKind::kEnd) ++at_;
  return token;
}

bool TokenCursor::At(std::string_view text) const {
  const Token& token = Peek();
  return (token.kind == TokenKind::kName || token.kind == TokenKind::kOperator) && token.text == text;
}

bool TokenCursor::TakeIf(std::string_view text) {
  if (!At(text)) return false;
  Take();
  return true;
}

Status TokenCursor::Expect(std::string_view text) {
  if (TakeIf(text)) return OkStatus();
  return Unexpected("\"" + std::string(text) + "\"");
}

Result<std::string> TokenCursor::ExpectName(std::string_view what) {
  if (Peek().kind != TokenKind::kName || IsKeyword(Peek().text)) return Unexpected(std::string(what));
  return std::string(Take().text);
}

Status TokenCursor::ExpectNewline() {
  if (Peek().kind != TokenKind::kNewline) return Unexpected("the end of the line");
  Take();
  return OkStatus();
}

Error TokenCursor::WrongAt(const Token& token, const std::string& wrong, const std::string& expected) const {
  return WrongLine(file_, token.line, wrong, expected);
}

Error TokenCursor::Unexpected(const std::string& expected) const { return Wrong(Describe(Peek()), expected); }

std::string StringText(const Token& token) { return std::string(token.text.substr(1, token.text.size() - 2)); }

bool IsKeyword(std::string_view name) { return std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end(); }

}  // namespace passnet::passbench
