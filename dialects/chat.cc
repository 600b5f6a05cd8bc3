#include "dialects/chat.h"

namespace passnet::dialects {

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSystem: return "system";
    case Role::kUser: return "user";
    case Role::kAssistant: return "assistant";
  }
  return "user";
}

StoredMessage MessageOf(const ChatReply& reply) {
  StoredMessage message;
  message.role = RoleName(Role::kAssistant);
  message.tool_calls = reply.tool_calls;
  if (!reply.content.empty() || reply.tool_calls.empty()) message.content = reply.content;
  return message;
}

std::string_view OutcomeClassName(OutcomeClass outcome) {
  switch (outcome) {
    case OutcomeClass::kAccepted: return "accepted";
    case OutcomeClass::kTruncated: return "truncated";
    case OutcomeClass::kRefused: return "refused";
    case OutcomeClass::kMalformed: return "malformed";
    case OutcomeClass::kContextOverflow: return "context_overflow";
    case OutcomeClass::kRateLimited: return "rate_limited";
    case OutcomeClass::kQuota: return "quota";
    case OutcomeClass::kAuth: return "auth";
    case OutcomeClass::kBadRequest: return "bad_request";
    case OutcomeClass::kOverloaded: return "overloaded";
    case OutcomeClass::kTransport: return "transport";
    case OutcomeClass::kCancelled: return "cancelled";
  }
  return "transport";
}

std::optional<OutcomeClass> OutcomeClassFromName(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(OutcomeClass::kCancelled); ++i) {
    auto outcome = static_cast<OutcomeClass>(i);
    if (OutcomeClassName(outcome) == name) return outcome;
  }
  return std::nullopt;
}

bool IsModelBehaviour(OutcomeClass outcome) {
  switch (outcome) {
    case OutcomeClass::kAccepted:
    case OutcomeClass::kTruncated:
    case OutcomeClass::kRefused:
    case OutcomeClass::kMalformed: return true;
    case OutcomeClass::kContextOverflow:
    case OutcomeClass::kRateLimited:
    case OutcomeClass::kQuota:
    case OutcomeClass::kAuth:
    case OutcomeClass::kBadRequest:
    case OutcomeClass::kOverloaded:
    case OutcomeClass::kTransport:
    case OutcomeClass::kCancelled: return false;
  }
  return false;
}

}  // namespace passnet::dialects
