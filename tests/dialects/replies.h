// Raw replies of a server of chat completions, as a transport that lost nothing brings them back.
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "dialects/raw_reply.h"

namespace passnet::dialects {

inline RawReply Answer(int status, std::string body) {
  RawReply reply;
  reply.sent = true;
  reply.status = status;
  reply.headers["content-type"] = "application/json";
  reply.body = std::move(body);
  return reply;
}

// A whole message with this choice.
inline RawReply Message(const std::string& choice) { return Answer(200, R"({"id":"r","choices":[)" + choice + "]}"); }

inline RawReply TextReply(const std::string& json_escaped_content) {
  return Message(R"({"index":0,"finish_reason":"stop","message":{"role":"assistant","content":")" +
                 json_escaped_content + R"("}})");
}

inline RawReply Stream(const std::vector<std::string>& events) {
  RawReply reply = Answer(200, "");
  reply.headers["content-type"] = "text/event-stream; charset=utf-8";
  for (const auto& event : events) reply.body += "data: " + event + "\n\n";
  return reply;
}

inline std::string Delta(const std::string& delta, const std::string& finish = "null") {
  return R"({"id":"c","model":"m-1","choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish + "}]}";
}

// Two million brackets: what a recursive reader or writer dies of.
inline std::string Nested() { return std::string(1'000'000, '[') + std::string(1'000'000, ']'); }

}  // namespace passnet::dialects
