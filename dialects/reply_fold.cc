#include "dialects/reply_fold.h"

#include <utility>

#include "dialects/openai_error.h"

namespace passnet::dialects {
namespace {

bool IsAnswer(int status) { return status >= 200 && status <= 299; }

}  // namespace

void ReplyFold::Feed(std::string_view bytes) {
  if (form_ == Form::kUnknown) {
    const size_t begin = bytes.find_first_not_of(" \t\r\n");
    // Blank lines mean nothing to a stream, and are in the body of a message.
    if (begin == std::string_view::npos) return;
    form_ = bytes[begin] == '{' ? Form::kMessage : Form::kStream;
  }
  if (form_ == Form::kStream && !ended_) events_.Feed(bytes, [this](std::string_view data) { Event(data); });
}

void ReplyFold::Event(std::string_view data) {
  any_event_ = true;
  if (!ended_ && !ignoring_) TakeEvent(data);
}

AttemptOutcome ReplyFold::Finish(const RawReply& reply) {
  switch (reply.end) {
    case ExchangeEnd::kCancelled: return {OutcomeClass::kCancelled, "cancelled", {}};
    case ExchangeEnd::kConnectFailed:
    case ExchangeEnd::kConnectTimeout: return {OutcomeClass::kOverloaded, reply.error, {}};
    case ExchangeEnd::kPeerUntrusted: return {OutcomeClass::kBadRequest, reply.error, {}};
    case ExchangeEnd::kComplete:
    case ExchangeEnd::kFirstByteTimeout:
    case ExchangeEnd::kIdleTimeout:
    case ExchangeEnd::kTotalTimeout:
    case ExchangeEnd::kCut:
    case ExchangeEnd::kTooLarge:
    case ExchangeEnd::kProtocolError: break;
  }
  if (reply.status == 0) return {OutcomeClass::kTransport, "no reply: " + reply.error, {}};
  // The status line alone tells what a refusal is, even when its body was cut.
  AttemptOutcome outcome = IsAnswer(reply.status) ? OfAnswer(reply) : InterpretRefusal(reply.status, reply.body);
  for (const char* header : {"request-id", "x-request-id"}) {
    auto request_id = reply.headers.find(header);
    if (request_id != reply.headers.end()) outcome.reply.request_id = request_id->second;
  }
  return outcome;
}

AttemptOutcome ReplyFold::OfAnswer(const RawReply& reply) {
  const bool whole = reply.end == ExchangeEnd::kComplete;
  if (form_ == Form::kStream && !ended_) events_.Finish([this](std::string_view data) { Event(data); });
  AttemptOutcome outcome = any_event_ ? OfStream(whole) : OfMessage(reply.body, whole);
  if (!whole && outcome.outcome == OutcomeClass::kTransport) {
    outcome.detail = "the reply broke off after " + std::to_string(reply.body.size()) + " bytes: " + reply.error;
  }
  return outcome;
}

bool KnownEvents::Take(std::string_view data) { return shape_ && shape_->Match(data, target_); }

void KnownEvents::Learn(std::string_view data, std::string_view taken, const std::vector<std::string_view>& ignored,
                        const std::string& text, std::string* target) {
  std::string read;
  std::optional<JsonShape> shape = JsonShape::Of(data, taken, ignored);
  if (!shape || !shape->Match(data, &read) || read != text) return;
  shape_ = std::move(shape);
  target_ = target;
}

}  // namespace passnet::dialects
