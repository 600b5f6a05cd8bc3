#include "passbench/model_expression.h"

#include <array>
#include <span>
#include <utility>

#include "passbench/model_names.h"

namespace passnet::passbench {
namespace {

struct Operator {
  std::string_view text;
  std::string_view name;
};

// From the loosest to the tightest; "**" and unary operators have functions of their own.
constexpr std::array<Operator, 6> kComparisons{
    {{"==", "eq"}, {"!=", "ne"}, {"<", "lt"}, {"<=", "le"}, {">", "gt"}, {">=", "ge"}}};
constexpr std::array<Operator, 1> kOr{{{"|", "or_"}}};
constexpr std::array<Operator, 1> kXor{{{"^", "xor"}}};
constexpr std::array<Operator, 1> kAnd{{{"&", "and_"}}};
constexpr std::array<Operator, 2> kShifts{{{"<<", "lshift"}, {">>", "rshift"}}};
constexpr std::array<Operator, 2> kSums{{{"+", "add"}, {"-", "sub"}}};
constexpr std::array<Operator, 5> kProducts{
    {{"*", "mul"}, {"/", "truediv"}, {"//", "floordiv"}, {"%", "mod"}, {"@", "matmul"}}};
constexpr int kLevels = 7;

std::span<const Operator> Level(int level) {
  switch (level) {
    case 0: return kComparisons;
    case 1: return kOr;
    case 2: return kXor;
    case 3: return kAnd;
    case 4: return kShifts;
    case 5: return kSums;
    default: return kProducts;
  }
}

constexpr int kMaxLinks = 200;  // chosen: real models chain two or three calls or operators

bool IsCudaName(std::string_view text) { return text == "cuda" || text.starts_with("cuda:"); }

// Recursion that no bracket bounds: "-----x" and "a ** b ** c".
class Deeper {
 public:
  explicit Deeper(int& depth) : depth_(++depth) {}
  ~Deeper() { --depth_; }

