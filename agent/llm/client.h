// One endpoint with one key: sends the bytes of one request once and brings back what came. No retry, no gate, no
// interpretation: those are retry_policy.h, gate.h, dialects/dialect.h, put together in call.h.
// Threads: loop-only. Owns: its kept-alive connections. Borrows: the loop it is first used on, which must outlive it.
// Errors: OpenClient: kInvalidArgument (base URL, proxy URL, CA file). Send never fails: every fate is a RawReply.
// Source: docs/llm.md, "Limits of one attempt".
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/llm/allowance.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "dialects/dialect.h"
#include "dialects/raw_reply.h"

namespace passnet::agent {

struct EndpointOptions {
  std::string base_url = "https://api.openai.com/v1";  // "http://127.0.0.1:8080/v1" for a local server
  Secret api_key;                                      // empty: none is sent
  const dialects::Dialect* dialect = &dialects::OpenAiChat();  // what new requests are written in
  std::string ca_file;    // PEM; empty: the system's CAs. Verification cannot be turned off
  std::string proxy_url;  // "http://[user:password@]host:port", used by CONNECT for https endpoints; empty: none
  std::vector<std::pair<std::string, std::string>> headers;  // further request headers, e.g. OpenAI-Organization
  // Kept alive. The gate bounds how many there ever are; one that is closed for being too many is a handshake more.
  size_t max_idle_connections = 1000;
  Nanos max_idle_age = std::chrono::seconds(4);  // chosen: below uvicorn's keep-alive of 5 s, so few are found closed
  // For its gate (gate.h): as the configuration calls it (empty: it has no name there), and what it may be asked.
  std::string name;
  RateLimits limits;
};

// Four different limits, all per attempt (docs/llm.md).
struct AttemptLimits {
  Nanos connect = std::chrono::seconds(5);       // name, TCP, proxy and TLS together
  Nanos first_byte = std::chrono::seconds(300);  // request sent to first byte of the body: covers a long prefill
  Nanos idle = std::chrono::seconds(60);         // between two reads of the body
  Nanos total = std::chrono::seconds(600);       // the SDKs' time-out
  size_t max_body_bytes = 32u << 20;             // chosen: 100 times a long streamed reply
};

class LlmClient {
 public:
  virtual ~LlmClient() = default;
  // What new requests are written in. One from a journal brings its own.
  virtual const dialects::Dialect& dialect() const = 0;
  // One attempt with these exact bytes, to the path of their dialect. Cancelling ends it at any moment, with
  // ExchangeEnd::kCancelled.
  virtual Task<dialects::RawReply> Send(dialects::WireRequest request, AttemptLimits limits,
                                        std::stop_token cancel) = 0;
};

Result<std::unique_ptr<LlmClient>> OpenClient(EndpointOptions options);

// The value of a named environment variable. kNotFound names the variable when it is unset or empty.
Result<Secret> ApiKeyFromEnvironment(const std::string& variable);

// https_proxy (or HTTPS_PROXY) for this base URL, "" when unset, when the URL is not https, or when no_proxy names its
// host.
std::string ProxyFromEnvironment(const std::string& base_url);

}  // namespace passnet::agent
