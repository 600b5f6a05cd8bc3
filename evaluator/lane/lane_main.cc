// passnet-evaluator: one lane. Started by evaluator/client with its channel on descriptor 3.
// Threads: one.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/framing.h"
#include "base/log.h"
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
    if (type == "Evaluate") return Send(Perform(FromJson<EvaluateRequest>(request), &Lane::Evaluate));
    if (type == "Baseline") return Send(Perform(FromJson<BaselineRequest>(request), &Lane::Baseline));
    if (type == "DescribeTask") return Send(Perform(FromJson<DescribeTaskRequest>(request), &Lane::Describe));
    return Send(FailedFrame("Failed", InvalidArgument("unknown request type \"" + type + "\"")));
  }

  Lane& lane_;
};

int Main(int argc, char** argv) {
  CLI::App app("One evaluation lane of passnetd; started by passnetd and passnet, not by hand.", "passnet-evaluator");
  LaneSetup setup;
  std::string python, worker, include, cache;
  app.add_option("--python", python, "interpreter with the pinned torch")->required();
  app.add_option("--worker-dir", worker, "folder of the worker's extension and package")->required();
  app.add_option("--include-dir", include, "folder of passnet_kernel.h")->required();
  app.add_option("--cache-dir", cache, "compile and baseline caches")->required();
  app.add_option("--device", setup.device, "cpu");
  app.add_option("--threads", setup.threads, "threads of torch and kernels");
  app.add_option("--timing-core", setup.timing_core, "-1: the last usable core");
  CLI11_PARSE(app, argc, argv);
  setup.python = python;
  setup.worker_dir = worker;
  setup.include_dir = include;
  setup.cache_dir = cache;
  std::signal(SIGPIPE, SIG_IGN);

  auto lane = Lane::Create(setup);
  Deadline soon = Deadline::After(std::chrono::seconds(30));
  if (!lane) {
    (void)WriteFrame(kLaneControlFd, FailedFrame("Refused", lane.error()), soon);
    return 3;
  }
  Json hello = {{"type", "Hello"},
                {"protocol", kLaneProtocol},
                {"build", PASSNET_VERSION},
                {"environment", lane.value()->environment()},
                {"zygote_pid", lane.value()->zygote_pid()}};
  if (!WriteFrame(kLaneControlFd, hello.dump(), soon)) return 3;
  auto served = Server(*lane.value()).Serve();
  if (!served) {
    log::Err("evaluator", "lane ended", {{"error", ToString(served.error())}});
    return 3;
  }
  return 0;
}

}  // namespace
}  // namespace passnet::evaluator

int main(int argc, char** argv) { return passnet::evaluator::Main(argc, argv); }
