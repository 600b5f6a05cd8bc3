// One HTTP/1.1 request and its reply on a connection: four limits, bounded header and body, streams read up to the
// event that ends them.
// Threads: loop-only. Borrows: everything in ExchangePorts for the time of the exchange.
// Errors: none: every fate is a RawReply.
// Source: RFC 9112; docs/llm.md, "Limits of one attempt".
#pragma once

#include <stop_token>
#include <string_view>

#include "agent/llm/client.h"
#include "agent/llm/transport/byte_stream.h"
#include "base/clock.h"
#include "base/task.h"
#include "dialects/dialect.h"
#include "dialects/raw_reply.h"

namespace passnet::agent {

struct ExchangePorts {
  ByteStream* stream = nullptr;
  const dialects::Dialect* dialect = nullptr;  // tells which event ends a stream
  const Clock* clock = nullptr;
};

struct ExchangeResult {
  dialects::RawReply reply;
  bool reusable = false;   // the connection may carry another request
  bool untouched = false;  // the connection ended before a single byte came back
};

// `request`: head and body, alive until the task ends. `total`: the end of the whole attempt.
Task<ExchangeResult> Exchange(ExchangePorts ports, std::string_view request, AttemptLimits limits, Deadline total,
                              std::stop_token cancel);

}  // namespace passnet::agent
