#include "daemon/options.h"

#include <set>

#include "agent/llm/url.h"
#include "evaluator/api/device_name.h"

namespace passnet::daemon {
namespace {

bool IsEveryInterface(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// As a browser writes it. "null" and "*" would stand for anybody.
bool IsOrigin(const std::string& text) {
  auto url = agent::ParseUrl(text, agent::Credentials::kRefused);
  return url && text == (url.value().tls ? "https://" : "http://") + url.value().HostHeader();
}

}  // namespace

void VisitFields(FieldVisitor& fields, DaemonOptions& options) {
  fields.Text("journal", &options.journal);
  fields.Text("head_log", &options.head_log);
  fields.Text("log_level", &options.log_level);
  HttpOptions& http = options.http;
  fields.Enter("http");
  fields.Text("host", &http.host);
  fields.Integer("port", &http.port, 0, 65535);
  fields.Text("port_file", &http.port_file);
  fields.Text("token_file", &http.token_file);
  fields.Text("operate_token_env", &http.operate_token_env);
  fields.Text("read_token_env", &http.read_token_env);
  fields.Texts("allowed_hosts", &http.allowed_hosts);
  fields.Texts("allowed_origins", &http.allowed_origins);
  fields.Integer("threads", &http.threads, 1, 1024);
  fields.Integer("max_event_streams", &http.max_event_streams, 0, 1000);
  fields.Integer("max_connections", &http.max_connections, 4, 65536);
  fields.Integer("max_queued", &http.max_queued, 1, 65536);
  fields.Integer("max_body_bytes", &http.max_body_bytes, 1024, 1 << 30);
  fields.Number("request_limit_s", &http.request_limit_s, 0.1, 600);
  fields.Number("idle_limit_s", &http.idle_limit_s, 0.1, 3600);
  fields.Leave();
  fields.Enter("lane");
  fields.Text("evaluator_binary", &options.lane.evaluator_binary);
  fields.Text("cache_dir", &options.lane.cache_dir);
  fields.Text("device", &options.lane.device);
  fields.Text("nvcc", &options.lane.nvcc);
  fields.Integer("threads", &options.lane.threads, 1, 1024);
  fields.Integer("timing_core", &options.lane.timing_core, -1, 65535);
  fields.Integers("timing_cores", &options.lane.timing_cores, 0, 65535);
  fields.Integer("processes", &options.lane.processes, 1, 16);
  fields.Leave();
  fields.Enter("llm");
  fields.Integer("start_in_flight", &options.llm.start_in_flight, 1, 10000);
  fields.Integer("max_in_flight", &options.llm.max_in_flight, 1, 10000);
  agent::VisitRateLimits(fields, &options.llm.limits);
  fields.Number("stop_grace_s", &options.llm.stop_grace_s, 0, 3600);
  fields.Flag("local_endpoints", &options.llm.local_endpoints);
  fields.Leave();
  agent::VisitEndpoints(fields, "endpoints", &options.endpoints);
}

std::vector<FieldProblem> Check(const DaemonOptions& options) {
  std::vector<FieldProblem> problems = agent::CheckEndpoints("endpoints", options.endpoints);
  const HttpOptions& http = options.http;
  if (IsEveryInterface(http.host) && http.allowed_hosts.empty()) {
    problems.push_back({"http.host", http.host + " is every address of this machine: http.allowed_hosts must list what "
                                                 "clients call it (\"passnet.example:8760\")"});
  }
  for (const std::string& origin : http.allowed_origins) {
    if (!IsOrigin(origin)) {
      problems.push_back({"http.allowed_origins", "\"" + origin + "\" is no origin like https://board.example (scheme, "
                                                  "host, a port that is not the default one, nothing behind it)"});
    }
  }
  if (options.llm.start_in_flight > options.llm.max_in_flight) {
    problems.push_back({"llm.start_in_flight", "is above llm.max_in_flight"});
  }
  const auto device = evaluator::ParseDeviceName(options.lane.device);
  if (!device) problems.push_back({"lane.device", device.error().context});
  const std::vector<int64_t>& cores = options.lane.timing_cores;
  if (!cores.empty() && options.lane.timing_core >= 0) {
    problems.push_back({"lane.timing_cores", "lane.timing_core is given too: name all cores in lane.timing_cores"});
  }
  if (std::set<int64_t>(cores.begin(), cores.end()).size() < cores.size()) {
    problems.push_back({"lane.timing_cores", "names a core twice: two lanes on one core would time each other"});
  }
  if (device && device.value().cuda && cores.size() > 1) {
    problems.push_back({"lane.timing_cores", "a CUDA lane has one: whoever times holds the device, on whatever core"});
  }
  const std::string& level = options.log_level;
  if (level != "debug" && level != "info" && level != "warning" && level != "error") {
    problems.push_back({"log_level", "\"" + level + "\" is none of debug, info, warning, error"});
  }
  if (options.journal.empty()) problems.push_back({"journal", "is required: the store's file"});
  return problems;
}

std::string TokenFileOf(const DaemonOptions& options) {
  return options.http.token_file.empty() ? options.journal + ".token" : options.http.token_file;
}

}  // namespace passnet::daemon
