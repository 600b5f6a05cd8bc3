// The HTTP server: every connection on one loop, whole requests on a few threads. A client that sends nothing, or a byte
// a second, holds a socket and some kilobytes and nobody up: header, number of fields, body and the time of a whole
// request are bounded, and where all places are taken the connection that has been idle for longest makes room.
// Threads: owns `pn-http` (the loop), `pn-http-<n>` (handlers; a bounded queue before them, 503 above it), `pn-health-0`
// (/health alone, so that it answers while handlers wait) and `pn-events-<n>` (one for each event stream).
// Borrows: guard, router and counts, until Stop.
// Errors: kAlreadyExists (the port is taken), kInvalidArgument (the address cannot be bound).
// Source: RFC 9110, RFC 9112; Boost.Beast's parser and serializer.
#pragma once

#include <memory>

#include "base/result.h"
#include "daemon/http_api/guard.h"
#include "daemon/http_api/request_counts.h"
#include "daemon/http_api/router.h"
#include "daemon/options.h"

namespace passnet::daemon {

class HttpServer {
 public:
  struct Parts {
    const Guard* guard = nullptr;
    const Router* router = nullptr;
    RequestCounts* counts = nullptr;
  };
  // Listens once this returns.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpOptions& options, const Parts& parts);
  // Stops.
  ~HttpServer();

  int port() const;
  // Ends accepting, streams and idle connections; returns when every handler has returned and its answer is sent or
  // has had a few seconds. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace passnet::daemon
