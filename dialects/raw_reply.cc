#include "dialects/raw_reply.h"

#include <limits>
#include <utility>

#include "base/fields.h"

namespace passnet::dialects {
namespace {

constexpr int64_t kLongest = std::numeric_limits<int64_t>::max();

// Everything but the body. All of it must be there: a reply that lost a part would be read as another one.
void VisitFacts(FieldVisitor& fields, RawReply& reply) {
  for (const char* key : {"asked_on_fresh", "connect_ns", "end", "error", "first_byte_ns", "headers", "sent", "status",
                          "total_ns"}) {
    fields.Required(key);
  }
  fields.Flag("asked_on_fresh", &reply.asked_on_fresh);
  VisitInteger(fields, "connect_ns", &reply.connect, 0, kLongest);
  VisitEnum(fields, "end", &reply.end, ExchangeEnd::kCancelled, ExchangeEndName);
  fields.Text("error", &reply.error);
  VisitInteger(fields, "first_byte_ns", &reply.first_byte, 0, kLongest);
  fields.TextMap("headers", &reply.headers);
  fields.Flag("sent", &reply.sent);
  VisitInteger(fields, "status", &reply.status, 0, 999);
  VisitInteger(fields, "total_ns", &reply.total, 0, kLongest);
}

}  // namespace

std::string_view ExchangeEndName(ExchangeEnd end) {
  switch (end) {
    case ExchangeEnd::kComplete: return "complete";
    case ExchangeEnd::kConnectFailed: return "connect_failed";
    case ExchangeEnd::kConnectTimeout: return "connect_timeout";
    case ExchangeEnd::kPeerUntrusted: return "peer_untrusted";
    case ExchangeEnd::kFirstByteTimeout: return "first_byte_timeout";
    case ExchangeEnd::kIdleTimeout: return "idle_timeout";
    case ExchangeEnd::kTotalTimeout: return "total_timeout";
    case ExchangeEnd::kCut: return "cut";
    case ExchangeEnd::kTooLarge: return "too_large";
    case ExchangeEnd::kProtocolError: return "protocol_error";
    case ExchangeEnd::kCancelled: return "cancelled";
  }
  return "cut";
}

std::string ReplyFactsToJson(const RawReply& reply) {
  RawReply facts = reply;
  return FieldsToJson([&](FieldVisitor& fields) { VisitFacts(fields, facts); });
}

Result<RawReply> ReplyFromStored(std::string_view facts_json, std::string body) {
  RawReply reply;
  auto problems = FieldsFromJson(
      facts_json, [&](FieldVisitor& fields) { VisitFacts(fields, reply); }, UnknownKeys::kIgnored);
  if (!problems.empty()) return DataCorrupt("stored reply: " + ToString(problems));
  reply.body = std::move(body);
  return reply;
}

}  // namespace passnet::dialects
