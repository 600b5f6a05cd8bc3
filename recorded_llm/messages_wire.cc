// Anthropic's Messages as a server sees them.
#include <utility>

#include "base/fields.h"
#include "base/json.h"
#include "recorded_llm/wire.h"

namespace passnet::recorded_llm {
namespace {

std::string BlocksText(const Json& content) {
  std::string text = content.Text();
  for (const Json& block : content.Items()) text += block["text"].Text();
  return text;
}

Result<CompletionRequest> ParseMessagesRequest(std::string_view body) {
  ASSIGN_OR_RETURN(const Json root, ParseJsonObject(body, "the body"));
  CompletionRequest request;
  int64_t max_tokens = 0;
  FieldReader fields(root, UnknownKeys::kIgnored);
  fields.Required("model");
  fields.Text("model", &request.model);
  fields.Required("max_tokens");
  fields.Integer("max_tokens", &max_tokens, 1, 1'000'000'000);
  fields.Required("messages");
  fields.List(
      "messages", 0, [&](size_t size) { request.messages.resize(size); },
      [&](size_t i) {
        Json content;
        fields.Required("role");
        fields.Text("role", &request.messages[i].role);
        fields.Any("content", &content);
        request.messages[i].content = BlocksText(content);
      });
  RETURN_IF_ERROR(fields.Check("the body"));
  for (const Message& message : request.messages) {
    const bool known = message.role == "user" || message.role == "assistant";
    if (!known) return InvalidArgument("messages: unexpected role \"" + message.role + "\": system is a field of its own");
    if (message.content.empty()) return InvalidArgument("messages: text content blocks must be non-empty");
  }
  request.stream = root["stream"].Flag();
  request.usage_in_stream = true;  // always told
  return request;
}

Json StopReason(const Completion& completion) {
  if (completion.finish_reason.empty()) return nullptr;
  if (completion.finish_reason == "length") return "max_tokens";
  return completion.finish_reason == "stop" ? "end_turn" : "refusal";
}

Json MessageEnvelope(const Completion& completion, Json content, Json stop_reason) {
  Json message = {{"id", completion.id}, {"type", "message"}, {"role", "assistant"}, {"model", completion.model}};
  message.Set("content", std::move(content));
  message.Set("stop_reason", std::move(stop_reason));
  message.Set("stop_sequence", nullptr);
  return message;
}

Json InputUsage(const Completion& completion) {
  return {{"input_tokens", completion.usage->prompt_tokens}, {"output_tokens", 1}};
}

std::string RenderWholeMessage(const Completion& completion) {
  Json content = Json::MakeArray();
  content.Push({{"type", "text"}, {"text", completion.content}});
  Json message = MessageEnvelope(completion, std::move(content), StopReason(completion));
  if (completion.usage) {
    Json usage = InputUsage(completion);
    usage.Set("output_tokens", completion.usage->completion_tokens);
    message.Set("usage", std::move(usage));
  }
  return message.Dump();
}

std::string NamedEvent(const std::string& type, Json event) {
  event.Set("type", type);
  return "event: " + type + "\ndata: " + event.Dump() + "\n\n";
}

std::vector<std::string> RenderMessageEvents(const Completion& completion, size_t chunk_bytes) {
  Json message = MessageEnvelope(completion, Json::MakeArray(), nullptr);
  if (completion.usage) message.Set("usage", InputUsage(completion));
  Json start, block;
  start.Set("message", std::move(message));
  block.Set("index", 0);
  block.Set("content_block", {{"type", "text"}, {"text", ""}});
  std::vector<std::string> events = {NamedEvent("message_start", std::move(start)),
                                     NamedEvent("content_block_start", std::move(block)),
                                     NamedEvent("ping", Json::MakeObject())};
  for (const std::string& piece : Pieces(completion.content, chunk_bytes)) {
    Json delta;
    delta.Set("index", 0);
    delta.Set("delta", {{"type", "text_delta"}, {"text", piece}});
    events.push_back(NamedEvent("content_block_delta", std::move(delta)));
  }
  if (completion.finish_reason.empty()) return events;
  Json stop, end;
  stop.Set("index", 0);
  events.push_back(NamedEvent("content_block_stop", std::move(stop)));
  end.Member("delta").Set("stop_reason", StopReason(completion));
  if (completion.usage) end.Member("usage").Set("output_tokens", completion.usage->completion_tokens);
  events.push_back(NamedEvent("message_delta", std::move(end)));
  events.push_back(NamedEvent("message_stop", Json::MakeObject()));
  return events;
}

// Errors have a type and no code; what a recording says stands in the message.
std::string RenderMessagesError(std::string_view type, std::string_view code, const std::string& message) {
  Json body = {{"type", "error"}};
  Json error = {{"type", type}, {"message", message + " (" + std::string(code) + ")"}};
  body.Set("error", std::move(error));
  return body.Dump();
}

}  // namespace

const Wire& MessagesWire() {
  static const Wire wire = {"/v1/messages", "msg_", ParseMessagesRequest, RenderWholeMessage, RenderMessageEvents, RenderMessagesError};
  return wire;
}

}  // namespace passnet::recorded_llm
