// What one send brought back, before anybody interpreted it: this is what the journal stores first.
// Threads: immutable values. Errors: kDataCorrupt (stored facts that do not parse).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace passnet::dialects {

struct AttemptOutcome;  // chat.h

// How the exchange ended. Persisted by name.
enum class ExchangeEnd {
  kComplete,          // the HTTP message is whole, or [DONE] came
  kConnectFailed,     // name, TCP, proxy or TLS failed: nothing was sent
  kConnectTimeout,    // likewise
  kPeerUntrusted,     // likewise: the server's certificate does not verify
  kFirstByteTimeout,  // sent, and no byte of the body within the limit
  kIdleTimeout,       // the body stopped flowing
  kTotalTimeout,      // the whole exchange took too long
  kCut,               // the connection ended inside the message
  kTooLarge,          // body or header beyond the bound
  kProtocolError,     // not HTTP
  kCancelled,
};

struct RawReply {
  ExchangeEnd end = ExchangeEnd::kComplete;
  bool sent = false;            // at least one byte of the request may have reached the server
  bool asked_on_fresh = false;  // a kept-alive connection was found closed, so the request went out on a new one
  int status = 0;               // 0: no header arrived
  // Lower-case names; only those that classification, retry and support need (docs/llm.md), never cookies.
  std::map<std::string, std::string> headers;
  // The exact bytes of the body (for a stream: the exact SSE bytes), cut at AttemptLimits::max_body_bytes. Where a
  // server echoes the API key, the key is replaced by "[api key]": the one change ever made.
  std::string body;
  std::string error;    // what the transport saw, for people; empty when complete
  Nanos connect{0};     // 0 on a kept-alive connection
  Nanos first_byte{0};  // from the request's last byte to the body's first
  Nanos total{0};
  // What the bytes above come to in the dialect of their request, where they were read while they came. Not stored.
  std::shared_ptr<const AttemptOutcome> read;
};

std::string_view ExchangeEndName(ExchangeEnd end);

// Everything except the body, as one line of JSON: the body is stored beside it as a blob.
std::string ReplyFactsToJson(const RawReply& reply);
// The reply as it was, so that a replay interprets the same bytes.
Result<RawReply> ReplyFromStored(std::string_view facts_json, std::string body);

}  // namespace passnet::dialects
