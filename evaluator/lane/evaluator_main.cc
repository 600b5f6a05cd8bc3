// passnet-evaluator: one lane. Started by evaluator/client with its channel on descriptor 3.
// Threads: those of docs/threads.md.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <variant>

#include "base/log.h"
#include "command_line/command_line.h"
#include "command_line/exit_code.h"
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

struct Arguments {
  std::string python, worker, include, cache, ablate, nvcc, nvrtc;
  std::string locks = PrivateLockFolder();
  EvaluatorOptions options;
};

std::vector<command_line::Option> OptionsFor(Arguments* arguments) {
  return {
      {.name = "--python", .help = "interpreter with the pinned torch", .value = &arguments->python, .required = true},
      {.name = "--worker-dir", .help = "folder of the worker's extension and package", .value = &arguments->worker,
       .required = true},
      {.name = "--include-dir", .help = "folder of passnet_kernel.h", .value = &arguments->include, .required = true},
      {.name = "--cache-dir", .help = "compile and baseline caches", .value = &arguments->cache, .required = true},
      {"--device", "cpu, cuda:N or cuda:GPU-UUID", &arguments->options.device},
      {"--nvcc", "of a CUDA lane; the one of /usr/local/cuda where there is one", &arguments->nvcc},
      {"--nvrtc", "libnvrtc of a CUDA lane; the one of the interpreter's packages where there is one", &arguments->nvrtc},
      {"--threads", "threads of torch and kernels", &arguments->options.threads},
      {"--timing-core", "-1: the last usable core", &arguments->options.timing_core},
      {"--polled-limits", "memory limits by looking, even where control groups are", &arguments->options.polled_limits},
      {"--ablate", "layers to leave out, for tests: the reports say so and are no scores", &arguments->ablate},
      {"--driver-library", "CUDA's, for tests", &arguments->options.cuda.driver_library},
      {"--management-library", "NVML, for tests", &arguments->options.cuda.nvml_library},
      {"--torch-device", "cpu with a stand-in driver, for tests: the reports say so", &arguments->options.cuda.torch_device},
      {"--lock-folder", "of devices, for tests", &arguments->locks},
  };
}

Result<std::unique_ptr<Evaluator>> Create(EvaluatorOptions options, const std::string& ablate) {
  ASSIGN_OR_RETURN(options.ablation, Ablation::Parse(ablate));
  return Evaluator::Create(options);
}

int Serve(const Arguments& arguments) {
  EvaluatorOptions options = arguments.options;
  options.python = arguments.python;
  options.worker_dir = arguments.worker;
  options.include_dir = arguments.include;
  options.cache_dir = arguments.cache;
  options.nvcc = arguments.nvcc;
  options.nvrtc = arguments.nvrtc;
  options.cuda.lock_folder = arguments.locks;
  std::signal(SIGPIPE, SIG_IGN);

  auto evaluator = Create(options, arguments.ablate);
  const Deadline soon = Deadline::After(kGreetingLimit);
  if (!evaluator) {
    (void)SendRefusal(kLaneControlFd, evaluator.error(), soon);
    return command_line::kExitInfrastructure;
  }
  const Greeting greeting{PASSNET_VERSION, evaluator.value()->environment()};
  if (!SendGreeting(kLaneControlFd, greeting, soon)) return command_line::kExitInfrastructure;
  auto served = Server(*evaluator.value()).Serve();
  if (!served) {
    log::Err("evaluator", "lane ended", {{"error", ToString(served.error())}});
    return command_line::kExitInfrastructure;
  }
  return command_line::kExitDone;
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