 private:
  int& depth_;
};

}  // namespace

Status ExpressionReader::CheckDepth() const {
  // Chosen: one level a bracket, and some more for signs and powers; Python's own parser goes deeper.
  if (depth_ > 4 * kMaxNesting) return cursor_.Wrong("an expression nests too deeply", "straight-line code");
  return OkStatus();
}

// Each link is a level of Python's syntax tree, which it refuses to build some thousands deep.
Status ExpressionReader::CheckLinks(int links) const {
  if (links >= kMaxLinks) return cursor_.Wrong("an expression goes on for too long", "several statements");
  return OkStatus();
}

Operand ExpressionReader::Combine(Operand a, Operand b, std::string_view op) {
  if (a == Operand::kConstant && b == Operand::kConstant) return Operand::kConstant;
  model_.ops.emplace_back(op);
  return Operand::kValue;
}

Result<Operand> ExpressionReader::ReadBinary(int level) {
  if (level == kLevels) return ReadUnary();
  ASSIGN_OR_RETURN(Operand left, ReadBinary(level + 1));
  for (int operators = 0;; ++operators) {
    const Operator* found = nullptr;
    for (const Operator& candidate : Level(level)) {
      if (cursor_.At(candidate.text)) found = &candidate;
    }
    if (found == nullptr) return left;
    RETURN_IF_ERROR(CheckLinks(operators));
    // "a < b < c" is no operation on the result of "a < b".
    if (level == 0 && operators > 0) return cursor_.Wrong("a chain of comparisons", "one comparison, or brackets");
    cursor_.Take();
    ASSIGN_OR_RETURN(const Operand right, ReadBinary(level + 1));
    left = Combine(left, right, found->name);
  }
}

Result<Operand> ExpressionReader::ReadUnary() {
  const Deeper deeper(depth_);
  RETURN_IF_ERROR(CheckDepth());
  constexpr std::array<Operator, 3> kUnary{{{"-", "neg"}, {"+", "pos"}, {"~", "invert"}}};
  for (const Operator& op : kUnary) {
    if (!cursor_.TakeIf(op.text)) continue;
    ASSIGN_OR_RETURN(const Operand operand, ReadUnary());
    return Combine(operand, Operand::kConstant, op.name);
  }
  return ReadPower();
}

Result<Operand> ExpressionReader::ReadPower() {
  ASSIGN_OR_RETURN(const Operand base, ReadPostfix());
  if (!cursor_.TakeIf("**")) return base;
  ASSIGN_OR_RETURN(const Operand exponent, ReadUnary());
  return Combine(base, exponent, "pow");
}

Result<Operand> ExpressionReader::ReadPostfix() {
  ASSIGN_OR_RETURN(Operand operand, ReadAtom());
  for (int links = 0;; ++links) {
    RETURN_IF_ERROR(CheckLinks(links));
    if (cursor_.TakeIf(".")) {
      ASSIGN_OR_RETURN(operand, ReadAttribute(operand));
    } else if (cursor_.TakeIf("[")) {
      ASSIGN_OR_RETURN(const Operand index, ReadIndex());
      operand = Combine(operand, index, "getitem");
    } else if (cursor_.At("(")) {
      return cursor_.Wrong("the result of an expression is called", "a call of torch's or a tensor's own function");
    } else {
      return operand;
    }
  }
}

Result<Operand> ExpressionReader::ReadAttribute(Operand on) {
  const Token at = cursor_.Peek();
  ASSIGN_OR_RETURN(const std::string name, cursor_.ExpectName("an attribute"));
  if (on == Operand::kConstant) return cursor_.WrongAt(at, "." + name + " of a constant", "a tensor before the dot");
  if (!cursor_.At("(")) {
    if (!IsTensorAttribute(name)) {
      return cursor_.WrongAt(at, "attribute ." + name, "a tensor's method or shape, dtype, …");
    }
    model_.ops.emplace_back("getattr");
    return Operand::kValue;
  }
  if (!IsTensorMethod(name)) {
    return cursor_.WrongAt(at, "method ." + name + "() is not allowed", "a tensor's computing method");
  }
  RETURN_IF_ERROR(ReadArguments());
  model_.ops.push_back("Tensor." + name);
  return Operand::kValue;
}

Result<Operand> ExpressionReader::ReadAtom() {
  const Token& token = cursor_.Peek();
  switch (token.kind) {
    case TokenKind::kInt:
    case TokenKind::kFloat:
      cursor_.Take();
      return Operand::kConstant;
    case TokenKind::kString:
      if (IsCudaName(StringText(token))) model_.device_literals.push_back({token.offset, token.end()});
      cursor_.Take();
      return Operand::kConstant;
    case TokenKind::kName:
      return ReadName();
    case TokenKind::kOperator:
      if (cursor_.TakeIf("...")) return Operand::kConstant;
      if (cursor_.TakeIf("(")) return ReadSequence(")");
      if (cursor_.TakeIf("[")) return ReadSequence("]");
      break;
    case TokenKind::kNewline:
    case TokenKind::kEnd:
      break;
  }
  return cursor_.Unexpected("an expression");
}

// Elements up to the closing bracket. A tensor in a list makes the list a value.
Result<Operand> ExpressionReader::ReadSequence(std::string_view closing) {
  Operand all = Operand::kConstant;
  while (!cursor_.TakeIf(closing)) {
    ASSIGN_OR_RETURN(const Operand element, Read());
    if (element == Operand::kValue) all = Operand::kValue;
    if (!cursor_.At(closing)) RETURN_IF_ERROR(cursor_.Expect(","));
  }
  return all;
}

Result<Operand> ExpressionReader::ReadName() {
  const Token token = cursor_.Peek();
  const std::string name(token.text);
  if (name == "torch") return ReadTorch();
  cursor_.Take();
  if (name == "None" || name == "True" || name == "False" || name == "Ellipsis") return Operand::kConstant;
  if (name == "slice") {
    if (!cursor_.At("(")) return cursor_.Unexpected("\"(\" after slice");
    return ReadArguments();
  }
  if (imported_.contains(name)) return name == "device" ? ReadDevice(token.offset) : Operand::kConstant;
  if (variables_.contains(name)) return Operand::kValue;
  return cursor_.WrongAt(token, "\"" + name + "\" is not known here",
                         "forward's parameters, earlier results, torch and slice()");
}

Result<Operand> ExpressionReader::ReadTorch() {
  const Token start = cursor_.Take();
  std::string path = "torch";
  while (cursor_.TakeIf(".")) {
    ASSIGN_OR_RETURN(const std::string part, cursor_.ExpectName("a name of torch"));
    path += "." + part;
  }
  if (path == "torch.device") return ReadDevice(start.offset);
  if (!cursor_.At("(")) {
    if (IsTorchConstant(path)) return Operand::kConstant;
    return cursor_.WrongAt(start, path + " is not a constant of torch", "a call, or a dtype such as torch.float32");
  }
  if (!IsTorchFunction(path)) {
    return cursor_.WrongAt(start, path + "() is not allowed", "a computing function of torch");
  }
  ASSIGN_OR_RETURN(const Operand arguments, ReadArguments());
  if (path == "torch.Size") return arguments;
  model_.ops.push_back(path.substr(path.rfind('.') + 1));
  return Operand::kValue;
}

// device(type='cuda', index=0), device('cuda:0'): the whole call is the literal when it names CUDA.
Result<Operand> ExpressionReader::ReadDevice(size_t begin) {
  if (!cursor_.At("(")) return cursor_.Unexpected("\"(\" after device");
  const size_t before = model_.device_literals.size();
  ASSIGN_OR_RETURN(const Operand arguments, ReadArguments());
  if (arguments == Operand::kValue) return cursor_.Wrong("device() of a computed value", "literals");
  if (model_.device_literals.size() > before) {
    model_.device_literals.resize(before);
    model_.device_literals.push_back({begin, cursor_.PreviousEnd()});
  }
  return Operand::kConstant;
}

Result<Operand> ExpressionReader::ReadArguments() {
  RETURN_IF_ERROR(cursor_.Expect("("));
  Operand all = Operand::kConstant;
  std::set<std::string> keywords;
  while (!cursor_.TakeIf(")")) {
    if (cursor_.Peek().kind == TokenKind::kName && cursor_.PeekNext().text == "=") {
      ASSIGN_OR_RETURN(const std::string name, cursor_.ExpectName("the name of an argument"));
      const bool is_new = keywords.insert(name).second;
      if (!is_new || name.starts_with("__")) return cursor_.Wrong("argument " + name, "names of arguments, each once");
      cursor_.Take();
    } else if (!keywords.empty()) {
      return cursor_.Unexpected("a named argument after a named one");
    }
    ASSIGN_OR_RETURN(const Operand argument, Read());
    if (argument == Operand::kValue) all = Operand::kValue;
    if (!cursor_.At(")")) RETURN_IF_ERROR(cursor_.Expect(","));
  }
  return all;
}

Result<Operand> ExpressionReader::ReadIndex() {
  Operand all = Operand::kConstant;
  do {
    ASSIGN_OR_RETURN(const Operand item, ReadIndexItem());
    if (item == Operand::kValue) all = Operand::kValue;
  } while (cursor_.TakeIf(",") && !cursor_.At("]"));
  RETURN_IF_ERROR(cursor_.Expect("]"));
  return all;
}

// "a" or "[a]:[b][:[c]]".
Result<Operand> ExpressionReader::ReadIndexItem() {
  Operand all = Operand::kConstant;
  for (int colons = 0; colons < 3; ++colons) {
    const bool left_out = cursor_.At(":") || (colons > 0 && (cursor_.At(",") || cursor_.At("]")));
    if (!left_out) {
      ASSIGN_OR_RETURN(const Operand part, Read());
      if (part == Operand::kValue) all = Operand::kValue;
    }
    if (colons == 2 || !cursor_.TakeIf(":")) break;
  }
  return all;
}

Result<size_t> ExpressionReader::ReadReturned() {
  const bool bracketed = cursor_.TakeIf("(");
  const auto at_end = [this] {
    return cursor_.Peek().kind == TokenKind::kNewline || cursor_.At(";") || cursor_.At(")");
  };
  if (!bracketed && at_end()) return cursor_.Unexpected("what is returned");
  const bool doubly_bracketed = bracketed && cursor_.At("(");
  size_t values = 0;
  bool comma = false;
  while (!at_end()) {
    RETURN_IF_ERROR(Read());
    ++values;
    comma = cursor_.TakeIf(",");
    if (!comma) break;
  }
  // The inner brackets may hold several values.
  if (doubly_bracketed && values == 1 && !comma) return cursor_.Wrong("brackets in brackets", "(a, b)");
  if (bracketed) RETURN_IF_ERROR(cursor_.Expect(")"));
  return values;
}

}  // namespace passnet::passbench
