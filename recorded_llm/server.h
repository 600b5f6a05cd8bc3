// The HTTP/1.1 server around Endpoint: many connections on one thread, bounded requests, ordered shutdown.
// Threads: blocking; Run() makes the calling thread the loop. Owns: the listening socket and all connections.
// Errors: Open: kInvalidArgument, kUnavailable (the port is taken).
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "recorded_llm/endpoint.h"

namespace passnet::recorded_llm {

struct ServerOptions {
  uint16_t port = 0;  // on 127.0.0.1 only; 0: any free one
  Millis latency{0};  // between the request and the first byte of the answer
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> Open(ServerOptions options, Endpoint endpoint);
  ~Server();

  uint16_t port() const;
  // Until SIGTERM or SIGINT: then no new connection, answers under way are finished for a few seconds, the rest closed.
  void Run();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace passnet::recorded_llm
