// The Responses dialect: rendering of requests, and reading stored ones back.
#include <string>

#include "base/json.h"
#include "dialects/dialect.h"
#include "dialects/request_keys.h"
#include "dialects/responses_reply.h"

namespace passnet::dialects {
namespace {

Result<Json> ResponsesKeys(const ChatRequest& request) {
  if (request.seed) return InvalidArgument("sampling.seed: the dialect openai-responses has none; remove it");
  Json body;
  body.Set("model", request.model);
  body.Set("input", RenderMessages(request.messages));
  body.Set("max_output_tokens", request.max_tokens);
  if (request.temperature) body.Set("temperature", *request.temperature);
  body.Set("store", false);  // the journal is where conversations are kept
  body.Set("stream", request.stream);
  return body;
}

Result<StoredMessage> ReadInputItem(const Json& item) {
  const std::string& type = item["type"].Text();
  StoredMessage message;
  if (type == "function_call") {
    message.role = "assistant";
    message.tool_calls = {{item["call_id"].Text(), item["name"].Text(), item["arguments"].Text()}};
    return message;
  }
  if (type == "function_call_output") {
    message.role = "tool";
    message.tool_call_id = item["call_id"].Text();
    ASSIGN_OR_RETURN(message.content, TextOfContent(item["output"]));
    return message;
  }
  message.role = item["role"].Text();
  if (message.role.empty()) return DataCorrupt("an item that is no message");
  ASSIGN_OR_RETURN(message.content, TextOfContent(item["content"]));
  return message;
}

class ResponsesDialect : public Dialect {
 public:
  std::string_view name() const override { return "openai-responses"; }
  std::string_view path() const override { return "/responses"; }

  Result<std::string> RenderRequest(const ChatRequest& request) const override {
    ASSIGN_OR_RETURN(Json body, ResponsesKeys(request));
    RETURN_IF_ERROR(AddExtraKeys(request.extra_json, &body));
    return body.Dump();
  }

  Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const override {
    auto json = ParseJsonObject(body, "request");
    if (!json) return DataCorrupt(json.error().context);
    std::vector<StoredMessage> messages;
    if (const std::string& text = json.value()["instructions"].Text(); !text.empty()) {
      messages.push_back({"system", text, {}, {}, {}});
    }
    const Json& input = json.value()["input"];
    if (input.is_text()) messages.push_back({"user", input.Text(), {}, {}, {}});
    if (!input.is_text() && !input.is_array()) return DataCorrupt("request without \"input\"");
    for (const Json& item : input.Items()) {
      if (item["type"].Text() == "reasoning") continue;
      auto message = ReadInputItem(item);
      if (!message) return message.error().Prefixed("request: item " + std::to_string(messages.size()));
      messages.push_back(std::move(message).value());
    }
    return messages;
  }

  std::unique_ptr<ReplyFold> NewFold() const override { return NewResponsesFold(); }
};

}  // namespace

const Dialect& OpenAiResponses() {
  static const ResponsesDialect dialect;
  return dialect;
}

}  // namespace passnet::dialects
