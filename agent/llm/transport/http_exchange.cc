#include "agent/llm/transport/http_exchange.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "dialects/reply_fold.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::Dialect;
using dialects::ExchangeEnd;
using dialects::RawReply;
using dialects::ReplyFold;

namespace http = boost::beast::http;
using ErrorCodeOfBeast = boost::beast::error_code;
using Parser = http::response_parser<http::string_body>;

constexpr uint32_t kMaxHeaderBytes = 32u << 10;  // chosen: four times nginx's default for one header
constexpr size_t kMaxHeaderValueBytes = 1024;    // chosen: what is kept goes into every attempt's row
constexpr int kMaxInterimReplies = 8;            // chosen: one 100 Continue is usual
// Chosen: long enough for the end of the HTTP message that follows the last event on a healthy connection.
constexpr Nanos kGraceAfterLastEvent = Millis(250);

bool IsKept(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames = {"content-type",
                                                       "date",
                                                       "location",
                                                       "openai-processing-ms",
                                                       "request-id",
                                                       "retry-after",
                                                       "retry-after-ms",
                                                       "server",
                                                       "x-request-id",
                                                       "x-should-retry",
                                                       "llm_provider-retry-after"};
  if (name.starts_with("x-ratelimit-") || name.starts_with("anthropic-ratelimit-")) return true;
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

// The reply as it grows: bytes in, and what they mean for the exchange.
class ReplyReader {
 public:
  ReplyReader(const Dialect* dialect, size_t max_body_bytes) : fold_(dialect->NewFold()), max_body_bytes_(max_body_bytes) {
    Restart();
  }

  // The end that these bytes brought, if any.
  std::optional<ExchangeEnd> Feed(std::string_view bytes) {
    touched_ = true;
    pending_.append(bytes);
    while (!pending_.empty() && !parser_->is_done()) {
      ErrorCodeOfBeast error;
      size_t used = parser_->put(boost::asio::buffer(pending_), error);
      pending_.erase(0, used);
      if (error == http::error::need_more) break;
      if (error) return Failed(error);
      if (parser_->is_done() && IsInterim() && !Restart()) return ExchangeEnd::kProtocolError;
    }
    Fold();
    return parser_->is_done() ? std::optional(ExchangeEnd::kComplete) : std::nullopt;
  }

  ExchangeEnd FeedEnd() {
    ErrorCodeOfBeast error;
    // Not after an interim reply alone: Beast wants to have seen a byte of the message that ends.
    if (parser_->got_some()) parser_->put_eof(error);
    bool whole = !error && parser_->is_done();
    if (!whole) {
      error_ = std::string("the server closed the connection ") + (touched_ ? "inside the reply" : "without a reply");
    }
    return whole ? ExchangeEnd::kComplete : ExchangeEnd::kCut;
  }

  bool touched() const { return touched_; }
  bool body_started() const { return !Body().empty(); }
  // Only where the server calls it a stream: what else is shorter than was announced is cut, whatever it looks like.
  bool last_event_seen() const { return fold_ && fold_->ended() && IsEventStream(); }
  bool keep_alive() const { return parser_->is_done() && parser_->keep_alive() && pending_.empty(); }
  std::string& error() { return error_; }

  void MoveInto(RawReply* reply) {
    if (parser_->is_header_done()) {
      reply->status = static_cast<int>(parser_->get().result_int());
      for (const auto& field : parser_->get().base()) KeepHeader(field.name_string(), field.value(), reply);
    }
    reply->body = std::move(parser_->get().body());
    if (reply->error.empty()) reply->error = error_;
  }

  // What the reply comes to, once it has everything else.
  void Read(RawReply* reply) {
    if (fold_) reply->read = std::make_shared<const AttemptOutcome>(fold_->Finish(*reply));
  }

 private:
  bool IsInterim() const { return parser_->get().result_int() / 100 == 1; }

  bool Restart() {
    parser_ = std::make_unique<Parser>();
    parser_->eager(true);
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(max_body_bytes_);
    return ++replies_ <= kMaxInterimReplies;
  }

  ExchangeEnd Failed(const ErrorCodeOfBeast& error) {
    if (error == http::error::header_limit) {
      error_ = "the reply's header is larger than " + std::to_string(kMaxHeaderBytes) + " bytes";
      return ExchangeEnd::kTooLarge;
    }
    if (error == http::error::body_limit) {
      error_ = "the reply's body is larger than " + std::to_string(max_body_bytes_) + " bytes";
      return ExchangeEnd::kTooLarge;
    }
    error_ = "not an HTTP reply: " + error.message();
    return ExchangeEnd::kProtocolError;
  }

  const std::string& Body() const { return parser_->get().body(); }

  bool IsEventStream() const {
    return Lower(parser_->get()[http::field::content_type]).starts_with("text/event-stream");
  }

  // An answer is read while it comes, so that at its end there is nothing left to do.
  void Fold() {
    if (!fold_ || !parser_->is_header_done() || parser_->get().result_int() / 100 != 2) return;
    fold_->Feed(std::string_view(Body()).substr(folded_));
    folded_ = Body().size();
  }

  static void KeepHeader(std::string_view name, std::string_view value, RawReply* reply) {
    std::string lower = Lower(name);
    // The first of several wins.
    if (IsKept(lower)) reply->headers.emplace(std::move(lower), value.substr(0, kMaxHeaderValueBytes));
  }

  const std::unique_ptr<ReplyFold> fold_;
  const size_t max_body_bytes_;
  std::unique_ptr<Parser> parser_;
  int replies_ = 0;
  std::string pending_;
  bool touched_ = false;
  size_t folded_ = 0;  // bytes of the body
  std::string error_;
};

// One exchange's course: which limit holds now, and what an error of the stream means under it.
class Course {
 public:
  Course(const ExchangePorts& ports, const AttemptLimits& limits, Deadline total)
      : ports_(ports),
        limits_(limits),
        total_(total),
        started_(ports.clock->Now()),
        first_byte_by_(Limit(limits.first_byte)) {}

  Deadline WriteDeadline() const { return first_byte_by_.Earlier(total_); }

  void RequestWritten() {
    written_ = ports_.clock->Now();
    first_byte_by_ = Limit(limits_.first_byte);
  }

  Deadline ReadDeadline(const ReplyReader& reader) const {
    Deadline limit = reader.body_started() ? Limit(limits_.idle) : first_byte_by_;
    if (reader.last_event_seen()) limit = limit.Earlier(Limit(kGraceAfterLastEvent));
    return limit.Earlier(total_);
  }

  void BytesRead(const ReplyReader& reader) {
    if (first_byte_ == Nanos(0) && reader.body_started()) first_byte_ = ports_.clock->Now() - written_;
  }

  ExchangeEnd EndOf(const Error& error, const ReplyReader& reader) const {
    if (error.code == ErrorCode::kCancelled) return ExchangeEnd::kCancelled;
    if (error.code != ErrorCode::kDeadlineExceeded) return ExchangeEnd::kCut;
    if (total_.Passed(*ports_.clock)) return ExchangeEnd::kTotalTimeout;
    return reader.body_started() ? ExchangeEnd::kIdleTimeout : ExchangeEnd::kFirstByteTimeout;
  }

  void FillTimes(RawReply* reply) const {
    reply->first_byte = first_byte_;
    reply->total = ports_.clock->Now() - started_;
  }

 private:
  Deadline Limit(Nanos span) const { return Deadline::After(span, *ports_.clock); }

  const ExchangePorts& ports_;
  const AttemptLimits& limits_;
  const Deadline total_;
  const SteadyTime started_;
  Deadline first_byte_by_;
  SteadyTime written_{};
  Nanos first_byte_{0};
};

std::string ErrorTextOf(ExchangeEnd end, const Error& error) {
  switch (end) {
    case ExchangeEnd::kFirstByteTimeout: return "no byte of the reply's body within the first-byte limit";
    case ExchangeEnd::kIdleTimeout: return "the reply stopped flowing for longer than the idle limit";
    case ExchangeEnd::kTotalTimeout: return "the attempt took longer than its total limit";
    case ExchangeEnd::kCancelled: return "cancelled";
    case ExchangeEnd::kComplete:
    case ExchangeEnd::kConnectFailed:
    case ExchangeEnd::kConnectTimeout:
    case ExchangeEnd::kPeerUntrusted:
    case ExchangeEnd::kCut:
    case ExchangeEnd::kTooLarge:
    case ExchangeEnd::kProtocolError: break;
  }
  return error.context;
}

}  // namespace

