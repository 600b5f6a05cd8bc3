// The HTTP server: cpp-httplib behind our own Request and Response.
// Threads: owns `pn-http-<n>` (bounded number, bounded queue of accepted connections) and the accepting thread. A full
// queue stops accepting, so that waiting connections stay in the kernel's backlog.
// Borrows: guard and router, until Stop.
// Errors: kAlreadyExists (the port is taken), kInvalidArgument (the address cannot be bound).
// Source: cpp-httplib 0.11.4: time-outs are per read, its own thread pool is unbounded in what it queues.
#pragma once

#include <memory>

#include "base/result.h"
#include "daemon/http_api/guard.h"
#include "daemon/http_api/router.h"
#include "daemon/options.h"

namespace passnet::daemon {

class HttpServer {
 public:
  // Listens once this returns.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, const Guard* guard,
                                                   const Router* router);
  // Stops.
  ~HttpServer();

  int port() const;
  // Ends accepting, streams and idle connections; returns when every handler has returned. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace passnet::daemon
