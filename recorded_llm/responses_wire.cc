// OpenAI's Responses as a server sees them.
#include <algorithm>
#include <utility>

#include "base/fields.h"
#include "base/json.h"
#include "recorded_llm/wire.h"

namespace passnet::recorded_llm {
namespace {

std::string ItemText(const Json& content) {
  std::string text = content.Text();
  for (const Json& part : content.Items()) text += part["text"].Text();
  return text;
}

Result<CompletionRequest> ParseResponsesRequest(std::string_view body) {
  ASSIGN_OR_RETURN(const Json root, ParseJsonObject(body, "the body"));
  CompletionRequest request;
  FieldReader fields(root, UnknownKeys::kIgnored);
  fields.Required("model");
  fields.Text("model", &request.model);
  fields.Required("input");
  fields.List(
      "input", 0, [&](size_t size) { request.messages.resize(size); },
      [&](size_t i) {
        Json content;
        fields.Required("role");
        fields.Text("role", &request.messages[i].role);
        fields.Any("content", &content);
        request.messages[i].content = ItemText(content);
      });
  RETURN_IF_ERROR(fields.Check("the body"));
  request.stream = root["stream"].Flag();
  request.usage_in_stream = true;  // always told with the end
  return request;
}

Json OutputItem(const Completion& completion, const std::string& text) {
  Json part = {{"type", "output_text"}, {"text", text}, {"annotations", Json::MakeArray()}};
  Json content = Json::MakeArray();
  content.Push(std::move(part));
  return {{"type", "message"}, {"id", "msg_" + completion.id}, {"role", "assistant"}, {"status", "completed"}, {"content", std::move(content)}};
}

// "stop" is a completed response; everything else says why it is not.
Json Response(const Completion& completion, const std::string& text) {
  const bool completed = completion.finish_reason == "stop";
  const std::string reason = completion.finish_reason == "length" ? "max_output_tokens" : completion.finish_reason;
  Json response = {{"id", completion.id}, {"object", "response"}, {"created_at", kCreated}, {"model", completion.model}};
  response.Set("status", reason.empty() ? "in_progress" : (completed ? "completed" : "incomplete"));
  response.Set("error", nullptr);
  Json why;
  if (!completed && !reason.empty()) why.Set("reason", reason);
  response.Set("incomplete_details", std::move(why));
  response.Member("output").Push(OutputItem(completion, text));
  if (const auto& usage = completion.usage) {
    response.Set("usage", {{"input_tokens", usage->prompt_tokens},
                           {"output_tokens", usage->completion_tokens},
                           {"total_tokens", usage->prompt_tokens + usage->completion_tokens}});
  }
  return response;
}

std::string RenderResponse(const Completion& completion) { return Response(completion, completion.content).Dump(); }

class Events {
 public:
  void Add(const std::string& type, Json event) {
    event.Set("type", type);
    event.Set("sequence_number", static_cast<int64_t>(events_.size()));
    events_.push_back("event: " + type + "\ndata: " + event.Dump() + "\n\n");
  }
  std::vector<std::string> Take() { return std::move(events_); }

 private:
  std::vector<std::string> events_;
};

std::vector<std::string> RenderResponseEvents(const Completion& completion, size_t chunk_bytes) {
  Events events;
  Completion begun = completion;
  begun.finish_reason.clear();
  begun.usage.reset();
  Json created;
  created.Set("response", Response(begun, ""));
  events.Add("response.created", std::move(created));
  for (const std::string& piece : Pieces(completion.content, chunk_bytes)) {
    events.Add("response.output_text.delta",
               {{"item_id", "msg_" + completion.id}, {"output_index", 0}, {"content_index", 0}, {"delta", piece}});
  }
  if (completion.finish_reason.empty()) return events.Take();
  events.Add("response.output_text.done",
             {{"item_id", "msg_" + completion.id}, {"output_index", 0}, {"content_index", 0}, {"text", completion.content}});
  Json done;
  done.Set("response", Response(completion, completion.content));
  events.Add(completion.finish_reason == "stop" ? "response.completed" : "response.incomplete", std::move(done));
  return events.Take();
}

}  // namespace

const Wire& ResponsesWire() {
  static const Wire wire = {"/v1/responses", "resp_", ParseResponsesRequest, RenderResponse, RenderResponseEvents, RenderError};
  return wire;
}

}  // namespace passnet::recorded_llm
