// A dialect of another name, path and meaning than every shipped one: whatever came back is the answer.
// Threads: immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dialects/dialect.h"

namespace passnet::agent {

class PlainDialect : public dialects::Dialect {
 public:
  std::string_view name() const override { return "plain"; }
  std::string_view path() const override { return "/plain"; }
  Result<std::string> RenderRequest(const dialects::ChatRequest& request) const override { return request.model; }
  Result<std::vector<dialects::StoredMessage>> ReadMessages(std::string_view) const override {
    return std::vector<dialects::StoredMessage>();
  }
  dialects::AttemptOutcome Interpret(const dialects::RawReply& reply) const override {
    dialects::AttemptOutcome outcome{dialects::OutcomeClass::kAccepted, "", {}};
    outcome.reply.content = reply.body;
    return outcome;
  }
};

}  // namespace passnet::agent
