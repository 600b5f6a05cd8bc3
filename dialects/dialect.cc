#include "dialects/dialect.h"

#include <array>

#include "base/text.h"
#include "dialects/reply_fold.h"

namespace passnet::dialects {
namespace {

std::array<const Dialect*, 3> All() { return {&OpenAiChat(), &OpenAiResponses(), &AnthropicMessages()}; }

}  // namespace

Headers Dialect::HeadersWith(const std::string& api_key) const {
  return api_key.empty() ? Headers() : Headers{{"Authorization", "Bearer " + api_key}};
}

std::unique_ptr<ReplyFold> Dialect::NewFold() const { return nullptr; }

AttemptOutcome Dialect::Interpret(const RawReply& reply) const {
  const std::unique_ptr<ReplyFold> fold = NewFold();
  if (!fold) return {OutcomeClass::kTransport, "dialect " + std::string(name()) + " reads nothing", {}};
  if (reply.status >= 200 && reply.status <= 299) fold->Feed(reply.body);
  return fold->Finish(reply);
}

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  for (const Dialect* dialect : All()) names.emplace_back(dialect->name());
  return names;
}

Result<const Dialect*> DialectNamed(std::string_view name) {
  if (name.empty()) return &OpenAiChat();
  std::string known;
  for (const Dialect* dialect : All()) {
    if (name == dialect->name()) return dialect;
    known += (known.empty() ? "" : ", ") + std::string(dialect->name());
  }
  return NotFound("dialect \"" + OneLine(name, 80) + "\" is none that this build knows (" + known + ")");
}

}  // namespace passnet::dialects