Task<ExchangeResult> Exchange(ExchangePorts ports, std::string_view request, AttemptLimits limits, Deadline total,
                              std::stop_token cancel) {
  ExchangeResult result;
  result.reply.sent = true;
  ReplyReader reader(ports.dialect, limits.max_body_bytes);
  Course course(ports, limits, total);
  std::optional<ExchangeEnd> end;

  Status written = co_await ports.stream->Write(request, course.WriteDeadline(), cancel);
  course.RequestWritten();
  // A server may refuse a long request before it has read it all, and its answer is worth reading.
  bool readable = written.has_value() || written.error().code == ErrorCode::kUnavailable;
  if (!readable) {
    end = course.EndOf(written.error(), reader);
    result.reply.error = ErrorTextOf(*end, written.error());
  }
  while (!end) {
    Result<std::string> bytes = co_await ports.stream->ReadSome(course.ReadDeadline(reader), cancel);
    if (bytes && !bytes.value().empty()) {
      end = reader.Feed(bytes.value());
      course.BytesRead(reader);
    } else if (bytes) {
      end = reader.FeedEnd();
    } else {
      end = course.EndOf(bytes.error(), reader);
      reader.error() = ErrorTextOf(*end, bytes.error());
    }
  }
  // After the last event nothing is missing, whatever the connection does; except that we were told to stop.
  if (reader.last_event_seen() && *end != ExchangeEnd::kCancelled) {
    end = ExchangeEnd::kComplete;
    reader.error().clear();
  }
  result.reply.end = *end;
  result.untouched = !reader.touched() && *end == ExchangeEnd::kCut;
  result.reusable = *end == ExchangeEnd::kComplete && written.has_value() && reader.keep_alive();
  reader.MoveInto(&result.reply);
  reader.Read(&result.reply);
  course.FillTimes(&result.reply);
  co_return result;
}

}  // namespace passnet::agent
