// The Messages dialect: rendering of requests, and reading stored ones back.
#include <string>

#include "base/json.h"
#include "dialects/anthropic_reply.h"
#include "dialects/dialect.h"
#include "dialects/request_keys.h"

namespace passnet::dialects {
namespace {

constexpr const char* kVersion = "2023-06-01";  // of the API; the newest that there is

// The system's texts are one field; an empty text is refused by the server, and neighbours of one role are one turn to it,
// so a round without an answer is left out.
Result<Json> AnthropicKeys(const ChatRequest& request) {
  if (request.seed) return InvalidArgument("sampling.seed: the dialect anthropic-messages has none; remove it");
  std::string system;
  std::vector<ChatMessage> turns;
  for (const ChatMessage& message : request.messages) {
    if (message.role == Role::kSystem) {
      system += (system.empty() ? "" : "\n\n") + message.content;
    } else if (message.content.find_first_not_of(" \t\r\n") != std::string::npos) {
      turns.push_back(message);
    }
  }
  Json body;
  body.Set("model", request.model);
  body.Set("max_tokens", request.max_tokens);
  if (!system.empty()) body.Set("system", system);
  body.Set("messages", RenderMessages(turns));
  if (request.temperature) body.Set("temperature", *request.temperature);
  body.Set("stream", request.stream);
  return body;
}

// One of ours has a text; others have blocks: texts, calls of tools, their results.
Result<StoredMessage> ReadTurn(const Json& turn) {
  StoredMessage message;
  message.role = turn["role"].Text();
  if (message.role.empty()) return DataCorrupt("a message without a role");
  const Json& content = turn["content"];
  if (!content.is_array()) {
    ASSIGN_OR_RETURN(message.content, TextOfContent(content));
    return message;
  }
  std::string text;
  for (const Json& block : content.Items()) {
    const std::string& type = block["type"].Text();
    if (type == "thinking" || type == "redacted_thinking") continue;
    if (type == "tool_use") {
      message.tool_calls.push_back({block["id"].Text(), block["name"].Text(), block["input"].Dump()});
    } else if (type == "tool_result") {
      message.role = "tool";
      message.tool_call_id = block["tool_use_id"].Text();
      ASSIGN_OR_RETURN(const std::string result, TextOfContent(block["content"]));
      text += result;
    } else if (block["text"].is_text()) {
      text += block["text"].Text();
    } else {
      return DataCorrupt("content: a block that is no text");
    }
  }
  if (!text.empty() || message.tool_calls.empty()) message.content = std::move(text);
  return message;
}

class MessagesDialect : public Dialect {
 public:
  std::string_view name() const override { return "anthropic-messages"; }
  std::string_view path() const override { return "/v1/messages"; }

  // Both ways of writing the base URL are common: with the version, as for the other dialects, and without.
  std::string TargetAt(const std::string& base_path) const override {
    return base_path + (base_path.ends_with("/v1") ? "/messages" : "/v1/messages");
  }

  Headers HeadersWith(const std::string& api_key) const override {
    Headers headers = {{"anthropic-version", kVersion}};
    if (!api_key.empty()) headers.emplace_back("x-api-key", api_key);
    return headers;
  }

  Result<std::string> RenderRequest(const ChatRequest& request) const override {
    ASSIGN_OR_RETURN(Json body, AnthropicKeys(request));
    RETURN_IF_ERROR(AddExtraKeys(request.extra_json, &body));
    return body.Dump();
  }

  Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const override {
    auto json = ParseJsonObject(body, "request");
    if (!json) return DataCorrupt(json.error().context);
    if (!json.value()["messages"].is_array()) return DataCorrupt("request without a list \"messages\"");
    std::vector<StoredMessage> messages;
    if (const Json& system = json.value()["system"]; !system.is_null()) {
      ASSIGN_OR_RETURN(std::string text, TextOfContent(system));
      messages.push_back({"system", std::move(text), {}, {}, {}});
    }
    for (const Json& turn : json.value()["messages"].Items()) {
      auto message = ReadTurn(turn);
      if (!message) return message.error().Prefixed("request: message " + std::to_string(messages.size()));
      messages.push_back(std::move(message).value());
    }
    return messages;
  }

  std::unique_ptr<ReplyFold> NewFold() const override { return NewAnthropicFold(); }
};

}  // namespace

const Dialect& AnthropicMessages() {
  static const MessagesDialect dialect;
  return dialect;
}

}  // namespace passnet::dialects
