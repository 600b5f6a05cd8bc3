#include "passbench/weight_meta.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <utility>

#include "passbench/python_tokens.h"

namespace passnet::passbench {
namespace {

constexpr size_t kMaxRank = 64;  // of a torch tensor

// None, a number, a string or a flat list of numbers.
using Value = std::variant<std::monostate, Number, std::string, std::vector<Number>>;

std::optional<double> SpecialFloat(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "inf" || text == "infinity") return negative ? -INFINITY : INFINITY;
  if (text == "nan") return NAN;
  return std::nullopt;
}

// Names that values are read by: as attributes or classes they would be something else.
bool IsValueName(std::string_view name) { return name == "inf" || name == "nan" || name == "float"; }

class Reader {
 public:
  Reader(const std::vector<Token>& tokens, const std::string& file) : cursor_(tokens, file) {}

  Result<std::vector<TensorMeta>> Run() {
    while (cursor_.Peek().kind != TokenKind::kEnd) {
      ASSIGN_OR_RETURN(tensors_.emplace_back(), ReadClass());
    }
    return std::move(tensors_);
  }

 private:
  Result<TensorMeta> ReadClass() {
    const Token start = cursor_.Peek();
    if (start.indent != 0 || !cursor_.At("class")) return cursor_.Unexpected("an unindented \"class NAME:\"");
    cursor_.Take();
    TensorMeta meta;
    meta.line = start.line;
    ASSIGN_OR_RETURN(meta.class_name, ReadName("a class name"));
    if (!class_names_.insert(meta.class_name).second) {
      return cursor_.WrongAt(start, "class " + meta.class_name + " is defined twice", "one class a tensor");
    }
    RETURN_IF_ERROR(cursor_.Expect(":"));
    RETURN_IF_ERROR(cursor_.ExpectNewline());
    RETURN_IF_ERROR(ReadBody(meta));
    RETURN_IF_ERROR(Check(meta, start));
    return meta;
  }

  Result<std::string> ReadName(std::string_view what) {
    if (IsValueName(cursor_.Peek().text)) return cursor_.Unexpected(std::string(what));
    return cursor_.ExpectName(what);
  }

  Status ReadBody(TensorMeta& meta) {
    seen_.clear();
    const int indent = cursor_.Peek().indent;
    if (indent == 0) return cursor_.Unexpected("an indented attribute of class " + meta.class_name);
    while (cursor_.Peek().kind != TokenKind::kEnd && cursor_.Peek().indent > 0) {
      if (cursor_.Peek().indent != indent) return cursor_.Wrong("the indentation changes", "one attribute a line");
      RETURN_IF_ERROR(ReadAttribute(meta));
    }
    return OkStatus();
  }

  Status ReadAttribute(TensorMeta& meta) {
    const Token at = cursor_.Peek();
    ASSIGN_OR_RETURN(std::string key, ReadName("an attribute name"));
    if (!seen_.insert(key).second) return cursor_.WrongAt(at, key + " is given twice", "one value");
    RETURN_IF_ERROR(cursor_.Expect("="));
    ASSIGN_OR_RETURN(Value value, ReadValue());
    RETURN_IF_ERROR(cursor_.ExpectNewline());
    return Store(meta, key, std::move(value), at);
  }

  Result<Value> ReadValue() {
    const Token& token = cursor_.Peek();
    if (token.kind == TokenKind::kString) return Value(StringText(cursor_.Take()));
    if (cursor_.TakeIf("None")) return Value(std::monostate());
    if (cursor_.TakeIf("[")) return ReadList();
    ASSIGN_OR_RETURN(Number number, ReadNumber());
    return Value(number);
  }

  Result<Value> ReadList() {
    std::vector<Number> numbers;
    while (!cursor_.TakeIf("]")) {
      ASSIGN_OR_RETURN(numbers.emplace_back(), ReadNumber());
      if (!cursor_.At("]")) RETURN_IF_ERROR(cursor_.Expect(","));
    }
    return Value(std::move(numbers));
  }

