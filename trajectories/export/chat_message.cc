#include "trajectories/export/chat_message.h"

#include <map>
#include <nlohmann/json.hpp>

namespace passnet::trajectories {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// Text of `object[key]`; empty when absent or null. False for any other type.
bool TakeText(const Json& object, const char* key, std::string* text) {
  auto at = object.find(key);
  if (at == object.end() || at->is_null()) return true;
  if (!at->is_string()) return false;
  *text = at->get<std::string>();
  return true;
}

Result<ChatMessage> ParseMessage(const Json& json) {
  ChatMessage message;
  std::string content;
  if (!json.is_object() || !TakeText(json, "role", &message.role) || message.role.empty()) {
    return DataCorrupt("chat message without a role");
  }
  if (!TakeText(json, "content", &content)) return DataCorrupt("chat message whose content is not text");
  if (!TakeText(json, "name", &message.name) || !TakeText(json, "tool_call_id", &message.tool_call_id)) {
    return DataCorrupt("chat message with a malformed name or tool_call_id");
  }
  if (auto calls = json.find("tool_calls"); calls != json.end() && calls->is_array() && !calls->empty()) {
    message.tool_calls = calls->dump();
  }
  bool has_content = json.contains("content") && !json["content"].is_null();
  if (has_content) message.content = std::move(content);
  if (!has_content && message.tool_calls.empty()) return DataCorrupt("chat message without content and tool calls");
  return message;
}

// The chunks of one streamed reply, put together.
class Stream {
 public:
  void Add(const Json& chunk) {
    auto choices = chunk.find("choices");
    if (choices == chunk.end() || !choices->is_array() || choices->empty()) return;
    const Json& choice = choices->front();
    if (!choice.is_object() || !choice.contains("delta") || !choice["delta"].is_object()) return;
    seen_ = true;
    const Json& delta = choice["delta"];
    if (auto text = delta.find("content"); text != delta.end() && text->is_string()) {
      content_ += text->get_ref<const std::string&>();
      has_content_ = true;
    }
    if (auto calls = delta.find("tool_calls"); calls != delta.end() && calls->is_array()) {
      for (const Json& call : *calls) AddToolCall(call);
    }
  }

  Result<ChatMessage> Message() const {
    if (!seen_) return DataCorrupt("streamed reply without any chunk");
    Json json = {{"role", "assistant"}};
    if (has_content_ || tool_calls_.empty()) json["content"] = content_;
    for (const auto& [index, call] : tool_calls_) json["tool_calls"].push_back(call);
    return ParseMessage(json);
  }

 private:
  // id and name come once, arguments in pieces; an absent index is the next place.
  void AddToolCall(const Json& delta) {
    if (!delta.is_object()) return;
    auto index = static_cast<int64_t>(tool_calls_.size());
    auto given = delta.find("index");
    if (given != delta.end() && given->is_number_integer()) index = given->get<int64_t>();
    Json& call = tool_calls_.try_emplace(index, Json{{"type", "function"}, {"function", {{"arguments", ""}}}})
                     .first->second;
    if (auto id = delta.find("id"); id != delta.end() && id->is_string()) call["id"] = *id;
    auto function = delta.find("function");
    if (function == delta.end() || !function->is_object()) return;
    if (auto name = function->find("name"); name != function->end() && name->is_string()) {
      call["function"]["name"] = *name;
    }
    if (auto text = function->find("arguments"); text != function->end() && text->is_string()) {
      call["function"]["arguments"].get_ref<std::string&>() += text->get_ref<const std::string&>();
    }
  }

  bool seen_ = false;
  bool has_content_ = false;
  std::string content_;
  std::map<int64_t, Json> tool_calls_;
};

// What follows "data:" of each line that has it. An event of several data lines does not occur in this protocol.
std::vector<std::string_view> DataLines(std::string_view body) {
  std::vector<std::string_view> lines;
  while (!body.empty()) {
    size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (line.starts_with("data:")) lines.push_back(line.substr(5));
  }
  return lines;
}

std::string_view Trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Result<ChatMessage> MessageOfStream(std::string_view body) {
  Stream stream;
  for (std::string_view line : DataLines(body)) {
    line = Trimmed(line);
    if (line == "[DONE]") break;
    Json chunk = Json::parse(line, nullptr, false);
    if (!chunk.is_object()) return DataCorrupt("streamed reply with a chunk that is not JSON");
    stream.Add(chunk);
  }
  return stream.Message();
}

}  // namespace

Result<std::vector<ChatMessage>> MessagesOfRequest(std::string_view body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array()) {
    return DataCorrupt("request without an array \"messages\"");
  }
  std::vector<ChatMessage> messages;
  for (const Json& entry : json["messages"]) {
    ASSIGN_OR_RETURN(ChatMessage message, ParseMessage(entry));
    messages.push_back(std::move(message));
  }
  return messages;
}

Result<ChatMessage> MessageOfReply(std::string_view body) {
  if (!Trimmed(body).starts_with('{')) return MessageOfStream(body);
  Json json = Json::parse(body, nullptr, false);
  bool whole = json.is_object() && json.contains("choices") && json["choices"].is_array() && !json["choices"].empty() &&
               json["choices"][0].is_object() && json["choices"][0].contains("message");
  if (!whole) return DataCorrupt("reply that is no chat.completion");
  Json message = json["choices"][0]["message"];
  if (message.is_object()) message.emplace("role", "assistant");
  return ParseMessage(message);
}

Result<std::string> TrainingLine(const std::vector<WeightedMessage>& messages) {
  OrderedJson row = {{"messages", OrderedJson::array()}};
  for (const WeightedMessage& weighted : messages) {
    const ChatMessage& message = weighted.message;
    OrderedJson json = {{"role", message.role}};
    json["content"] = message.content ? OrderedJson(*message.content) : OrderedJson(nullptr);
    if (!message.name.empty()) json["name"] = message.name;
    if (!message.tool_calls.empty()) json["tool_calls"] = OrderedJson::parse(message.tool_calls);
    if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
    if (message.role == "assistant") json["weight"] = weighted.trained ? 1 : 0;
    row["messages"].push_back(std::move(json));
  }
  try {
    return row.dump();
  } catch (const Json::exception& error) {
    return DataCorrupt(std::string("message that is not valid UTF-8: ") + error.what());
  }
}

}  // namespace passnet::trajectories
