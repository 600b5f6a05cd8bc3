#include "dialects/openai_reply.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "dialects/dialect.h"
#include "dialects/openai_error.h"
#include "dialects/sse_parser.h"

namespace passnet::dialects {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr size_t kMaxToolCalls = 1024;  // chosen: far above what a model makes in one reply; each is looked up by index

// null when the text is not JSON.
Json ParseTolerant(std::string_view text) {
  auto parsed = ParseJson(text);
  // Servers split characters between tokens and pass the halves on.
  if (!parsed && !IsUtf8(text)) parsed = ParseJson(ReplaceInvalidUtf8(text));
  return parsed ? std::move(parsed).value() : Json();
}

// A text, or the texts of a list of parts.
std::string TextOrParts(const Json& value) {
  if (value.is_text()) return value.Text();
  std::string text;
  for (const Json& part : value.Items()) text += TextOrParts(part["text"]);
  return text;
}

// A number of tokens, absent as 0. Nothing when it cannot be one: settled with, it would be free, or eat the budget up.
std::optional<int64_t> TokensOf(const Json& value) {
  constexpr int64_t kMaxTokens = 1'000'000'000;  // chosen: hundred times the longest context window
  if (value.is_null()) return 0;
  const int64_t count = value.Integer(-1);
  if (count < 0 || count > kMaxTokens) return std::nullopt;
  return count;
}

// Collects one answer from a message or from deltas: both have the same fields.
class ReplyBuilder {
 public:
  // The last one that can be believed wins: some servers send it with the last choice, some in a chunk of its own.
  void AddUsage(const Json& usage) {
    const auto prompt = TokensOf(usage["prompt_tokens"]);
    const auto completion = TokensOf(usage["completion_tokens"]);
    if (usage["prompt_tokens"].is_null() || !prompt || !completion) return;
    reply_.usage = {true, *prompt, *completion};
  }

  // `part`: the choice's "message" or "delta".
  void AddPart(const Json& choice, const Json& part) {
    reply_.content += TextOrParts(part["content"]);
    reply_.refusal += TextOrParts(part["refusal"]);
    reasoning_content_ += TextOrParts(part["reasoning_content"]);
    reasoning_ += TextOrParts(part["reasoning"]);
    reasoning_details_ += TextOrParts(part["reasoning_details"]);
    AddToolCalls(part["tool_calls"]);
    if (std::string reason = TextOrParts(choice["finish_reason"]); !reason.empty()) reply_.finish_reason = reason;
  }

  bool finished() const { return !reply_.finish_reason.empty(); }

  AttemptOutcome Lost(std::string why) { return Ended(OutcomeClass::kTransport, std::move(why)); }

  AttemptOutcome Failed(AttemptOutcome error) { return Ended(error.outcome, std::move(error.detail)); }

  // A whole answer: what kind of answer is it?
  AttemptOutcome Finished() {
    Settle();
    const std::string& reason = reply_.finish_reason;
    if (!reply_.refusal.empty()) return Ended(OutcomeClass::kRefused, "refused: " + OneLine(reply_.refusal));
    if (reason == "content_filter") return Ended(OutcomeClass::kRefused, "cut by the content filter");
    if (reason == "length" || reason == "max_tokens") return Ended(OutcomeClass::kTruncated, "cut at the token limit");
    // vLLM says "abort" when its engine dropped the request.
    if (reason == "error" || reason == "abort") return Ended(OutcomeClass::kOverloaded, "finish_reason " + reason);
    if (too_many_calls_) return Ended(OutcomeClass::kMalformed, "more tool calls than any answer has");
    if (const ToolCall* bad = BrokenToolCall()) {
      return Ended(OutcomeClass::kMalformed, "tool call \"" + OneLine(bad->name, 80) + "\": arguments are not JSON");
    }
    // Presence decides, not finish_reason: gateways say "stop" after tool calls.
    bool empty = reply_.content.find_first_not_of(kBlank) == std::string::npos && reply_.tool_calls.empty();
    if (empty) return Ended(OutcomeClass::kMalformed, "the reply is empty");
    return Ended(OutcomeClass::kAccepted, "");
  }

 private:
  AttemptOutcome Ended(OutcomeClass outcome, std::string detail) {
    Settle();
    return {outcome, std::move(detail), std::move(reply_)};
  }

  void AddToolCalls(const Json& calls) {
    for (size_t position = 0; position < calls.Items().size(); ++position) AddToolCall(calls.At(position), position);
  }

