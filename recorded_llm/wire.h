// The wires that the endpoint speaks: each is a route with its form of request, answer, events and errors.
// Threads: immutable values, pure functions. Errors: kInvalidArgument (parse: what is wrong with which key).
// Source: OpenAI chat completions and Responses, Anthropic Messages; docs/recorded_llm.md.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "recorded_llm/completion.h"

namespace passnet::recorded_llm {

struct Wire {
  std::string_view target;
  std::string_view id_prefix;
  Result<CompletionRequest> (*parse)(std::string_view body);
  std::string (*message)(const Completion& completion);
  // Complete server-sent events, `chunk_bytes` of text each.
  std::vector<std::string> (*events)(const Completion& completion, size_t chunk_bytes);
  std::string (*error)(std::string_view type, std::string_view code, const std::string& message);
};

const Wire& ChatWire();
const Wire& ResponsesWire();
const Wire& MessagesWire();
std::array<const Wire*, 3> AllWires();

}  // namespace passnet::recorded_llm
