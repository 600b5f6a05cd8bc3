#include "dialects/openai_request.h"

#include <string>
#include <utility>

#include "base/fields.h"
#include "base/json.h"
#include "dialects/request_keys.h"

namespace passnet::dialects {
namespace {

Result<std::vector<ToolCall>> ReadToolCalls(const Json& json) {
  std::vector<ToolCall> calls;
  for (const Json& one : json.Items()) {
    const Json& function = one["function"];
    if (!function["name"].is_text() || !function["arguments"].is_text()) {
      return DataCorrupt("tool_calls: one that names no function with arguments");
    }
    calls.push_back({one["id"].Text(), function["name"].Text(), function["arguments"].Text()});
  }
  return calls;
}

Result<StoredMessage> ReadMessage(const Json& json) {
  StoredMessage message;
  FieldReader fields(json, UnknownKeys::kIgnored);
  fields.Required("role");
  fields.Text("role", &message.role);
  fields.Text("name", &message.name);
  fields.Text("tool_call_id", &message.tool_call_id);
  if (Status read = fields.Check("chat message"); !read) return DataCorrupt(read.error().context);
  if (const Json& content = json["content"]; !content.is_null()) {
    ASSIGN_OR_RETURN(message.content, TextOfContent(content));
  }
  ASSIGN_OR_RETURN(message.tool_calls, ReadToolCalls(json["tool_calls"]));
  if (!message.content && message.tool_calls.empty()) return DataCorrupt("neither content nor tool calls");
  return message;
}

}  // namespace

Result<std::vector<StoredMessage>> MessagesOfRequest(std::string_view body) {
  auto json = ParseJsonObject(body, "request");
  if (!json) return DataCorrupt(json.error().context);
  if (!json.value()["messages"].is_array()) return DataCorrupt("request without a list \"messages\"");
  std::vector<StoredMessage> messages;
  for (const Json& entry : json.value()["messages"].Items()) {
    auto message = ReadMessage(entry);
    if (!message) return message.error().Prefixed("request: message " + std::to_string(messages.size()));
    messages.push_back(std::move(message).value());
  }
  return messages;
}

}  // namespace passnet::dialects
