#include "dialects/openai_reply.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/text.h"
#include "dialects/dialect.h"
#include "dialects/openai_error.h"
#include "dialects/sse_parser.h"

namespace passnet::dialects {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlank = " \t\r\n";

// null when the text is not JSON.
Json ParseTolerant(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  // Servers split characters between tokens and pass the halves on.
  if (parsed.is_discarded()) parsed = Json::parse(ReplaceInvalidUtf8(text), nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json() : parsed;
}

const Json& Field(const Json& object, const char* key) {
  static const Json kAbsent;
  if (!object.is_object()) return kAbsent;
  auto field = object.find(key);
  return field == object.end() ? kAbsent : *field;
}

// A string, or the text parts of a list of parts.
std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  if (!value.is_array()) return text;
  for (const Json& part : value) text += TextOf(Field(part, "text"));
  return text;
}

int64_t CountOf(const Json& object, const char* key) {
  const Json& value = Field(object, key);
  return value.is_number_integer() ? std::max<int64_t>(0, value.get<int64_t>()) : 0;
}

// Collects one answer from a message or from deltas: both have the same fields.
class ReplyBuilder {
 public:
  void AddEnvelope(const Json& root) {
    if (reply_.response_id.empty()) reply_.response_id = TextOf(Field(root, "id"));
    if (reply_.model.empty()) reply_.model = TextOf(Field(root, "model"));
    AddUsage(Field(root, "usage"));
  }

  // `part`: the choice's "message" or "delta".
  void AddPart(const Json& choice, const Json& part) {
    reply_.content += TextOf(Field(part, "content"));
    reply_.refusal += TextOf(Field(part, "refusal"));
    reasoning_content_ += TextOf(Field(part, "reasoning_content"));
    reasoning_ += TextOf(Field(part, "reasoning"));
    reasoning_details_ += TextOf(Field(part, "reasoning_details"));
    AddToolCalls(Field(part, "tool_calls"));
    if (std::string reason = TextOf(Field(choice, "finish_reason")); !reason.empty()) reply_.finish_reason = reason;
  }

  bool finished() const { return !reply_.finish_reason.empty(); }

  AttemptOutcome Lost(std::string why) { return Ended(OutcomeClass::kLost, std::move(why)); }

  AttemptOutcome Failed(AttemptOutcome error) { return Ended(error.outcome, std::move(error.detail)); }

  // A whole answer: what kind of answer is it?
  AttemptOutcome Finished() {
    Settle();
    const std::string& reason = reply_.finish_reason;
    if (!reply_.refusal.empty()) return Ended(OutcomeClass::kFiltered, "refused: " + OneLine(reply_.refusal));
    if (reason == "content_filter") return Ended(OutcomeClass::kFiltered, "cut by the content filter");
    if (reason == "length" || reason == "max_tokens") return Ended(OutcomeClass::kTruncated, "cut at the token limit");
    // vLLM says "abort" when its engine dropped the request.
    if (reason == "error" || reason == "abort") return Ended(OutcomeClass::kOverloaded, "finish_reason " + reason);
    if (const ToolCall* bad = BrokenToolCall()) {
      return Ended(OutcomeClass::kMalformed, "tool call \"" + OneLine(bad->name, 80) + "\": arguments are not JSON");
    }
    // Presence decides, not finish_reason: gateways say "stop" after tool calls.
    bool empty = reply_.content.find_first_not_of(kBlank) == std::string::npos && reply_.tool_calls.empty();
    if (empty) return Ended(OutcomeClass::kMalformed, "the reply is empty");
    return Ended(OutcomeClass::kAccepted, "");
  }

 private:
  struct Slot {
    size_t index = 0;
    ToolCall call;
  };

  AttemptOutcome Ended(OutcomeClass outcome, std::string detail) {
    Settle();
    return {outcome, std::move(detail), std::move(reply_)};
  }

  // The last one that is not null wins: some servers send it with the last choice, some in a chunk of its own.
  void AddUsage(const Json& usage) {
    if (!usage.is_object() || !Field(usage, "prompt_tokens").is_number_integer()) return;
    Usage& seen = reply_.usage;
    seen.known = true;
    seen.prompt_tokens = CountOf(usage, "prompt_tokens");
    seen.completion_tokens = CountOf(usage, "completion_tokens");
    seen.total_tokens = CountOf(usage, "total_tokens");
    if (seen.total_tokens == 0) seen.total_tokens = seen.prompt_tokens + seen.completion_tokens;
    seen.cached_tokens = CountOf(Field(usage, "prompt_tokens_details"), "cached_tokens");
    seen.reasoning_tokens = CountOf(Field(usage, "completion_tokens_details"), "reasoning_tokens");
  }

