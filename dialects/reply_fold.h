// A reply that is read as it comes: bytes in, and in the end what the exchange came to. The same bytes in any pieces give
// the same outcome, so that a reply is read once, on the way, and a replay reads it again from the store.
// Threads: thread-compatible. Errors: none: every reply has a class.
// Source: docs/llm.md, "Outcomes".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_shape.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"
#include "dialects/sse_parser.h"

namespace passnet::dialects {

class ReplyFold {
 public:
  virtual ~ReplyFold() = default;

  // Of the body of an answer with status 2xx. The first bytes tell the form: gateways answer a streamed request with
  // plain JSON, and name no type or a wrong one.
  void Feed(std::string_view bytes);
  // Nothing more is to come, however long the server keeps the connection open.
  bool ended() const { return ended_; }
  // `reply`: how the exchange ended, with the whole body. Once.
  AttemptOutcome Finish(const RawReply& reply);

 protected:
  // An event of a stream, up to one that calls EndHere() or IgnoreRest().
  virtual void TakeEvent(std::string_view data) = 0;
  // `whole`: the HTTP message ended as it should.
  virtual AttemptOutcome OfStream(bool whole) = 0;
  virtual AttemptOutcome OfMessage(std::string_view body, bool whole) = 0;

  // This was the last event that the server has.
  void EndHere() { ended_ = true; }
  // What comes now cannot change the outcome, but may still come.
  void IgnoreRest() { ignoring_ = true; }

 private:
  enum class Form { kUnknown, kMessage, kStream };
  void Event(std::string_view data);
  AttemptOutcome OfAnswer(const RawReply& reply);

  Form form_ = Form::kUnknown;
  SseParser events_;
  bool any_event_ = false;
  bool ended_ = false;
  bool ignoring_ = false;
};

// Text that came in events which differ in it alone; such events are not parsed.
class KnownEvents {
 public:
  // Whether `data` is an event like the one that was learnt; its text is then appended.
  bool Take(std::string_view data);
  // `data` was parsed and did nothing but append `text`, the member `taken`, to `target`, which outlives this. Members in
  // `ignored` mean nothing.
  void Learn(std::string_view data, std::string_view taken, const std::vector<std::string_view>& ignored,
             const std::string& text, std::string* target);

 private:
  std::optional<JsonShape> shape_;
  std::string* target_ = nullptr;
};

}  // namespace passnet::dialects
