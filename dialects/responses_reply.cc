#include "dialects/responses_reply.h"

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

// What a stream has told already is not taken from the whole object at its end again.
struct Told {
  bool text = false;
  bool refusal = false;
  bool reasoning = false;
  bool calls = false;
};

void AddFunctionCall(const Json& item, size_t position, ReplyBuilder* reply) {
  const std::string id = item["call_id"].is_text() ? item["call_id"].Text() : item["id"].Text();
  ToolCall* call = reply->CallFor(position, id);
  if (call == nullptr) return;
  call->name = item["name"].Text();
  const Json& arguments = item["arguments"];
  call->arguments_json = arguments.is_object() ? arguments.Dump() : TextOrParts(arguments);
}

void AddContentParts(const Json& item, const Told& told, ReplyBuilder* reply) {
  for (const Json& part : item["content"].Items()) {
    if (!told.refusal) *reply->refusal() += TextOrParts(part["refusal"]);
    if (!told.text) *reply->content() += TextOrParts(part["text"]);
  }
  if (item["content"].is_text() && !told.text) *reply->content() += item["content"].Text();
}

void AddItem(const Json& item, size_t position, const Told& told, ReplyBuilder* reply) {
  const std::string& type = item["type"].Text();
  if (type == "message") AddContentParts(item, told, reply);
  if (type == "function_call" && !told.calls) AddFunctionCall(item, position, reply);
  if (type != "reasoning" || told.reasoning) return;
  std::string* reasoning = reply->reasoning(ReasoningPlace::kDetails);
  *reasoning += TextOrParts(item["content"]);
  if (reasoning->empty()) *reasoning += TextOrParts(item["summary"]);
}

// A response object says itself how it ended.
AttemptOutcome OfResponse(const Json& response, const Told& told, ReplyBuilder* reply) {
  const Json& usage = response["usage"];
  if (!usage["input_tokens"].is_null()) reply->SetUsage(TokensOf(usage["input_tokens"]), TokensOf(usage["output_tokens"]));
  const Json& output = response["output"];
  for (size_t i = 0; i < output.Items().size(); ++i) AddItem(output.At(i), i, told, reply);
  const std::string& status = response["status"].Text();
  if (status == "failed" || !response["error"].is_null()) {
    return reply->Failed(InterpretErrorInside(Json{{"error", response["error"]}}.Dump()));
  }
  if (status == "incomplete") {
    const std::string& reason = response["incomplete_details"]["reason"].Text();
    reply->SetFinishReason(reason.empty() ? "max_output_tokens" : reason);
    return reply->Finished();
  }
  if (status != "completed" && status != "cancelled") {
    return reply->Lost("the response's status is \"" + OneLine(status, 40) + "\": it was not completed");
  }
  reply->SetFinishReason(status);
  return reply->Finished();
}

class ResponsesFold : public ReplyFold {
 protected:
  void TakeEvent(std::string_view data) override {
    if (known_.Take(data)) return;
    // Some gateways end this stream, too, as they end the others.
    if (Trimmed(data).starts_with("[DONE]")) return EndHere();
    const Json event = ParseTolerant(data);
    if (!event.is_object()) return GiveUp(reply_.Lost("an event of the stream is not JSON: " + OneLine(data)));
    const std::string& type = event["type"].Text();
    if (type == "error" || (type.empty() && !event["error"].is_null())) {
      return GiveUp(reply_.Failed(InterpretErrorInside(data)));
    }
    if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
      early_ = OfResponse(event["response"], told_, &reply_);
      return EndHere();
    }
    if (type == "response.output_item.done") return AddDoneItem(event);
    AddDelta(type, event, data);
  }

  AttemptOutcome OfStream(bool whole) override {
    if (early_) return std::move(*early_);
    return reply_.Lost(whole ? "the stream ended before the response was completed" : "the stream is not whole");
  }

  AttemptOutcome OfMessage(std::string_view body, bool whole) override {
    if (!whole) return reply_.Lost("the reply is not whole");
    const Json root = ParseTolerant(body);
    if (!root.is_object()) return reply_.Lost("status 200, but the body is not a JSON object: " + OneLine(body));
    if (!root["error"].is_null() && root["output"].is_null()) return reply_.Failed(InterpretErrorInside(body));
    if (!root["output"].is_array()) return reply_.Lost("status 200, but no output in it: " + OneLine(body));
    return OfResponse(root, {}, &reply_);
  }

 private:
  void GiveUp(AttemptOutcome outcome) {
    early_ = std::move(outcome);
    IgnoreRest();
  }

  // Calls are taken whole: their fragments, before it, are the same text again.
  void AddDoneItem(const Json& event) {
    if (event["item"]["type"].Text() != "function_call") return;
    told_.calls = true;
    AddFunctionCall(event["item"], event["output_index"].Unsigned(next_call_++), &reply_);
  }

  void AddDelta(const std::string& type, const Json& event, std::string_view data) {
    std::string* target = nullptr;
    if (type == "response.output_text.delta") {
      told_.text = true;
      target = reply_.content();
    } else if (type == "response.refusal.delta") {
      told_.refusal = true;
      target = reply_.refusal();
    } else if (type == "response.reasoning_text.delta") {
      told_.reasoning = true;
      target = reply_.reasoning(ReasoningPlace::kDetails);
    } else if (type == "response.reasoning_summary_text.delta") {
      told_.reasoning = true;
      target = reply_.reasoning(ReasoningPlace::kContent);  // what the model thought is better than its summary
    }
    if (target == nullptr || !event["delta"].is_text()) return;
    *target += event["delta"].Text();
    known_.Learn(data, "delta", {"sequence_number", "obfuscation"}, event["delta"].Text(), target);
  }

  ReplyBuilder reply_;
  KnownEvents known_;
  Told told_;
  size_t next_call_ = 0;
  std::optional<AttemptOutcome> early_;
};

}  // namespace

std::unique_ptr<ReplyFold> NewResponsesFold() { return std::make_unique<ResponsesFold>(); }

}  // namespace passnet::dialects
