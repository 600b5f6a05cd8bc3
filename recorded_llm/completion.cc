#include "recorded_llm/completion.h"

#include <algorithm>
#include <utility>

#include "base/fields.h"
#include "base/json.h"

namespace passnet::recorded_llm {
namespace {

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
  std::string text = content.Text();
  for (const Json& part : content.Items()) text += part["text"].Text();
  return text;
}

Json UsageJson(const Completion& completion) {
  if (!completion.usage) return nullptr;
  const RecordedUsage& usage = *completion.usage;
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json Envelope(const Completion& completion, const char* object) {
  return {{"id", completion.id}, {"object", object}, {"created", kCreated}, {"model", completion.model}};
}

std::string Event(const Json& json) { return "data: " + json.Dump() + "\n\n"; }

std::string DeltaEvent(const Completion& completion, Json delta, Json finish_reason) {
  Json chunk = Envelope(completion, "chat.completion.chunk");
  chunk.Member("choices").Push(
      {{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}});
  if (completion.usage_in_stream) chunk.Set("usage", nullptr);
  return Event(chunk);
}

std::string UsageEvent(const Completion& completion) {
  Json chunk = Envelope(completion, "chat.completion.chunk");
  chunk.Set("choices", Json::MakeArray());
  chunk.Set("usage", UsageJson(completion));
  return Event(chunk);
}

}  // namespace

void Completion::CutInHalf() {
  content.resize(WholeCharacters(content, content.size() / 2));
  finish_reason.clear();
  usage.reset();
}

std::vector<std::string> Pieces(std::string_view text, size_t chunk_bytes) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const size_t count = WholeCharacters(text, std::max<size_t>(1, chunk_bytes));
    pieces.emplace_back(text.substr(0, count));
    text.remove_prefix(count);
  }
  return pieces;
}

Result<CompletionRequest> ParseCompletionRequest(std::string_view body) {
  ASSIGN_OR_RETURN(const Json root, ParseJsonObject(body, "the body"));
  CompletionRequest request;
  FieldReader fields(root, UnknownKeys::kIgnored);
  fields.Required("model");
  fields.Text("model", &request.model);
  fields.Required("messages");
  fields.List(
      "messages", 0, [&](size_t size) { request.messages.resize(size); },
      [&](size_t i) {
        Json content;
        fields.Required("role");
        fields.Text("role", &request.messages[i].role);
        fields.Any("content", &content);
        request.messages[i].content = ContentOf(content);
      });
  RETURN_IF_ERROR(fields.Check("the body"));
  request.stream = root["stream"].Flag();
  request.usage_in_stream = root["stream_options"]["include_usage"].Flag();
  request.seed = root["seed"].Integer();
  return request;
}

std::string RenderMessage(const Completion& completion) {
  Json body = Envelope(completion, "chat.completion");
  Json message = {{"role", "assistant"}, {"content", completion.content}, {"refusal", nullptr}};
  body.Member("choices").Push(
      {{"index", 0}, {"message", std::move(message)}, {"finish_reason", OrNull(completion.finish_reason)}});
  body.Set("usage", UsageJson(completion));
  return body.Dump();
}

std::vector<std::string> RenderEvents(const Completion& completion, size_t chunk_bytes) {
  std::vector<std::string> events = {DeltaEvent(completion, {{"role", "assistant"}, {"content", ""}}, nullptr)};
  for (const std::string& piece : Pieces(completion.content, chunk_bytes)) {
    events.push_back(DeltaEvent(completion, {{"content", piece}}, nullptr));
  }
  bool finished = !completion.finish_reason.empty();
  if (finished) events.push_back(DeltaEvent(completion, Json::MakeObject(), completion.finish_reason));
  if (finished && completion.usage_in_stream) events.push_back(UsageEvent(completion));
  events.push_back("data: [DONE]\n\n");
  return events;
}

std::string RenderError(std::string_view type, std::string_view code, const std::string& message) {
  Json error = {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code}};
  Json body;
  body.Set("error", std::move(error));
  return body.Dump();
}

std::string RenderModels() {
  Json model = {{"id", "recorded"}, {"object", "model"}, {"created", kCreated}, {"owned_by", "passnet"}};
  Json list = {{"object", "list"}};
  list.Member("data").Push(std::move(model));
  return list.Dump();
}

}  // namespace passnet::recorded_llm
