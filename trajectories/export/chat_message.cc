#include "trajectories/export/chat_message.h"

#include "base/json.h"
#include "base/text.h"

namespace passnet::trajectories {
namespace {

using dialects::StoredMessage;
using dialects::ToolCall;

Json RenderToolCalls(const std::vector<ToolCall>& calls) {
  Json rendered = Json::MakeArray();
  for (const ToolCall& call : calls) {
    rendered.Push({{"id", call.id},
                   {"type", "function"},
                   {"function", {{"name", call.name}, {"arguments", call.arguments_json}}}});
  }
  return rendered;
}

Json Render(const StoredMessage& message) {
  Json json = {{"role", message.role}};
  json.Set("content", OrNull(message.content));
  if (!message.name.empty()) json.Set("name", message.name);
  if (!message.tool_calls.empty()) json.Set("tool_calls", RenderToolCalls(message.tool_calls));
  if (!message.tool_call_id.empty()) json.Set("tool_call_id", message.tool_call_id);
  return json;
}

}  // namespace

Result<StoredMessage> MessageOfReply(const dialects::Dialect& dialect, int http_status, std::string body) {
  dialects::RawReply reply;
  reply.status = http_status;
  reply.body = std::move(body);
  dialects::AttemptOutcome outcome = dialect.Interpret(reply);
  const bool told = !outcome.reply.content.empty() || !outcome.reply.tool_calls.empty();
  if (!told && !IsModelBehaviour(outcome.outcome)) return DataCorrupt("stored reply: " + outcome.detail);
  return MessageOf(outcome.reply);
}

std::string TrainingLine(const std::vector<WeightedMessage>& messages) {
  Json rows = Json::MakeArray();
  for (const WeightedMessage& weighted : messages) {
    Json& json = rows.Push(Render(weighted.message));
    if (weighted.message.role == "assistant") json.Set("weight", weighted.trained ? 1 : 0);
  }
  return Json{{"messages", std::move(rows)}}.Dump();
}

}  // namespace passnet::trajectories
