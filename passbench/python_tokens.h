// The tokens of the little Python that PassBench's files use, with line numbers, so that they can be read as data.
// Refused on the way: what Python itself refuses (text that is not UTF-8, indentation by tabs here and spaces there,
// integers with leading zeros or beyond its limit), and what no such file has: nesting beyond kMaxNesting, backslashes in
// strings, strings that span lines, a declared encoding, other characters.
// Threads: thread-safe functions. Borrows: tokens point into the text that was given.
// Errors: kInvalidArgument "FILE:LINE: what is wrong; what was expected".
// Source: The Python Language Reference, chapter 2 "Lexical analysis".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::passbench {

enum class TokenKind {
  kName,
  kInt,
  kFloat,
  kString,    // with its quotes, without prefix or backslash
  kOperator,  // longest match: "**=", "->", …
  kNewline,   // end of a logical line; none for blank lines and inside brackets
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  int line = 0;
  int indent = 0;  // characters before the first token of its logical line
  size_t offset = 0;
  size_t end() const { return offset + text.size(); }
};

// Chosen: real files nest three brackets deep; recursive readers stay far from the end of their stack.
inline constexpr int kMaxNesting = 64;

// Ends with kNewline (if the file has any token) and kEnd.
Result<std::vector<Token>> TokenizePython(std::string_view text, const std::string& file);

// A position in a token list, and the errors that name it. Never runs past kEnd.
class TokenCursor {
 public:
  TokenCursor(const std::vector<Token>& tokens, const std::string& file) : tokens_(tokens), file_(file) {}

  const Token& Peek() const { return tokens_[at_]; }
  const Token& PeekNext() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  const Token& Take();
  // Where the token taken last ends in the text; 0 before the first.
  size_t PreviousEnd() const { return at_ == 0 ? 0 : tokens_[at_ - 1].end(); }
  bool At(std::string_view text) const;  // a name or an operator with this text
  bool TakeIf(std::string_view text);
  Status Expect(std::string_view text);
  Result<std::string> ExpectName(std::string_view what);  // no keyword
  Status ExpectNewline();

  // "FILE:LINE: <wrong>; <expected> is expected", at the next token or at `token`.
  Error Wrong(const std::string& wrong, const std::string& expected) const { return WrongAt(Peek(), wrong, expected); }
  Error WrongAt(const Token& token, const std::string& wrong, const std::string& expected) const;
  // Wrong() with the next token's text as what is wrong.
  Error Unexpected(const std::string& expected) const;

 private:
  const std::vector<Token>& tokens_;
  const std::string& file_;
  size_t at_ = 0;
};

// A string token without its quotes.
std::string StringText(const Token& token);

// "if", "None", …: names that Python keeps for itself.
bool IsKeyword(std::string_view name);

// "FILE:LINE: wrong; expected is expected".
Error WrongLine(const std::string& file, int line, const std::string& wrong, const std::string& expected);

}  // namespace passnet::passbench
