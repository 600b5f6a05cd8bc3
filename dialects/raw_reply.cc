#include "dialects/raw_reply.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace passnet::dialects {
namespace {

using Json = nlohmann::json;

std::optional<ExchangeEnd> ExchangeEndFromName(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ExchangeEnd::kCancelled); ++i) {
    auto end = static_cast<ExchangeEnd>(i);
    if (ExchangeEndName(end) == name) return end;
  }
  return std::nullopt;
}

// Throws nlohmann's exceptions; the caller adapts them.
Result<RawReply> FromJson(const Json& facts) {
  RawReply reply;
  auto end_name = facts.at("end").get<std::string>();
  auto end = ExchangeEndFromName(end_name);
  if (!end) return DataCorrupt("stored reply: unknown end \"" + end_name + "\"");
  reply.end = *end;
  reply.sent = facts.at("sent").get<bool>();
  reply.asked_on_fresh = facts.at("asked_on_fresh").get<bool>();
  reply.status = facts.at("status").get<int>();
  reply.headers = facts.at("headers").get<std::map<std::string, std::string>>();
  reply.error = facts.at("error").get<std::string>();
  reply.connect = Nanos(facts.at("connect_ns").get<int64_t>());
  reply.first_byte = Nanos(facts.at("first_byte_ns").get<int64_t>());
  reply.total = Nanos(facts.at("total_ns").get<int64_t>());
  return reply;
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
  Json facts = {{"end", ExchangeEndName(reply.end)},
                {"sent", reply.sent},
                {"asked_on_fresh", reply.asked_on_fresh},
                {"status", reply.status},
                {"headers", reply.headers},
                {"error", reply.error},
                {"connect_ns", reply.connect.count()},
                {"first_byte_ns", reply.first_byte.count()},
                {"total_ns", reply.total.count()}};
  return facts.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RawReply> ReplyFromStored(std::string_view facts_json, std::string body) {
  try {
    auto reply = FromJson(Json::parse(facts_json));
    if (reply) reply->body = std::move(body);
    return reply;
  } catch (const Json::exception& e) {
    return DataCorrupt(std::string("stored reply: ") + e.what());
  }
}

}  // namespace passnet::dialects
