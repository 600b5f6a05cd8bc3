#include "dialects/openai_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/json.h"
#include "base/text.h"

namespace passnet::dialects {
namespace {

struct ErrorFacts {
  int status = 0;
  std::string code;  // lower case; a number as text
  std::string type;  // lower case
  std::string message;
  bool json = false;
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// llama.cpp writes codes as integers.
std::string TextOrNumber(const Json& value) { return value.is_integer() ? value.Dump() : value.Text(); }

ErrorFacts ReadFacts(int status, std::string_view body) {
  ErrorFacts facts{status, {}, {}, std::string(body), false};
  auto root = ParseJson(ReplaceInvalidUtf8(body));
  if (!root || !root.value().is_object()) return facts;
  facts.json = true;
  const Json& error = root.value().Has("error") ? root.value()["error"] : root.value();
  if (error.is_text()) facts.message = error.Text();
  if (!error.is_object()) return facts;
  facts.code = Lower(TextOrNumber(error["code"]));
  // Anthropic's: an error has a type alone, and where money is the matter a code among its details.
  if (facts.code.empty()) facts.code = Lower(TextOrNumber(error["details"]["error_code"]));
  facts.type = Lower(TextOrNumber(error["type"]));
  if (std::string message = TextOrNumber(error["message"]); !message.empty()) facts.message = message;
  // A gateway that has already answered 200 can tell the real status only in here.
  const int64_t told = error["code"].Integer();
  if (status == 200 && told >= 100 && told <= 999) facts.status = static_cast<int>(told);
  return facts;
}

bool AnyOf(const ErrorFacts& facts, const auto& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return facts.code == name || facts.type == name; });
}

bool MessageSays(const ErrorFacts& facts, const auto& phrases) {
  std::string message = Lower(facts.message.substr(0, 4096));
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return message.find(phrase) != std::string::npos; });
}

bool IsQuota(const ErrorFacts& facts) {
  constexpr std::array<std::string_view, 7> kNames = {
      "insufficient_quota",   "billing_hard_limit_reached", "billing_not_active",          "billing_error",
      "insufficient_credits", "credit_balance_too_low",     "enforced_spend_limit_reached"};
  constexpr std::array<std::string_view, 1> kPhrases = {"credit balance is too low"};
  return AnyOf(facts, kNames) || MessageSays(facts, kPhrases);
}

bool IsContextOverflow(const ErrorFacts& facts) {
  constexpr std::array<std::string_view, 3> kNames = {"context_length_exceeded", "exceed_context_size_error",
                                                      "request_too_large"};
  // vLLM and SGLang give no code of their own.
  constexpr std::array<std::string_view, 6> kPhrases = {"maximum context length",          "context length exceeded",
                                                        "exceeds the context window",      "prompt is too long",
                                                        "longer than the model's context", "exceed context limit"};
  return AnyOf(facts, kNames) || MessageSays(facts, kPhrases);
}

bool IsFiltered(const ErrorFacts& facts) {
  constexpr std::array<std::string_view, 2> kNames = {"content_filter", "content_policy_violation"};
  return AnyOf(facts, kNames);
}

// llama.cpp answers 500 when the model's own text does not fit the tool grammar of its template.
bool IsModelFailureInDisguise(const ErrorFacts& facts) {
  constexpr std::array<std::string_view, 1> kPhrases = {"model produced output that does not match"};
  return facts.status == 500 && MessageSays(facts, kPhrases);
}

OutcomeClass ClassOf(const ErrorFacts& facts) {
  if (IsQuota(facts) || facts.status == 402) return OutcomeClass::kQuota;
  if (IsContextOverflow(facts)) return OutcomeClass::kContextOverflow;
  if (IsFiltered(facts)) return OutcomeClass::kRefused;
  if (IsModelFailureInDisguise(facts)) return OutcomeClass::kMalformed;
  switch (facts.status) {
    case 401:
    case 403: return OutcomeClass::kAuth;
    case 429: return OutcomeClass::kRateLimited;
    case 408:
    case 409:
    case 425: return OutcomeClass::kOverloaded;
    case 501:
    case 505: return OutcomeClass::kBadRequest;
    default: break;
  }
  // Told inside a 200, where no status says it.
  if (facts.type == "authentication_error" || facts.type == "permission_error") return OutcomeClass::kAuth;
  if (facts.code == "rate_limit_exceeded" || facts.type == "rate_limit_error") return OutcomeClass::kRateLimited;
  // An error inside a 200 without a status of its own is the server's trouble: ask again.
  return facts.status >= 500 || facts.status < 300 ? OutcomeClass::kOverloaded : OutcomeClass::kBadRequest;
}

std::string Describe(const ErrorFacts& facts) {
  std::string text = "status " + std::to_string(facts.status);
  if (!facts.code.empty()) text += ", code " + OneLine(facts.code, 80);
  if (!facts.json) text += ", not JSON";
  if (facts.status >= 300 && facts.status < 400) text += " (a redirect: set the base URL to where the endpoint lives)";
  return text + ": " + OneLine(facts.message);
}

AttemptOutcome FromFacts(const ErrorFacts& facts) { return {ClassOf(facts), Describe(facts), {}}; }

}  // namespace

AttemptOutcome InterpretRefusal(int status, std::string_view body) { return FromFacts(ReadFacts(status, body)); }

AttemptOutcome InterpretErrorInside(std::string_view json) { return FromFacts(ReadFacts(200, json)); }

}  // namespace passnet::dialects
