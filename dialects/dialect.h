// A provider's wire format as pure functions: request to bytes, bytes to outcome. No network, no clock, so a replay can
// compare requests byte for byte and interpret stored replies again.
// Threads: immutable, thread-safe. Ownership: dialects live as long as the program.
// Errors: RenderRequest: kInvalidArgument (extra_json is not an object or repeats a key of ours, an option that the
// dialect has no place for); ReadMessages: kDataCorrupt; DialectNamed: kNotFound.
// Source: docs/llm.md, "Dialects".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"

namespace passnet::dialects {

class ReplyFold;  // reply_fold.h

using Headers = std::vector<std::pair<std::string, std::string>>;

class Dialect {
 public:
  virtual ~Dialect() = default;
  // "openai-chat": stored with each call.
  virtual std::string_view name() const = 0;
  // Appended to the endpoint's base URL.
  virtual std::string_view path() const = 0;
  // Where requests go at an endpoint whose base URL has this path.
  virtual std::string TargetAt(const std::string& base_path) const { return base_path + std::string(path()); }
  // Request headers of its own: how the key is told (not at all when it is empty), and which version is spoken.
  virtual Headers HeadersWith(const std::string& api_key) const;
  // The exact bytes of the request's body; the same request always gives the same bytes.
  virtual Result<std::string> RenderRequest(const ChatRequest& request) const = 0;
  // The messages of a request that was stored. kDataCorrupt when the bytes are none.
  virtual Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const = 0;
  // Reads a reply while it comes. nullptr: this dialect reads whole ones alone.
  virtual std::unique_ptr<ReplyFold> NewFold() const;
  // Total over all bytes: whatever came back becomes one class. Never accepts half an answer. The same as the fold gives.
  virtual AttemptOutcome Interpret(const RawReply& reply) const;
};

// POST {base}/chat/completions, streamed or not.
const Dialect& OpenAiChat();
// POST {base}/responses, streamed or not; nothing is stored at the server.
const Dialect& OpenAiResponses();
// POST {base}/v1/messages, or {base}/messages where the base URL ends in /v1; streamed or not.
const Dialect& AnthropicMessages();

// "openai-chat", …: what a campaign may name.
std::vector<std::string> DialectNames();

// The dialect that a campaign or a journal names. An empty name is "openai-chat", the only one when names were not stored
// yet.
Result<const Dialect*> DialectNamed(std::string_view name);

// A request as it is journaled and as it is sent: rendered once, the same bytes at every attempt and after a resume.
struct WireRequest {
  WireRequest() = default;
  WireRequest(const Dialect* in, std::string bytes)
      : dialect(in), body(std::make_shared<const std::string>(std::move(bytes))) {}

  const Dialect* dialect = nullptr;
  // Shared by all who may send it again: it is the most of what a trajectory holds while it waits for its model.
  std::shared_ptr<const std::string> body;
};

}  // namespace passnet::dialects
