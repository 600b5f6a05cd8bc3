// passnet-evaluator: one lane. Started by evaluator/client with its channel on descriptor 3.
// Threads: one.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <variant>

#include "base/log.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/lane/evaluator.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::minutes kSendLimit{5};  // a client that reads nothing for so long is gone
constexpr std::chrono::seconds kGreetingLimit{30};

// Answers one request after another, until the client goes.
class Server {
 public:
  explicit Server(Evaluator& evaluator) : evaluator_(evaluator) {}

  Status Serve() {
    while (true) {
      auto request = ReceiveRequest(kLaneControlFd, Deadline::Never());
      if (request) {
        RETURN_IF_ERROR(std::visit([this](const auto& asked) { return Answer(asked); }, request.value()));
      } else if (request.error().code == ErrorCode::kInvalidArgument) {
        RETURN_IF_ERROR(SendFailure(kLaneControlFd, request.error(), Deadline::After(kSendLimit)));
      } else if (request.error().code == ErrorCode::kUnavailable) {
        return OkStatus();  // the client has gone: so do we
      } else {
        return request.error();
      }
    }
  }

 private:
  Status Answer(const CancelRequest&) { return OkStatus(); }  // it crossed the report
  Status Answer(const EvaluateRequest& request) { return Send(evaluator_.Evaluate(request, Hooks())); }
  Status Answer(const BaselineRequest& request) { return Send(evaluator_.Baseline(request, Hooks())); }
  Status Answer(const DescribeTaskRequest& request) { return Send(evaluator_.Describe(request, Hooks())); }

  template <typename Report>
  Status Send(const Result<Report>& report) {
    const Deadline deadline = Deadline::After(kSendLimit);
    if (!report) return SendFailure(kLaneControlFd, report.error(), deadline);
    return SendReport(kLaneControlFd, ToJsonValue(report.value()), deadline);
  }

  RequestHooks Hooks() {
    RequestHooks hooks;
    hooks.progress = [](const std::string& what, int done, int total) {
      (void)SendProgress(kLaneControlFd, {what, done, total}, Deadline::After(kSendLimit));
    };
    // Between two steps of a request the client says Cancel or nothing.
    hooks.cancelled = [] {
      pollfd entry{kLaneControlFd, POLLIN, 0};
      if (::poll(&entry, 1, 0) <= 0) return false;
      (void)ReceiveMessage(kLaneControlFd, Deadline::After(std::chrono::seconds(5)));
      return true;  // Cancel, or the client has gone
    };
    return hooks;
  }

  Evaluator& evaluator_;
};

int Main(int argc, char** argv) {
  CLI::App app("One evaluation lane of passnetd; started by passnetd and passnet, not by hand.", "passnet-evaluator");
  EvaluatorOptions options;
  std::string python, worker, include, cache;
  app.add_option("--python", python, "interpreter with the pinned torch")->required();
  app.add_option("--worker-dir", worker, "folder of the worker's extension and package")->required();
  app.add_option("--include-dir", include, "folder of passnet_kernel.h")->required();
  app.add_option("--cache-dir", cache, "compile and baseline caches")->required();
  app.add_option("--device", options.device, "cpu");
  app.add_option("--threads", options.threads, "threads of torch and kernels");
  app.add_option("--timing-core", options.timing_core, "-1: the last usable core");
  CLI11_PARSE(app, argc, argv);
  options.python = python;
  options.worker_dir = worker;
  options.include_dir = include;
  options.cache_dir = cache;
  std::signal(SIGPIPE, SIG_IGN);

  auto evaluator = Evaluator::Create(options);
  const Deadline soon = Deadline::After(kGreetingLimit);
  if (!evaluator) {
    (void)SendRefusal(kLaneControlFd, evaluator.error(), soon);
    return 3;
  }
  const Greeting greeting{PASSNET_VERSION, evaluator.value()->environment()};
  if (!SendGreeting(kLaneControlFd, greeting, soon)) return 3;
  auto served = Server(*evaluator.value()).Serve();
  if (!served) {
    log::Err("evaluator", "lane ended", {{"error", ToString(served.error())}});
    return 3;
  }
  return 0;
}

}  // namespace
}  // namespace passnet::evaluator

int main(int argc, char** argv) { return passnet::evaluator::Main(argc, argv); }
