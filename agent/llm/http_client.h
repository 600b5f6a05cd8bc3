// The LlmClient over HTTP: keeps connections alive, and asks once more on a fresh one when a kept one turns out closed.
// Threads: loop-only. Owns: connector and idle connections. Borrows: dialect, clock.
// Errors: Create: kInvalidArgument. Source: RFC 9112 section 9.3.1 for asking again on a fresh connection.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/llm/client.h"
#include "agent/llm/transport/byte_stream.h"
#include "agent/llm/transport/http_exchange.h"

namespace passnet::agent {

class HttpClient : public LlmClient {
 public:
  static Result<std::unique_ptr<HttpClient>> Create(EndpointOptions options, const dialects::Dialect& dialect,
                                                    std::unique_ptr<Connector> connector, const Clock& clock);

  const dialects::Dialect& dialect() const override { return dialect_; }
  Task<dialects::RawReply> Send(dialects::WireRequest request, AttemptLimits limits, std::stop_token cancel) override;

  size_t idle_connections() const { return idle_.size(); }

 private:
  struct Idle {
    std::unique_ptr<ByteStream> stream;
    SteadyTime since;
  };
  struct Call {
    const dialects::Dialect* dialect;
    std::string request;  // head and body
    AttemptLimits limits;
    Deadline total;
    std::stop_token cancel;
  };

  HttpClient(EndpointOptions options, const dialects::Dialect& dialect, std::unique_ptr<Connector> connector,
             const Clock& clock, std::string path, std::string headers);
  std::string Render(const dialects::WireRequest& request) const;
  Task<dialects::RawReply> SendOnFresh(const Call* call);
  Task<ExchangeResult> ExchangeOn(std::unique_ptr<ByteStream> stream, const Call* call);
  dialects::RawReply ConnectFailure(const Error& error, const Call& call) const;
  std::unique_ptr<ByteStream> TakeIdle();
  void Keep(std::unique_ptr<ByteStream> stream);
  void HideKey(dialects::RawReply* reply) const;

  const EndpointOptions options_;
  const dialects::Dialect& dialect_;
  const std::unique_ptr<Connector> connector_;
  const Clock& clock_;
  const std::string path_;     // of the base URL
  const std::string headers_;  // between the request line and Content-Length
  std::vector<Idle> idle_;
};

}  // namespace passnet::agent
