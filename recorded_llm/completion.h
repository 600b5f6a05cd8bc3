// The wire forms of a chat completion as a server sees them: request in; message, events and errors out.
// Threads: thread-safe, pure. Errors: kInvalidArgument (ParseCompletionRequest: what is wrong with which key).
// Source: OpenAI chat completions; docs/recorded_llm.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "recorded_llm/conversation.h"

namespace passnet::recorded_llm {

struct CompletionRequest {
  std::string model;
  std::vector<Message> messages;
  bool stream = false;
  bool usage_in_stream = false;
};

struct Completion {
  std::string id;
  std::string model;
  std::string content;        // UTF-8
  std::string finish_reason;  // empty: null, as of an answer that was interrupted
  std::optional<RecordedUsage> usage;
  bool usage_in_stream = false;

  // What is left of an answer that its server gave up half way.
  void CutInHalf();
};

Result<CompletionRequest> ParseCompletionRequest(std::string_view body);

std::string RenderMessage(const Completion& completion);
// Complete server-sent events, "data: [DONE]" last. `chunk_bytes`: of text an event, at least one character.
std::vector<std::string> RenderEvents(const Completion& completion, size_t chunk_bytes);
std::string RenderError(std::string_view type, std::string_view code, const std::string& message);
std::string RenderModels();

}  // namespace passnet::recorded_llm