  void AddToolCalls(const Json& calls) {
    if (!calls.is_array()) return;
    for (size_t position = 0; position < calls.size(); ++position) AddToolCall(calls[position], position);
  }

  void AddToolCall(const Json& delta, size_t position) {
    const Json& index = Field(delta, "index");
    ToolCall& call = SlotFor(index.is_number_unsigned() ? index.get<size_t>() : position, TextOf(Field(delta, "id")));
    const Json& function = Field(delta, "function");
    // llama-cpp-python repeats the name in every delta.
    if (call.name.empty()) call.name = TextOf(Field(function, "name"));
    const Json& arguments = Field(function, "arguments");
    call.arguments_json += arguments.is_object() ? arguments.dump() : TextOf(arguments);
  }

  // A new id on a known index is a new call: some servers give every call the index 0, or none.
  ToolCall& SlotFor(size_t index, const std::string& id) {
    for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
      if (slot->index != index) continue;
      if (!id.empty() && !slot->call.id.empty() && slot->call.id != id) break;
      if (slot->call.id.empty()) slot->call.id = id;
      return slot->call;
    }
    slots_.push_back({index, {id, {}, {}}});
    return slots_.back().call;
  }

  const ToolCall* BrokenToolCall() const {
    for (const ToolCall& call : reply_.tool_calls) {
      bool readable = call.arguments_json.empty() || Json::accept(call.arguments_json);
      if (call.name.empty() || !readable) return &call;
    }
    return nullptr;
  }

  // Reasoning comes from four places, best first; the text's own <think> only when the server named none.
  void Settle() {
    if (std::exchange(settled_, true)) return;
    for (Slot& slot : slots_) reply_.tool_calls.push_back(std::move(slot.call));
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
  std::vector<Slot> slots_;
  std::string reasoning_details_, reasoning_content_, reasoning_;
  bool settled_ = false;
};

bool IsError(const Json& root) { return !Field(root, "error").is_null() || TextOf(Field(root, "object")) == "error"; }

// Only the first choice: one answer is asked for.
const Json& FirstChoice(const Json& root) {
  const Json& choices = Field(root, "choices");
  return choices.is_array() && !choices.empty() ? choices.front() : Field(Json(), "");
}

}  // namespace

AttemptOutcome InterpretMessage(std::string_view body, bool whole) {
  ReplyBuilder builder;
  if (!whole) return builder.Lost("the reply is not whole");
  Json root = ParseTolerant(body);
  if (!root.is_object()) return builder.Lost("status 200, but the body is not a JSON object: " + OneLine(body));
  builder.AddEnvelope(root);
  if (IsError(root)) return builder.Failed(InterpretErrorInside(body));
  const Json& choice = FirstChoice(root);
  if (!Field(choice, "message").is_object()) return builder.Lost("status 200, but no message in it: " + OneLine(body));
  builder.AddPart(choice, Field(choice, "message"));
  if (!builder.finished()) return builder.Lost("the reply has no finish_reason: the server stopped half way");
  return builder.Finished();
}

AttemptOutcome InterpretStream(std::string_view body, bool whole) {
  SseParser parser;
  std::vector<std::string> events = parser.Feed(body);
  for (std::string& event : parser.Finish()) events.push_back(std::move(event));
  ReplyBuilder builder;
  for (const std::string& event : events) {
    if (OpenAiChat().EndsStream(event)) break;
    Json chunk = ParseTolerant(event);
    // A piece of the text is gone with it, so the rest is no answer.
    if (!chunk.is_object()) return builder.Lost("a chunk of the stream is not JSON: " + OneLine(event));
    builder.AddEnvelope(chunk);
    if (IsError(chunk)) return builder.Failed(InterpretErrorInside(event));
    const Json& choice = FirstChoice(chunk);
    if (!choice.is_null()) builder.AddPart(choice, Field(choice, "delta"));
  }
  if (!whole) return builder.Lost("the stream is not whole");
  // [DONE] is no proof: llama-cpp-python sends it after an answer that another request interrupted.
  if (!builder.finished()) return builder.Lost("the stream ended without a finish_reason");
  return builder.Finished();
}

}  // namespace passnet::dialects
