#include "dialects/openai_reply.h"

#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "dialects/openai_error.h"
#include "dialects/reply_builder.h"
#include "dialects/tolerant.h"

namespace passnet::dialects {
namespace {

// Only the first choice: one answer is asked for.
const Json& FirstChoice(const Json& root) { return root["choices"].At(0); }

bool IsChatError(const Json& root) { return !root["error"].is_null() || TextOrParts(root["object"]) == "error"; }

void AddChatUsage(const Json& usage, ReplyBuilder* reply) {
  if (usage["prompt_tokens"].is_null()) return;
  reply->SetUsage(TokensOf(usage["prompt_tokens"]), TokensOf(usage["completion_tokens"]));
}

void AddToolCall(const Json& delta, size_t position, ReplyBuilder* reply) {
  ToolCall* call = reply->CallFor(delta["index"].Unsigned(position), TextOrParts(delta["id"]));
  if (call == nullptr) return;
  const Json& function = delta["function"];
  // llama-cpp-python repeats the name in every delta.
  if (call->name.empty()) call->name = TextOrParts(function["name"]);
  const Json& arguments = function["arguments"];
  call->arguments_json += arguments.is_object() ? arguments.Dump() : TextOrParts(arguments);
}

// `part`: the choice's "message" or "delta": both have the same fields.
void AddPart(const Json& choice, const Json& part, ReplyBuilder* reply) {
  *reply->content() += TextOrParts(part["content"]);
  *reply->refusal() += TextOrParts(part["refusal"]);
  *reply->reasoning(ReasoningPlace::kContent) += TextOrParts(part["reasoning_content"]);
  *reply->reasoning(ReasoningPlace::kPlain) += TextOrParts(part["reasoning"]);
  *reply->reasoning(ReasoningPlace::kDetails) += TextOrParts(part["reasoning_details"]);
  const Json& calls = part["tool_calls"];
  for (size_t position = 0; position < calls.Items().size(); ++position) AddToolCall(calls.At(position), position, reply);
  reply->SetFinishReason(TextOrParts(choice["finish_reason"]));
}

// The one member of a chunk's delta that adds anything; "" when it is none, several, or no text.
std::string_view OnlyText(const Json& chunk) {
  const Json& choice = FirstChoice(chunk);
  if (!chunk["usage"].is_null() || !TextOrParts(choice["finish_reason"]).empty()) return {};
  std::string_view only;
  for (const auto& [name, value] : choice["delta"].Members()) {
    const bool adds_nothing = name == "role" || value.is_null() || (value.is_text() && value.Text().empty()) ||
                              (value.is_array() && value.empty());
    if (adds_nothing) continue;
    if (!only.empty() || !value.is_text()) return {};
    only = name;
  }
  return only;
}

class ChatFold : public ReplyFold {
 protected:
  void TakeEvent(std::string_view data) override {
    if (known_.Take(data)) return;
    if (Trimmed(data).starts_with("[DONE]")) return EndHere();
    const Json chunk = ParseTolerant(data);
    // A piece of the text is gone with it, so the rest is no answer.
    if (!chunk.is_object()) return GiveUp(reply_.Lost("a chunk of the stream is not JSON: " + OneLine(data)));
    AddChatUsage(chunk["usage"], &reply_);
    if (IsChatError(chunk)) return GiveUp(reply_.Failed(InterpretErrorInside(data)));
    const Json& choice = FirstChoice(chunk);
    if (choice.is_null()) return;
    AddPart(choice, choice["delta"], &reply_);
    Learn(data, chunk);
  }

  AttemptOutcome OfStream(bool whole) override {
    if (early_) return std::move(*early_);
    if (!whole) return reply_.Lost("the stream is not whole");
    // [DONE] is no proof: llama-cpp-python sends it after an answer that another request interrupted.
    if (!reply_.finished()) return reply_.Lost("the stream ended without a finish_reason");
    return reply_.Finished();
  }

  AttemptOutcome OfMessage(std::string_view body, bool whole) override {
    if (!whole) return reply_.Lost("the reply is not whole");
    const Json root = ParseTolerant(body);
    if (!root.is_object()) return reply_.Lost("status 200, but the body is not a JSON object: " + OneLine(body));
    AddChatUsage(root["usage"], &reply_);
    if (IsChatError(root)) return reply_.Failed(InterpretErrorInside(body));
    const Json& choice = FirstChoice(root);
    if (!choice["message"].is_object()) return reply_.Lost("status 200, but no message in it: " + OneLine(body));
    AddPart(choice, choice["message"], &reply_);
    if (!reply_.finished()) return reply_.Lost("the reply has no finish_reason: the server stopped half way");
    return reply_.Finished();
  }

 private:
  void GiveUp(AttemptOutcome outcome) {
    early_ = std::move(outcome);
    IgnoreRest();
  }

  void Learn(std::string_view data, const Json& chunk) {
    const std::string_view only = OnlyText(chunk);
    std::string* target = nullptr;
    if (only == "content") target = reply_.content();
    if (only == "reasoning_content") target = reply_.reasoning(ReasoningPlace::kContent);
    if (only == "reasoning") target = reply_.reasoning(ReasoningPlace::kPlain);
    if (target == nullptr) return;
    known_.Learn(data, only, {"created", "obfuscation"}, FirstChoice(chunk)["delta"][only].Text(), target);
  }

  ReplyBuilder reply_;
  KnownEvents known_;
  std::optional<AttemptOutcome> early_;
};

}  // namespace

std::unique_ptr<ReplyFold> NewChatFold() { return std::make_unique<ChatFold>(); }

}  // namespace passnet::dialects
