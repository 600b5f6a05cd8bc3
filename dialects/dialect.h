// A provider's wire format as pure functions: request to bytes, bytes to outcome. No network, no clock, so a replay can
// compare requests byte for byte and interpret stored replies again.
// Threads: immutable, thread-safe. Ownership: dialects live as long as the program.
// Errors: RenderRequest: kInvalidArgument (extra_json is not an object or repeats a key of ours); ReadMessages:
// kDataCorrupt; DialectNamed: kNotFound.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"

namespace passnet::dialects {

class Dialect {
 public:
  virtual ~Dialect() = default;
  // "openai-chat": stored with each call.
  virtual std::string_view name() const = 0;
  // Appended to the endpoint's base URL.
  virtual std::string_view path() const = 0;
  // The exact bytes of the request's body; the same request always gives the same bytes.
  virtual Result<std::string> RenderRequest(const ChatRequest& request) const = 0;
  // The messages of a request that was stored. kDataCorrupt when the bytes are none.
  virtual Result<std::vector<StoredMessage>> ReadMessages(std::string_view body) const = 0;
  // True for the data of the server-sent event after which nothing more is to come, however long the server keeps the
  // connection open.
  virtual bool EndsStream(std::string_view event_data) const = 0;
  // Total over all bytes: whatever came back becomes one class. Never accepts half an answer.
  virtual AttemptOutcome Interpret(const RawReply& reply) const = 0;
};

// POST {base}/chat/completions, streamed or not.
const Dialect& OpenAiChat();

// The dialect that a journal names. An empty name is "openai-chat", the only one when names were not stored yet.
Result<const Dialect*> DialectNamed(std::string_view name);

// A request as it is journaled and as it is sent: rendered once, the same bytes at every attempt and after a resume.
struct WireRequest {
  const Dialect* dialect = nullptr;
  std::string body;
};

}  // namespace passnet::dialects
