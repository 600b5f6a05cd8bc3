// passnet-evaluator: one lane. Started by evaluator/client with its channel on descriptor 3.
// Threads: one.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/framing.h"
#include "base/log.h"
#include "command_line/command_line.h"
#include "command_line/exit_code.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/lane/lane.h"

namespace passnet::evaluator {
namespace {

using Json = nlohmann::ordered_json;

std::string FailedFrame(const char* type, const Error& error) {
  return Json{{"type", type}, {"code", ErrorCodeName(error.code)}, {"message", error.context}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

// The client's words between two steps of a request: Cancel is the only one that means anything there.
class Server {
 public:
  explicit Server(Lane& lane) : lane_(lane) {}

  Status Serve() {
    while (true) {
      auto frame = ReadFrame(kLaneControlFd, Deadline::Never());
      if (!frame) return OkStatus();  // the client has gone: so do we
      RETURN_IF_ERROR(Answer(frame.value()));
    }
  }

 private:
  Status Send(const std::string& json) {
    return WriteFrame(kLaneControlFd, json, Deadline::After(std::chrono::minutes(5)));
  }

  RequestHooks Hooks() {
    RequestHooks hooks;
    hooks.progress = [this](const std::string& what, int done, int total) {
      (void)Send(Json{{"type", "Progress"}, {"what", what}, {"done", done}, {"total", total}}.dump());
    };
    hooks.cancelled = [] {
      pollfd entry{kLaneControlFd, POLLIN, 0};
      if (::poll(&entry, 1, 0) <= 0) return false;
      (void)ReadFrame(kLaneControlFd, Deadline::After(std::chrono::seconds(5)));
      return true;  // Cancel, or the client has gone
    };
    return hooks;
  }

  template <typename Request, typename Report>
  std::string Perform(Result<Request> request, Result<Report> (Lane::*method)(const Request&, const RequestHooks&)) {
    if (!request) return FailedFrame("Failed", request.error());
    auto report = (lane_.*method)(request.value(), Hooks());
    if (!report) return FailedFrame("Failed", report.error());
    return "{\"type\":\"Report\",\"report\":" + ToJson(report.value()) + "}";
  }

  Status Answer(const std::string& text) {
    Json frame = Json::parse(text, nullptr, false);
    if (!frame.is_object()) return DataCorrupt("the client sent something that is no JSON object");
    std::string type = frame.value("type", "");
    if (type == "Cancel") return OkStatus();  // it crossed the report
    std::string request = frame.contains("request") ? frame["request"].dump() : "{}";
    if (type == "Evaluate") return Send(Perform(EvaluateRequestFromJson(request), &Lane::Evaluate));
    if (type == "Baseline") return Send(Perform(BaselineRequestFromJson(request), &Lane::Baseline));
    if (type == "DescribeTask") return Send(Perform(DescribeTaskRequestFromJson(request), &Lane::Describe));
    return Send(FailedFrame("Failed", InvalidArgument("unknown request type \"" + type + "\"")));
  }

  Lane& lane_;
};

struct Arguments {
  std::string python, worker, include, cache;
  LaneSetup setup;
};

std::vector<command_line::Option> OptionsFor(Arguments* arguments) {
  return {
      {.name = "--python", .help = "interpreter with the pinned torch", .value = &arguments->python, .required = true},
      {.name = "--worker-dir", .help = "folder of the worker's extension and package", .value = &arguments->worker,
       .required = true},
      {.name = "--include-dir", .help = "folder of passnet_kernel.h", .value = &arguments->include, .required = true},
      {.name = "--cache-dir", .help = "compile and baseline caches", .value = &arguments->cache, .required = true},
      {"--device", "cpu", &arguments->setup.device},
      {"--threads", "threads of torch and kernels", &arguments->setup.threads},
      {"--timing-core", "-1: the last usable core", &arguments->setup.timing_core},
  };
}

int Serve(const Arguments& arguments) {
  LaneSetup setup = arguments.setup;
  setup.python = arguments.python;
  setup.worker_dir = arguments.worker;
  setup.include_dir = arguments.include;
  setup.cache_dir = arguments.cache;
  std::signal(SIGPIPE, SIG_IGN);

  auto lane = Lane::Create(setup);
  Deadline soon = Deadline::After(std::chrono::seconds(30));
  if (!lane) {
    (void)WriteFrame(kLaneControlFd, FailedFrame("Refused", lane.error()), soon);
    return command_line::kExitInfrastructure;
  }
  Json hello = {{"type", "Hello"},
                {"protocol", kLaneProtocol},
                {"build", PASSNET_VERSION},
                {"environment", lane.value()->environment()},
                {"zygote_pid", lane.value()->zygote_pid()}};
  if (!WriteFrame(kLaneControlFd, hello.dump(), soon)) return command_line::kExitInfrastructure;
  auto served = Server(*lane.value()).Serve();
  if (!served) {
    log::Err("evaluator", "lane ended", {{"error", ToString(served.error())}});
    return command_line::kExitInfrastructure;
  }
  return 0;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  const command_line::Command program{
      .name = "passnet-evaluator",
      .help = "One evaluation lane of passnetd; started by passnetd and passnet, not by hand.",
      .options = OptionsFor(&arguments),
      .run = [&arguments] { return Serve(arguments); }};
  return command_line::Main(program, nullptr, argc, argv);
}

}  // namespace
}  // namespace passnet::evaluator

int main(int argc, char** argv) { return passnet::evaluator::Main(argc, argv); }
