#include "recorded_llm/fault.h"

#include <array>
#include <charconv>
#include <utility>

namespace passnet::recorded_llm {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 7> kKinds = {{{"429", FaultKind::kRateLimit},
                                                                           {"500", FaultKind::kServerError},
                                                                           {"html", FaultKind::kHtml},
                                                                           {"disconnect", FaultKind::kDisconnect},
                                                                           {"truncate", FaultKind::kTruncate},
                                                                           {"stall", FaultKind::kStall},
                                                                           {"malformed", FaultKind::kMalformed}}};

Error Refuse(std::string_view text, const std::string& why) {
  return InvalidArgument("fault \"" + std::string(text) + "\": " + why +
                         ". Give KIND:every=N or KIND:at=N with KIND one of 429, 500, html, disconnect, truncate, "
                         "stall, malformed; 429 also takes retry_after=SECONDS after a comma");
}

std::optional<int64_t> ParsePositive(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<FaultRule> ParseFault(std::string_view text) {
  FaultRule rule;
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Refuse(text, "it does not say when");
  bool known = false;
  for (auto [name, kind] : kKinds) {
    if (name != text.substr(0, colon)) continue;
    rule.kind = kind;
    known = true;
  }
  if (!known) return Refuse(text, "unknown kind");
  std::string_view rest = text.substr(colon + 1);
  while (!rest.empty()) {
    std::string_view setting = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(setting.size() + 1, rest.size()));
    size_t equals = std::min(setting.find('='), setting.size());
    std::string_view key = setting.substr(0, equals);
    auto value = ParsePositive(setting.substr(std::min(equals + 1, setting.size())));
    if (!value) return Refuse(text, "\"" + std::string(setting) + "\" has no positive number");
    if (key == "every")
      rule.every = *value;
    else if (key == "at")
      rule.at = *value;
    else if (key == "retry_after" && rule.kind == FaultKind::kRateLimit)
      rule.retry_after_s = *value;
    else
      return Refuse(text, "unknown setting \"" + std::string(key) + "\"");
  }
  if ((rule.every > 0) == (rule.at > 0)) return Refuse(text, "it needs exactly one of every= and at=");
  return rule;
}

std::optional<FaultRule> FaultOf(const std::vector<FaultRule>& rules, int64_t request) {
  for (const FaultRule& rule : rules) {
    if (rule.AppliesTo(request)) return rule;
  }
  return std::nullopt;
}

}  // namespace passnet::recorded_llm