  Result<Number> ReadNumber() {
    const bool negative = cursor_.TakeIf("-");
    if (!negative) cursor_.TakeIf("+");
    const Token token = cursor_.Peek();
    if (token.kind == TokenKind::kInt) {
      cursor_.Take();
      return ReadInt(token, negative);
    }
    if (token.kind == TokenKind::kFloat) {
      cursor_.Take();
      const double value = std::strtod(std::string(token.text).c_str(), nullptr);
      return Number(negative ? -value : value);
    }
    if (cursor_.TakeIf("True")) return Number(int64_t{negative ? -1 : 1});
    if (cursor_.TakeIf("False")) return Number(int64_t{0});
    ASSIGN_OR_RETURN(double value, ReadSpecialFloat());
    return Number(negative ? -value : value);
  }

  Result<Number> ReadInt(const Token& token, bool negative) {
    const std::string digits = (negative ? "-" : "") + std::string(token.text);
    errno = 0;
    const long long value = std::strtoll(digits.c_str(), nullptr, 10);
    if (errno == ERANGE) return cursor_.WrongAt(token, digits + " does not fit in 64 bits", "a smaller integer");
    return Number(int64_t{value});
  }

  // inf, nan, float("inf"), float('-inf'), float("nan").
  Result<double> ReadSpecialFloat() {
    if (cursor_.TakeIf("inf")) return double{INFINITY};
    if (cursor_.TakeIf("nan")) return double{NAN};
    if (!cursor_.TakeIf("float")) return cursor_.Unexpected("a number");
    RETURN_IF_ERROR(cursor_.Expect("("));
    const Token argument = cursor_.Take();
    std::optional<double> value;
    if (argument.kind == TokenKind::kString) value = SpecialFloat(StringText(argument));
    if (!value) {
      return cursor_.WrongAt(argument, "float() of something else", "float(\"inf\"), float(\"-inf\") or float(\"nan\")");
    }
    RETURN_IF_ERROR(cursor_.Expect(")"));
    return *value;
  }

  Status Store(TensorMeta& meta, const std::string& key, Value value, const Token& at) {
    if (key == "name") return StoreText(meta.name, key, value, at);
    if (key == "device") return StoreText(meta.device, key, value, at);
    if (key == "dtype") return StoreDType(meta, value, at);
    if (key == "shape") return StoreShape(meta, value, at);
    if (key == "mean") return StoreDouble(meta.mean, key, value, at);
    if (key == "std") return StoreDouble(meta.std, key, value, at);
    if (key == "min_val") return StoreNumber(meta.min_val, key, value, at);
    if (key == "max_val") return StoreNumber(meta.max_val, key, value, at);
    if (key == "data") return StoreData(meta, value, at);
    return OkStatus();  // original_name and whatever later data sets add
  }

  Status StoreText(std::string& to, const std::string& key, Value& value, const Token& at) {
    auto* text = std::get_if<std::string>(&value);
    if (text == nullptr || text->empty()) return cursor_.WrongAt(at, key + " is no text", key + " = \"…\"");
    to = std::move(*text);
    return OkStatus();
  }

  Status StoreDType(TensorMeta& meta, Value& value, const Token& at) {
    auto* text = std::get_if<std::string>(&value);
    auto dtype = text == nullptr ? std::nullopt : ParseDType(*text);
    if (!dtype) {
      const std::string what = text == nullptr ? "is no text" : "\"" + *text + "\" is unknown";
      return cursor_.WrongAt(at, "dtype " + what,
                             "torch.float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8 or bool");
    }
    meta.dtype = *dtype;
    return OkStatus();
  }

  Status StoreShape(TensorMeta& meta, Value& value, const Token& at) {
    auto* numbers = std::get_if<std::vector<Number>>(&value);
    if (numbers == nullptr) return cursor_.WrongAt(at, "shape is no list", "shape = [2, 3] or []");
    if (numbers->size() > kMaxRank) return cursor_.WrongAt(at, "shape has too many dimensions", "at most 64");
    for (const Number& number : *numbers) {
      const auto* size = std::get_if<int64_t>(&number);
      if (size == nullptr || *size < 0) return cursor_.WrongAt(at, "shape holds a bad size", "integers of at least 0");
      meta.shape.push_back(*size);
    }
    return OkStatus();
  }

