#include "dialects/anthropic_reply.h"

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

// The figures are cumulative, so that later ones replace earlier ones; what an event does not name stays. Cached input is
// told beside the other input, and is billed input all the same.
class AnthropicUsage {
 public:
  // What a stream begins with. Its output figure is that of a reply that has not been written: one that breaks off has told
  // no usage.
  void Begin(const Json& usage) { TakeInput(usage); }
  // Of a whole message, or where a stream tells how it ended.
  void End(const Json& usage, ReplyBuilder* reply) {
    TakeInput(usage);
    Take(usage["output_tokens"], &output_);
    if (!input_ || !created_ || !read_ || !output_) return;
    reply->SetUsage(*input_ + *created_ + *read_, output_);
  }

 private:
  void TakeInput(const Json& usage) {
    Take(usage["input_tokens"], &input_);
    Take(usage["cache_creation_input_tokens"], &created_);
    Take(usage["cache_read_input_tokens"], &read_);
  }

  // A figure that cannot be makes the sum unknown, until a better one comes.
  static void Take(const Json& figure, std::optional<int64_t>* to) {
    if (!figure.is_null()) *to = TokensOf(figure);
  }

  std::optional<int64_t> input_ = 0, created_ = 0, read_ = 0, output_;
};

bool IsAnthropicError(const Json& root) { return root["type"].Text() == "error" || !root["error"].is_null(); }

// A block as it begins: in a whole message it is the whole block.
void AddBlock(const Json& block, size_t index, ReplyBuilder* reply) {
  const std::string& type = block["type"].Text();
  if (type == "text") *reply->content() += block["text"].Text();
  if (type == "thinking") *reply->reasoning(ReasoningPlace::kDetails) += block["thinking"].Text();
  if (type != "tool_use") return;
  ToolCall* call = reply->CallFor(index, block["id"].Text());
  if (call == nullptr) return;
  call->name = block["name"].Text();
  if (!block["input"].empty()) call->arguments_json = block["input"].Dump();
}

class AnthropicFold : public ReplyFold {
 protected:
  void TakeEvent(std::string_view data) override {
    if (known_.Take(data)) return;
    const Json event = ParseTolerant(data);
    if (!event.is_object()) return GiveUp(reply_.Lost("an event of the stream is not JSON: " + OneLine(data)));
    if (IsAnthropicError(event)) return GiveUp(reply_.Failed(InterpretErrorInside(data)));
    const std::string& type = event["type"].Text();
    const auto index = static_cast<size_t>(event["index"].Unsigned());
    if (type == "message_start") usage_.Begin(event["message"]["usage"]);
    if (type == "content_block_start") AddBlock(event["content_block"], index, &reply_);
    if (type == "content_block_delta") AddDelta(event["delta"], index, data);
    if (type == "message_delta") {
      usage_.End(event["usage"], &reply_);
      reply_.SetFinishReason(event["delta"]["stop_reason"].Text());
    }
    // "ping", "content_block_stop", and what later versions may add.
    if (type == "message_stop") EndHere();
  }

  AttemptOutcome OfStream(bool whole) override {
    if (early_) return std::move(*early_);
    if (!whole) return reply_.Lost("the stream is not whole");
    if (!reply_.finished()) return reply_.Lost("the stream ended without a stop_reason");
    return reply_.Finished();
  }

  AttemptOutcome OfMessage(std::string_view body, bool whole) override {
    if (!whole) return reply_.Lost("the reply is not whole");
    const Json root = ParseTolerant(body);
    if (!root.is_object()) return reply_.Lost("status 200, but the body is not a JSON object: " + OneLine(body));
    usage_.End(root["usage"], &reply_);
    if (IsAnthropicError(root)) return reply_.Failed(InterpretErrorInside(body));
    if (!root["content"].is_array()) return reply_.Lost("status 200, but no content in it: " + OneLine(body));
    for (size_t i = 0; i < root["content"].Items().size(); ++i) AddBlock(root["content"].At(i), i, &reply_);
    reply_.SetFinishReason(root["stop_reason"].Text());
    if (!reply_.finished()) return reply_.Lost("the reply has no stop_reason: the server stopped half way");
    return reply_.Finished();
  }

 private:
  void GiveUp(AttemptOutcome outcome) {
    early_ = std::move(outcome);
    IgnoreRest();
  }

  void AddDelta(const Json& delta, size_t index, std::string_view data) {
    const std::string& type = delta["type"].Text();
    if (type == "input_json_delta") {
      if (ToolCall* call = reply_.CallFor(index, "")) call->arguments_json += delta["partial_json"].Text();
    } else if (type == "text_delta") {
      AddText("text", delta["text"].Text(), data, reply_.content());
    } else if (type == "thinking_delta") {
      AddText("thinking", delta["thinking"].Text(), data, reply_.reasoning(ReasoningPlace::kDetails));
    }
  }

  void AddText(std::string_view member, const std::string& text, std::string_view data, std::string* target) {
    *target += text;
    known_.Learn(data, member, {}, text, target);
  }

  ReplyBuilder reply_;
  KnownEvents known_;
  AnthropicUsage usage_;
  std::optional<AttemptOutcome> early_;
};

}  // namespace

std::unique_ptr<ReplyFold> NewAnthropicFold() { return std::make_unique<AnthropicFold>(); }

}  // namespace passnet::dialects
