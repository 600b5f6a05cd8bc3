#include "passbench/model_source.h"

#include <array>
#include <set>
#include <utility>

#include "passbench/model_expression.h"
#include "passbench/model_names.h"
#include "passbench/python_tokens.h"

namespace passnet::passbench {
namespace {

struct AugmentedOperator {
  std::string_view text;
  std::string_view name;
};
constexpr std::array<AugmentedOperator, 13> kAugmented{{{"+=", "iadd"},
                                                        {"-=", "isub"},
                                                        {"*=", "imul"},
                                                        {"/=", "itruediv"},
                                                        {"//=", "ifloordiv"},
                                                        {"%=", "imod"},
                                                        {"**=", "ipow"},
                                                        {"@=", "imatmul"},
                                                        {"&=", "iand"},
                                                        {"|=", "ior"},
                                                        {"^=", "ixor"},
                                                        {"<<=", "ilshift"},
                                                        {">>=", "irshift"}}};

constexpr int kMaxIndent = 100;  // chosen

class ModelReader {
 public:
  ModelReader(const std::vector<Token>& tokens, const std::string& file, ModelSource& model)
      : cursor_(tokens, file), expression_(cursor_, variables_, imported_, model), model_(model) {}

  Status Run() {
    RETURN_IF_ERROR(ReadImports());
    RETURN_IF_ERROR(ReadClassHead());
    RETURN_IF_ERROR(ReadForwardHead());
    RETURN_IF_ERROR(ReadBody());
    if (cursor_.Peek().kind != TokenKind::kEnd) return cursor_.Unexpected("the end of the file after forward");
    return OkStatus();
  }

 private:
  Status ReadImports() {
    bool torch = false;
    while (cursor_.At("import") || cursor_.At("from")) {
      RETURN_IF_ERROR(CheckIndent(0, 0));
      if (cursor_.TakeIf("import")) {
        if (!cursor_.TakeIf("torch")) return cursor_.Unexpected("\"import torch\" and no other module");
        torch = true;
      } else {
        RETURN_IF_ERROR(ReadFromTorch());
      }
      if (cursor_.Peek().kind != TokenKind::kNewline) return cursor_.Unexpected("one plain import a line");
      cursor_.Take();
    }
    if (!torch) return cursor_.Unexpected("\"import torch\" first");
    return OkStatus();
  }

  Status ReadFromTorch() {
    cursor_.Take();
    if (!cursor_.TakeIf("torch")) return cursor_.Unexpected("\"from torch import device\"");
    RETURN_IF_ERROR(cursor_.Expect("import"));
    do {
      if (!cursor_.At("device") && !cursor_.At("inf") && !cursor_.At("nan")) {
        return cursor_.Unexpected("device, inf or nan");
      }
      imported_.emplace(cursor_.Take().text);
    } while (cursor_.TakeIf(","));
    return OkStatus();
  }

  // Blocks are told by their indentation, each deeper than the one around it.
  Status CheckIndent(int min, int max) const {
    const int indent = cursor_.Peek().indent;
    if (indent >= min && indent <= max) return OkStatus();
    return cursor_.Wrong("the line is indented by " + std::to_string(indent), "a class, in it forward, in it the code");
  }

  Status ReadClassHead() {
    RETURN_IF_ERROR(CheckIndent(0, 0));
    for (std::string_view text : {"class", "GraphModule", "(", "torch", ".", "nn", ".", "Module", ")", ":"}) {
      if (!cursor_.TakeIf(text)) return cursor_.Unexpected("\"class GraphModule(torch.nn.Module):\"");
    }
    return cursor_.ExpectNewline();
  }

  Status ReadForwardHead() {
    forward_indent_ = cursor_.Peek().indent;
    RETURN_IF_ERROR(CheckIndent(1, kMaxIndent));
    if (!cursor_.TakeIf("def")) return cursor_.Unexpected("\"def forward(self, …):\"");
    if (!cursor_.TakeIf("forward")) return cursor_.Unexpected("forward, the only method,");
    RETURN_IF_ERROR(cursor_.Expect("("));
    RETURN_IF_ERROR(cursor_.Expect("self"));
    while (!cursor_.TakeIf(")")) {
      RETURN_IF_ERROR(cursor_.Expect(","));
      if (!cursor_.At(")")) RETURN_IF_ERROR(ReadParameter());
    }
    RETURN_IF_ERROR(cursor_.Expect(":"));
    return cursor_.ExpectNewline();
  }

  Status ReadParameter() {
    ASSIGN_OR_RETURN(const std::string name, ReadVariableName());
    if (!variables_.insert(name).second) return cursor_.Wrong("parameter " + name + " is repeated", "distinct names");
    model_.forward_parameters.push_back(name);
    if (!cursor_.TakeIf(":")) return OkStatus();
    const Token at = cursor_.Peek();
    ASSIGN_OR_RETURN(std::string type, cursor_.ExpectName("torch.Tensor as the parameter's type"));
    while (cursor_.TakeIf(".")) {
      ASSIGN_OR_RETURN(const std::string part, cursor_.ExpectName("a name of torch"));
      type += "." + part;
    }
    if (type == "torch.Tensor" || type == "torch.nn.parameter.Parameter") return OkStatus();
    return cursor_.WrongAt(at, "the parameter's type " + type, "torch.Tensor or torch.nn.parameter.Parameter");
  }