  Status StoreDouble(std::optional<double>& to, const std::string& key, Value& value, const Token& at) {
    if (std::holds_alternative<std::monostate>(value)) return OkStatus();
    auto* number = std::get_if<Number>(&value);
    if (number == nullptr) return cursor_.WrongAt(at, key + " is no number", "a number or None");
    to = AsDouble(*number);
    return OkStatus();
  }

  Status StoreNumber(std::optional<Number>& to, const std::string& key, Value& value, const Token& at) {
    if (std::holds_alternative<std::monostate>(value)) return OkStatus();
    auto* number = std::get_if<Number>(&value);
    if (number == nullptr || std::isnan(AsDouble(*number))) {
      return cursor_.WrongAt(at, key + " is no number", "a number or None");
    }
    to = *number;
    return OkStatus();
  }

  Status StoreData(TensorMeta& meta, Value& value, const Token& at) {
    if (std::holds_alternative<std::monostate>(value)) return OkStatus();
    auto* numbers = std::get_if<std::vector<Number>>(&value);
    if (numbers == nullptr) return cursor_.WrongAt(at, "data is no list", "data = [1, 2, …] or None");
    meta.data = std::move(*numbers);
    return OkStatus();
  }

  Status Check(const TensorMeta& meta, const Token& at) {
    const std::string who = "class " + meta.class_name;
    for (const char* key : {"name", "shape", "dtype"}) {
      if (!seen_.contains(key)) return cursor_.WrongAt(at, who + " has no " + key, std::string(key) + " = …");
    }
    if (!tensor_names_.insert(meta.name).second) {
      return cursor_.WrongAt(at, "tensor " + meta.name + " is described twice", "one class a tensor");
    }
    uint64_t bytes = DTypeBytes(meta.dtype);
    for (int64_t size : meta.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) bytes = kMaxTensorBytes + 1;
      if (bytes > kMaxTensorBytes) {
        return cursor_.WrongAt(at, who + " has a tensor of more than " + std::to_string(kMaxTensorBytes) + " bytes",
                               "a smaller shape");
      }
    }
    if (meta.data && !meta.IsRanged() && meta.data->size() != static_cast<size_t>(meta.Elements())) {
      return cursor_.WrongAt(at, who + " has " + std::to_string(meta.data->size()) + " values of data",
                             std::to_string(meta.Elements()) + " (the product of shape)");
    }
    return CheckRange(meta, at);
  }

  Status CheckRange(const TensorMeta& meta, const Token& at) {
    if (!meta.min_val || !meta.max_val) return OkStatus();
    if (AsDouble(*meta.min_val) > AsDouble(*meta.max_val)) {
      return cursor_.WrongAt(at, "class " + meta.class_name + " has min_val above max_val", "min_val <= max_val");
    }
    return OkStatus();
  }

  TokenCursor cursor_;
  std::vector<TensorMeta> tensors_;
  std::set<std::string> class_names_;
  std::set<std::string> tensor_names_;
  std::set<std::string> seen_;  // attributes of the class being read
};

}  // namespace

double AsDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

int64_t TensorMeta::Elements() const {
  int64_t elements = 1;
  for (int64_t size : shape) elements *= size;
  return elements;
}

uint64_t TensorMeta::Bytes() const { return static_cast<uint64_t>(Elements()) * DTypeBytes(dtype); }

bool TensorMeta::IsRanged() const { return IsSignedInteger(dtype) && min_val && max_val; }

Result<std::vector<TensorMeta>> ParseWeightMeta(std::string_view text, const std::string& file) {
  ASSIGN_OR_RETURN(const std::vector<Token> tokens, TokenizePython(text, file));
  return Reader(tokens, file).Run();
}

}  // namespace passnet::passbench
