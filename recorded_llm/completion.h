// A request and its answer, whatever wire they come on; and the wire of chat completions as a server sees it.
// Threads: thread-safe, pure. Errors: kInvalidArgument (ParseCompletionRequest: what is wrong with which key).
// Source: OpenAI chat completions; docs/recorded_llm.md.
#pragma once

#include <cstdint>
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
  int64_t seed = 0;  // 0 where none is given, and on the wires that have none
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

inline constexpr int64_t kCreated = 1'767'225'600;  // chosen: 2026-01-01; a recording has no time of its own

// The text in pieces of about so many bytes, each of whole characters and of one at least.
std::vector<std::string> Pieces(std::string_view text, size_t chunk_bytes);

Result<CompletionRequest> ParseCompletionRequest(std::string_view body);

std::string RenderMessage(const Completion& completion);
// Complete server-sent events, "data: [DONE]" last. `chunk_bytes`: of text an event, at least one character.
std::vector<std::string> RenderEvents(const Completion& completion, size_t chunk_bytes);
std::string RenderError(std::string_view type, std::string_view code, const std::string& message);
std::string RenderModels();

}  // namespace passnet::recorded_llm
