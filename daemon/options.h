// What passnetd is started with. Defaults live here; configs/ fills it from a TOML file.
// Threads: immutable values. Secrets are never in it: it names environment variables that hold them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace passnet::daemon {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int64_t port = 8760;             // 0: any free one, see port_file
  std::string port_file;           // the port is written here once the daemon answers
  std::string operate_token_env;   // variable with the bearer token that may do everything; empty: none is asked for
  std::string read_token_env;      // variable with the token that may only read
  int64_t threads = 24;            // chosen: 16 event streams and 8 short requests at a time
  int64_t max_event_streams = 16;  // chosen: each holds a thread; above it 503 with Retry-After
  int64_t max_queued = 64;         // connections accepted and not yet served
  int64_t max_body_bytes = 4 << 20;
  double read_limit_s = 5;         // a read of a request that takes longer ends the connection
};

struct LaneOptions {
  std::string evaluator_binary;  // empty: passnet-evaluator beside passnetd
  std::string cache_dir;         // empty: "cache" beside the journal
  std::string device = "cpu";
  int64_t threads = 1;
  int64_t timing_core = -1;      // -1: the last online core
  int64_t processes = 2;         // evaluators that take turns on that core: one compiles while another times
};

struct LlmOptions {
  int64_t start_in_flight = 8;
  int64_t max_in_flight = 64;
  std::optional<double> requests_per_minute;  // of each endpoint with its key; absent: what its replies tell
  std::optional<double> tokens_per_minute;    // likewise, prompts and replies
};

struct DaemonOptions {
  std::string journal = "passnet.db";
  std::string log_level = "info";
  HttpOptions http;
  LaneOptions lane;
  LlmOptions llm;
};

void VisitFields(FieldVisitor& fields, DaemonOptions& options);

// What no single field can tell: an address outside loopback needs a token; the log level's name.
std::vector<FieldProblem> Check(const DaemonOptions& options);

bool IsLoopback(const std::string& host);

}  // namespace passnet::daemon
