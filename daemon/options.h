// What passnetd is started with. Defaults live here; configs/ fills it from a TOML file.
// Threads: immutable values. Secrets are never in it: it names files and environment variables that hold them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/campaign/endpoints.h"
#include "base/fields.h"

namespace passnet::daemon {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int64_t port = 8760;             // 0: any free one, see port_file
  std::string port_file;           // the port is written here once the daemon answers
  std::string token_file;          // the token that everything but /health wants; made when it is not there; empty:
                                   // the journal's path with .token behind it
  std::string operate_token_env;   // variable with a further token that may do everything; empty: there is none
  std::string read_token_env;      // variable with a token that may only read
  std::vector<std::string> allowed_hosts;    // further values of Host, of a proxy or a tunnel: "passnet.example:443"
  std::vector<std::string> allowed_origins;  // web pages that may ask: "https://board.example"
  int64_t threads = 8;             // chosen: requests answered at a time; most take a millisecond
  int64_t max_event_streams = 16;  // chosen: each holds a thread; above it 503 with Retry-After
  int64_t max_connections = 256;   // chosen: a quarter of the usual limit on descriptors
  int64_t max_queued = 64;         // whole requests that wait for a thread; above it 503
  int64_t max_body_bytes = 4 << 20;
  double request_limit_s = 10;     // from a request's first byte to its last
  double idle_limit_s = 60;        // before a connection's next request
};

struct LaneOptions {
  std::string evaluator_binary;  // empty: passnet-evaluator beside passnetd
  std::string cache_dir;         // empty: "cache" beside the journal
  std::string device = "cpu";    // or a CUDA device (evaluator/api/device_name.h)
  std::string nvcc;              // of a CUDA lane; empty: the one of /usr/local/cuda, where there is one
  int64_t threads = 1;
  int64_t timing_core = -1;      // -1: the last online core
  std::vector<int64_t> timing_cores;  // several lanes, one a core, in place of timing_core
  int64_t processes = 2;         // evaluators that take turns on a core: one compiles while another times
};

struct LlmOptions {
  int64_t start_in_flight = 8;
  int64_t max_in_flight = 64;
  agent::RateLimits limits;     // of each endpoint with its key that has none of its own; absent: what its replies tell
  // Replies that are on their way at a stop are waited for and stored, for so long. Chosen: with what else a stop does it
  // stays below 10 s, after which container runtimes kill.
  double stop_grace_s = 8;
  bool local_endpoints = true;  // campaigns may give a server on a loopback address by its URL, without a key
};

struct DaemonOptions {
  std::string journal = "passnet.db";
  std::string head_log;  // heads of the journal's chains are appended to this file; empty: none
  std::string log_level = "info";
  HttpOptions http;
  LaneOptions lane;
  LlmOptions llm;
  std::vector<agent::EndpointConfig> endpoints;  // [endpoints.NAME]
};

void VisitFields(FieldVisitor& fields, DaemonOptions& options);

// What no single field can tell: names for an address of all interfaces; the log level's name; endpoints' URLs.
std::vector<FieldProblem> Check(const DaemonOptions& options);

// The file of the API's token.
std::string TokenFileOf(const DaemonOptions& options);

}  // namespace passnet::daemon
