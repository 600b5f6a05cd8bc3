#include "dialects/reply_builder.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace passnet::dialects {
namespace {

constexpr std::string_view kWhite = " \t\r\n";
constexpr size_t kMaxToolCalls = 1024;  // chosen: far above what a model makes in one reply; each is looked up by index

bool Any(std::string_view reason, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), reason) != names.end();
}

// The words of all dialects: none has two meanings. "pause_turn" is an answer that the server wants to be asked again for.
bool IsCut(std::string_view reason) {
  return Any(reason, {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "pause_turn"});
}
bool IsFilter(std::string_view reason) { return Any(reason, {"content_filter", "refusal"}); }
// vLLM says "abort" when its engine dropped the request.
bool IsServersTrouble(std::string_view reason) { return Any(reason, {"error", "abort", "cancelled"}); }

}  // namespace

void ReplyBuilder::SetUsage(const std::optional<int64_t>& prompt, const std::optional<int64_t>& completion) {
  if (prompt && completion) reply_.usage = {true, *prompt, *completion};
}

void ReplyBuilder::SetFinishReason(std::string reason) {
  if (!reason.empty()) reply_.finish_reason = std::move(reason);
}

ToolCall* ReplyBuilder::CallFor(size_t index, const std::string& id) {
  auto newest = newest_call_.find(index);
  if (newest != newest_call_.end()) {
    ToolCall& call = calls_[newest->second];
    const bool another = !id.empty() && !call.id.empty() && call.id != id;
    if (call.id.empty()) call.id = id;
    if (!another) return &call;
  }
  too_many_calls_ = calls_.size() == kMaxToolCalls;
  if (too_many_calls_) return nullptr;
  newest_call_[index] = calls_.size();
  calls_.push_back({id, {}, {}});
  return &calls_.back();
}

AttemptOutcome ReplyBuilder::Lost(std::string why) { return Ended(OutcomeClass::kTransport, std::move(why)); }

AttemptOutcome ReplyBuilder::Failed(AttemptOutcome error) { return Ended(error.outcome, std::move(error.detail)); }

AttemptOutcome ReplyBuilder::Finished() {
  Settle();
  const std::string& reason = reply_.finish_reason;
  if (!reply_.refusal.empty()) return Ended(OutcomeClass::kRefused, "refused: " + OneLine(reply_.refusal));
  if (reason == "refusal") return Ended(OutcomeClass::kRefused, "refused");
  if (IsFilter(reason)) return Ended(OutcomeClass::kRefused, "cut by the content filter");
  if (IsCut(reason)) return Ended(OutcomeClass::kTruncated, "cut at the token limit");
  if (IsServersTrouble(reason)) return Ended(OutcomeClass::kOverloaded, "finish_reason " + reason);
  if (too_many_calls_) return Ended(OutcomeClass::kMalformed, "more tool calls than any answer has");
  if (const ToolCall* bad = BrokenToolCall()) {
    return Ended(OutcomeClass::kMalformed, "tool call \"" + OneLine(bad->name, 80) + "\": arguments are not JSON");
  }
  // Presence decides, not finish_reason: gateways say "stop" after tool calls.
  bool empty = reply_.content.find_first_not_of(kWhite) == std::string::npos && reply_.tool_calls.empty();
  if (empty) return Ended(OutcomeClass::kMalformed, "the reply is empty");
  return Ended(OutcomeClass::kAccepted, "");
}

AttemptOutcome ReplyBuilder::Ended(OutcomeClass outcome, std::string detail) {
  Settle();
  return {outcome, std::move(detail), std::exchange(reply_, {})};
}

const ToolCall* ReplyBuilder::BrokenToolCall() const {
  for (const ToolCall& call : reply_.tool_calls) {
    bool readable = call.arguments_json.empty() || ParseJson(call.arguments_json).has_value();
    if (call.name.empty() || !readable) return &call;
  }
  return nullptr;
}

void ReplyBuilder::Settle() {
  if (!calls_.empty()) reply_.tool_calls = std::exchange(calls_, {});
  for (std::string& place : reasoning_) {
    if (reply_.reasoning.empty()) reply_.reasoning = std::move(place);
    place.clear();
  }
  if (reply_.reasoning.empty()) SplitThinking();
}

void ReplyBuilder::SplitThinking() {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  std::string& content = reply_.content;
  size_t close = content.find(kClose);
  if (close == std::string::npos) return;
  // DeepSeek's template swallows the opening tag.
  size_t start = content.find_first_not_of(kWhite);
  if (content.compare(start, kOpen.size(), kOpen) == 0) start += kOpen.size();
  reply_.reasoning = content.substr(start, close - start);
  content.erase(0, content.find_first_not_of(kWhite, close + kClose.size()));
}

}  // namespace passnet::dialects