  void AddToolCall(const Json& delta, size_t position) {
    ToolCall* call = CallFor(delta["index"].Unsigned(position), TextOrParts(delta["id"]));
    if (call == nullptr) return;
    const Json& function = delta["function"];
    // llama-cpp-python repeats the name in every delta.
    if (call->name.empty()) call->name = TextOrParts(function["name"]);
    const Json& arguments = function["arguments"];
    call->arguments_json += arguments.is_object() ? arguments.Dump() : TextOrParts(arguments);
  }

  // A new id on a known index is a new call: some servers give every call the index 0, or none. nullptr: too many.
  ToolCall* CallFor(size_t index, const std::string& id) {
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

  const ToolCall* BrokenToolCall() const {
    for (const ToolCall& call : reply_.tool_calls) {
      bool readable = call.arguments_json.empty() || ParseJson(call.arguments_json).has_value();
      if (call.name.empty() || !readable) return &call;
    }
    return nullptr;
  }

  // Reasoning comes from four places, best first; the text's own <think> only when the server named none.
  void Settle() {
    if (std::exchange(settled_, true)) return;
    reply_.tool_calls = std::move(calls_);
    for (std::string* source : {&reasoning_details_, &reasoning_content_, &reasoning_}) {
      if (reply_.reasoning.empty()) reply_.reasoning = std::exchange(*source, {});
    }
    if (reply_.reasoning.empty()) SplitThinking();
  }

  void SplitThinking() {
    constexpr std::string_view kOpen = "<think>", kClose = "</think>";
    std::string& content = reply_.content;
    size_t close = content.find(kClose);
    if (close == std::string::npos) return;
    // DeepSeek's template swallows the opening tag.
    size_t start = content.find_first_not_of(kBlank);
    if (content.compare(start, kOpen.size(), kOpen) == 0) start += kOpen.size();
    reply_.reasoning = content.substr(start, close - start);
    content.erase(0, content.find_first_not_of(kBlank, close + kClose.size()));
  }

  ChatReply reply_;
  std::vector<ToolCall> calls_;
  std::unordered_map<size_t, size_t> newest_call_;  // by the index that the server gave it
  std::string reasoning_details_, reasoning_content_, reasoning_;
  bool too_many_calls_ = false;
  bool settled_ = false;
};

bool IsError(const Json& root) { return !root["error"].is_null() || TextOrParts(root["object"]) == "error"; }

// Only the first choice: one answer is asked for.
const Json& FirstChoice(const Json& root) { return root["choices"].At(0); }

AttemptOutcome InterpretMessage(std::string_view body, bool whole) {
  ReplyBuilder builder;
  if (!whole) return builder.Lost("the reply is not whole");
  const Json root = ParseTolerant(body);
  if (!root.is_object()) return builder.Lost("status 200, but the body is not a JSON object: " + OneLine(body));
  builder.AddUsage(root["usage"]);
  if (IsError(root)) return builder.Failed(InterpretErrorInside(body));
  const Json& choice = FirstChoice(root);
  if (!choice["message"].is_object()) return builder.Lost("status 200, but no message in it: " + OneLine(body));
  builder.AddPart(choice, choice["message"]);
  if (!builder.finished()) return builder.Lost("the reply has no finish_reason: the server stopped half way");
  return builder.Finished();
}

AttemptOutcome InterpretStream(const std::vector<std::string>& events, bool whole) {
  ReplyBuilder builder;
  for (const std::string& event : events) {
    if (OpenAiChat().EndsStream(event)) break;
    const Json chunk = ParseTolerant(event);
    // A piece of the text is gone with it, so the rest is no answer.
    if (!chunk.is_object()) return builder.Lost("a chunk of the stream is not JSON: " + OneLine(event));
    builder.AddUsage(chunk["usage"]);
    if (IsError(chunk)) return builder.Failed(InterpretErrorInside(event));
    const Json& choice = FirstChoice(chunk);
    if (!choice.is_null()) builder.AddPart(choice, choice["delta"]);
  }
  if (!whole) return builder.Lost("the stream is not whole");
  // [DONE] is no proof: llama-cpp-python sends it after an answer that another request interrupted.
  if (!builder.finished()) return builder.Lost("the stream ended without a finish_reason");
  return builder.Finished();
}

std::vector<std::string> EventsOf(std::string_view body) {
  SseParser parser;
  std::vector<std::string> events = parser.Feed(body);
  for (std::string& event : parser.Finish()) events.push_back(std::move(event));
  return events;
}

}  // namespace

AttemptOutcome InterpretAnswer(std::string_view body, bool whole) {
  if (Trimmed(body).starts_with('{')) return InterpretMessage(body, whole);
  const std::vector<std::string> events = EventsOf(body);
  return events.empty() ? InterpretMessage(body, whole) : InterpretStream(events, whole);
}

}  // namespace passnet::dialects