  Result<std::string> ReadVariableName() {
    const Token at = cursor_.Peek();
    ASSIGN_OR_RETURN(std::string name, cursor_.ExpectName("a variable"));
    const bool reserved = IsKeyword(name) || name == "torch" || name == "device" || name == "slice" ||
                          name == "Ellipsis" || name == "inf" || name == "nan" || name == "self";
    if (reserved || name.starts_with("__")) {
      return cursor_.WrongAt(at, "\"" + name + "\" cannot be a variable here", "a name such as tmp_3");
    }
    return name;
  }

  Status ReadBody() {
    const int indent = cursor_.Peek().indent;
    RETURN_IF_ERROR(CheckIndent(forward_indent_ + 1, kMaxIndent));
    bool returned = false;
    while (cursor_.Peek().kind != TokenKind::kEnd) {
      if (returned) return cursor_.Unexpected("nothing after return");
      if (cursor_.Peek().indent != indent) return cursor_.Wrong("the indentation changes", "straight-line code");
      ASSIGN_OR_RETURN(returned, ReadLine());
    }
    if (!returned) return cursor_.Unexpected("a return at the end of forward");
    return OkStatus();
  }

  // True when the line returns.
  Result<bool> ReadLine() {
    for (;;) {
      if (cursor_.TakeIf("return")) {
        ASSIGN_OR_RETURN(model_.outputs, expression_.ReadReturned());
        cursor_.TakeIf(";");
        RETURN_IF_ERROR(cursor_.ExpectNewline());
        return true;
      }
      RETURN_IF_ERROR(ReadStatement());
      const bool more = cursor_.TakeIf(";");
      if (cursor_.Peek().kind == TokenKind::kNewline) break;
      if (!more) return cursor_.Unexpected("the end of the statement");
    }
    cursor_.Take();
    return false;
  }

  Status ReadStatement() {
    const Token start = cursor_.Peek();
    if (start.kind == TokenKind::kName && IsKeyword(start.text)) {
      return cursor_.Unexpected("an assignment, a call or return: straight-line code");
    }
    const bool plain = start.kind == TokenKind::kName && variables_.contains(std::string(start.text));
    const std::string_view next = cursor_.PeekNext().text;
    if (start.kind == TokenKind::kName && next == "=") return ReadAssignment();
    for (const AugmentedOperator& op : kAugmented) {
      if (plain && next == op.text) return ReadAugmented(op.name);
    }
    if (plain && next == "[") return ReadItemAssignment();
    return Value();
  }

  Status Value() {
    RETURN_IF_ERROR(expression_.Read());
    return OkStatus();
  }

  // "a = b = expression". A new name is known only after the expression was read.
  Status ReadAssignment() {
    std::vector<std::string> targets;
    while (cursor_.Peek().kind == TokenKind::kName && cursor_.PeekNext().text == "=") {
      ASSIGN_OR_RETURN(targets.emplace_back(), ReadVariableName());
      cursor_.Take();
    }
    RETURN_IF_ERROR(Value());
    variables_.insert(targets.begin(), targets.end());
    return OkStatus();
  }

  Status ReadAugmented(std::string_view name) {
    cursor_.Take();
    cursor_.Take();
    RETURN_IF_ERROR(Value());
    model_.ops.emplace_back(name);
    return OkStatus();
  }

  // "a[index] = expression". An index alone is no statement that Dynamo writes.
  Status ReadItemAssignment() {
    cursor_.Take();
    cursor_.Take();
    RETURN_IF_ERROR(expression_.ReadIndex());
    RETURN_IF_ERROR(cursor_.Expect("="));
    RETURN_IF_ERROR(Value());
    model_.ops.emplace_back("setitem");
    return OkStatus();
  }

  int forward_indent_ = 0;
  std::set<std::string> variables_;
  std::set<std::string> imported_;
  TokenCursor cursor_;
  ExpressionReader expression_;
  ModelSource& model_;
};

// "cuda:3" -> ", index=3".
std::string IndexArgument(std::string_view device) {
  const size_t colon = device.find(':');
  return colon == std::string_view::npos ? "" : ", index=" + std::string(device.substr(colon + 1));
}

std::string DeviceLiteral(std::string_view original, std::string_view device) {
  if (original.front() == '\'' || original.front() == '"') return "'" + std::string(device) + "'";
  const std::string callee = original.starts_with("torch") ? "torch.device" : "device";
  const std::string type(device.substr(0, device.find(':')));
  return callee + "(type='" + type + "'" + IndexArgument(device) + ")";
}

}  // namespace

std::string ModelSource::MappedTo(std::string_view device) const {
  std::string mapped;
  size_t at = 0;
  for (const SourceRange& range : device_literals) {
    const std::string_view original = std::string_view(text).substr(range.begin, range.end - range.begin);
    mapped += text.substr(at, range.begin - at);
    mapped += DeviceLiteral(original, device);
    at = range.end;
  }
  return mapped + text.substr(at);
}

Result<ModelSource> ParseModelSource(std::string text, const std::string& file) {
  ModelSource model;
  model.text = std::move(text);
  ASSIGN_OR_RETURN(const std::vector<Token> tokens, TokenizePython(model.text, file));
  RETURN_IF_ERROR(ModelReader(tokens, file, model).Run());
  return model;
}

}  // namespace passnet::passbench
