#include "recorded_llm/completion.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace passnet::recorded_llm {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kCreated = 1'767'225'600;  // chosen: 2026-01-01; a recording has no time of its own

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// How many bytes of `text`, near `wanted`, end between two characters; at least one character.
size_t WholeCharacters(std::string_view text, size_t wanted) {
  auto continues = [&](size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  size_t end = std::min(wanted, text.size());
  while (end > 0 && end < text.size() && continues(end)) --end;
  if (end > 0 || text.empty()) return end;
  end = 1;
  while (end < text.size() && continues(end)) ++end;
  return end;
}

// A text, or the text parts of a list of parts.
std::string ContentOf(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    if (part.is_object() && part.contains("text")) text += ContentOf(part["text"]);
  }
  return text;
}

Result<std::vector<Message>> ReadMessages(const Json& root) {
  auto list = root.find("messages");
  if (list == root.end() || !list->is_array()) return InvalidArgument("messages: must be a list");
  std::vector<Message> messages;
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& message = (*list)[i];
    bool has_role = message.is_object() && message.contains("role") && message["role"].is_string();
    if (!has_role) return InvalidArgument("messages[" + std::to_string(i) + "]: must be an object with a role");
    messages.push_back({message["role"].get<std::string>(), ContentOf(message.value("content", Json()))});
  }
  return messages;
}

bool FlagAt(const Json& object, const char* key) {
  auto flag = object.find(key);
  return flag != object.end() && flag->is_boolean() && flag->get<bool>();
}

Json UsageJson(const Completion& completion) {
  if (!completion.usage) return nullptr;
  const RecordedUsage& usage = *completion.usage;
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json FinishJson(const Completion& completion) {
  return completion.finish_reason.empty() ? Json(nullptr) : Json(completion.finish_reason);
}

Json Envelope(const Completion& completion, const char* object) {
  return {{"id", completion.id}, {"object", object}, {"created", kCreated}, {"model", completion.model}};
}

std::string Event(const Json& json) { return "data: " + Dump(json) + "\n\n"; }

std::string DeltaEvent(const Completion& completion, Json delta, Json finish_reason) {
  Json chunk = Envelope(completion, "chat.completion.chunk");
  chunk["choices"] =
      Json::array({{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}});
  if (completion.usage_in_stream) chunk["usage"] = nullptr;
  return Event(chunk);
}

std::string UsageEvent(const Completion& completion) {
  Json chunk = Envelope(completion, "chat.completion.chunk");
  chunk["choices"] = Json::array();
  chunk["usage"] = UsageJson(completion);
  return Event(chunk);
}

}  // namespace

void Completion::CutInHalf() {
  content.resize(WholeCharacters(content, content.size() / 2));
  finish_reason.clear();
  usage.reset();
}

Result<CompletionRequest> ParseCompletionRequest(std::string_view body) {
  Json root = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return InvalidArgument("the body is not a JSON object");
  CompletionRequest request;
  if (!root.contains("model") || !root["model"].is_string()) return InvalidArgument("model: must be a text");
  request.model = root["model"].get<std::string>();
  ASSIGN_OR_RETURN(request.messages, ReadMessages(root));
  request.stream = FlagAt(root, "stream");
  auto options = root.find("stream_options");
  request.usage_in_stream = options != root.end() && options->is_object() && FlagAt(*options, "include_usage");
  return request;
}

std::string RenderMessage(const Completion& completion) {
  Json body = Envelope(completion, "chat.completion");
  Json message = {{"role", "assistant"}, {"content", completion.content}, {"refusal", nullptr}};
  body["choices"] = Json::array({{{"index", 0}, {"message", message}, {"finish_reason", FinishJson(completion)}}});
  body["usage"] = UsageJson(completion);
  return Dump(body);
}

std::vector<std::string> RenderEvents(const Completion& completion, size_t chunk_bytes) {
  std::vector<std::string> events = {DeltaEvent(completion, {{"role", "assistant"}, {"content", ""}}, nullptr)};
  std::string_view rest = completion.content;
  while (!rest.empty()) {
    size_t count = WholeCharacters(rest, std::max<size_t>(1, chunk_bytes));
    events.push_back(DeltaEvent(completion, {{"content", rest.substr(0, count)}}, nullptr));
    rest.remove_prefix(count);
  }
  bool finished = !completion.finish_reason.empty();
  if (finished) events.push_back(DeltaEvent(completion, Json::object(), FinishJson(completion)));
  if (finished && completion.usage_in_stream) events.push_back(UsageEvent(completion));
  events.push_back("data: [DONE]\n\n");
  return events;
}

std::string RenderError(std::string_view type, std::string_view code, const std::string& message) {
  return Dump({{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code}}}});
}

std::string RenderModels() {
  Json model = {{"id", "recorded"}, {"object", "model"}, {"created", kCreated}, {"owned_by", "passnet"}};
  return Dump({{"object", "list"}, {"data", Json::array({model})}});
}

}  // namespace passnet::recorded_llm
