#include "daemon/options.h"

namespace passnet::daemon {

void VisitFields(FieldVisitor& fields, DaemonOptions& options) {
  fields.Text("journal", &options.journal);
  fields.Text("log_level", &options.log_level);
  HttpOptions& http = options.http;
  fields.Enter("http");
  fields.Text("host", &http.host);
  fields.Integer("port", &http.port, 0, 65535);
  fields.Text("port_file", &http.port_file);
  fields.Text("operate_token_env", &http.operate_token_env);
  fields.Text("read_token_env", &http.read_token_env);
  fields.Integer("threads", &http.threads, 2, 1024);
  fields.Integer("max_event_streams", &http.max_event_streams, 0, 1000);
  fields.Integer("max_queued", &http.max_queued, 1, 65536);
  fields.Integer("max_body_bytes", &http.max_body_bytes, 1024, 1 << 30);
  fields.Number("read_limit_s", &http.read_limit_s, 0.1, 600);
  fields.Leave();
  fields.Enter("lane");
  fields.Text("evaluator_binary", &options.lane.evaluator_binary);
  fields.Text("cache_dir", &options.lane.cache_dir);
  fields.Text("device", &options.lane.device);
  fields.Integer("threads", &options.lane.threads, 1, 1024);
  fields.Integer("timing_core", &options.lane.timing_core, -1, 65535);
  fields.Integer("processes", &options.lane.processes, 1, 16);
  fields.Leave();
  fields.Enter("llm");
  fields.Integer("start_in_flight", &options.llm.start_in_flight, 1, 10000);
  fields.Integer("max_in_flight", &options.llm.max_in_flight, 1, 10000);
  fields.Number("requests_per_minute", &options.llm.requests_per_minute, 0.001, 1e9);
  fields.Number("tokens_per_minute", &options.llm.tokens_per_minute, 1, 1e12);
  fields.Leave();
}

std::vector<FieldProblem> Check(const DaemonOptions& options) {
  std::vector<FieldProblem> problems;
  const HttpOptions& http = options.http;
  if (!IsLoopback(http.host) && http.operate_token_env.empty()) {
    problems.push_back({"http.host", http.host + " is reachable from other machines: http.operate_token_env must name "
                                                 "the variable with a token"});
  }
  if (http.max_event_streams >= http.threads) {
    problems.push_back({"http.max_event_streams", "must be below http.threads, or streams would shut out requests"});
  }
  if (options.llm.start_in_flight > options.llm.max_in_flight) {
    problems.push_back({"llm.start_in_flight", "is above llm.max_in_flight"});
  }
  const std::string& level = options.log_level;
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    problems.push_back({"log_level", "\"" + level + "\" is none of debug, info, warning, error"});
  }
  if (options.journal.empty()) problems.push_back({"journal", "is required: the store's file"});
  return problems;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") ==
                                                                                   std::string::npos);
}

}  // namespace passnet::daemon
