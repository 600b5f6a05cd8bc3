// The LlmClient over HTTP: keeps connections alive, and asks once more on a fresh one when a kept one turns out closed.
// Threads: loop-only. Owns: connector and idle connections. Borrows: adapter, clock.
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
  static Result<std::unique_ptr<HttpClient>> Create(EndpointOptions options, const ChatAdapter& adapter,
                                                    std::unique_ptr<Connector> connector, const Clock& clock);

  const ChatAdapter& adapter() const override { return adapter_; }
  Task<RawReply> Send(std::string body, AttemptLimits limits, std::stop_token cancel) override;

  size_t idle_connections() const { return idle_.size(); }

 private:
  struct Idle {
    std::unique_ptr<ByteStream> stream;
    SteadyTime since;
  };
  struct Call {
    std::string request;
    AttemptLimits limits;
    Deadline total;
    std::stop_token cancel;
  };

  HttpClient(EndpointOptions options, const ChatAdapter& adapter, std::unique_ptr<Connector> connector,
             const Clock& clock, std::string head);
  Task<RawReply> SendOnFresh(const Call* call);
  Task<ExchangeResult> ExchangeOn(std::unique_ptr<ByteStream> stream, const Call* call);
  RawReply ConnectFailure(const Error& error, const Call& call) const;
  std::unique_ptr<ByteStream> TakeIdle();
  void Keep(std::unique_ptr<ByteStream> stream);
  void HideKey(RawReply* reply) const;

  const EndpointOptions options_;
  const ChatAdapter& adapter_;
  const std::unique_ptr<Connector> connector_;
  const Clock& clock_;
  const std::string head_;  // request line and headers, up to the length
  std::vector<Idle> idle_;
};

}  // namespace passnet::agent
