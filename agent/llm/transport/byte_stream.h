// A connection to one server as plain bytes, with a deadline and a cancel on every operation: the seam between HTTP,
// which is pure, and sockets, so that every way in which a connection can go wrong is told to HTTP in a test.
// Threads: loop-only; one operation at a time. Owns: the socket.
// Errors: kDeadlineExceeded, kCancelled (after both the stream is closed for good), kUnavailable (closed or reset),
// kPermissionDenied (Connect: the certificate does not verify), kInvalidArgument (OpenConnector: CA file).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/llm/url.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace passnet::agent {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // All of `bytes`, which must stay alive until the task ends.
  virtual Task<Status> Write(std::string_view bytes, Deadline deadline, std::stop_token cancel) = 0;
  // What has arrived, at least one byte; empty at the orderly end of the stream.
  virtual Task<Result<std::string>> ReadSome(Deadline deadline, std::stop_token cancel) = 0;
  // For a kept-alive connection between two requests: not closed by the other side, and nothing waits to be read.
  virtual bool SeemsIdle() = 0;
};

class Connector {
 public:
  virtual ~Connector() = default;
  // Name, TCP, proxy and TLS; ready for the first byte of the request.
  virtual Task<Result<std::unique_ptr<ByteStream>>> Connect(Deadline deadline, std::stop_token cancel) = 0;
};

// `proxy` is used by CONNECT when the target is https, and not at all otherwise.
Result<std::unique_ptr<Connector>> OpenConnector(Url target, std::optional<Url> proxy, std::string ca_file);

}  // namespace passnet::agent
