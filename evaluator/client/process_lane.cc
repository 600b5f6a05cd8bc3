#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/framing.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/client/installation.h"
#include "evaluator/client/lane_client.h"

namespace passnet::evaluator {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr Millis kTurn{200};                            // how soon a cancel is noticed
constexpr std::chrono::seconds kGraceAfterCancel{90};  // a compiler may still run; a measurement stops at once

// The running passnet-evaluator; the destructor ends it.
class LaneProcess {
 public:
  static Result<std::unique_ptr<LaneProcess>> Start(const LaneOptions& options) {
    ASSIGN_OR_RETURN(const Installation installation, FindInstallation(options.evaluator_binary));
    std::vector<std::string> args = {installation.evaluator.native(),
                                     "--python", installation.python,
                                     "--worker-dir", installation.worker_dir.native(),
                                     "--include-dir", installation.include_dir.native(),
                                     "--cache-dir", fs::absolute(options.cache_dir).native(),
                                     "--device", options.device,
                                     "--threads", std::to_string(options.threads),
                                     "--timing-core", std::to_string(options.timing_core)};
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return Error::FromErrno("socketpair", "lane", errno);
    UniqueFd ours(ends[0]), theirs(ends[1]);
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    pid_t parent = ::getpid();
    pid_t pid = ::fork();
    if (pid < 0) return Error::FromErrno("fork", "lane", errno);
    if (pid == 0) Become(theirs.get(), argv, parent);
    std::unique_ptr<LaneProcess> process(new LaneProcess);
    process->pid_ = pid;
    process->channel_ = std::move(ours);
    return process;
  }

  ~LaneProcess() {
    // Closing the channel asks it to end; what does not hear it is killed, and its jails with it.
    channel_.Reset();
    for (int i = 0; i < 50 && pid_ > 0; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
      if (pid_ > 0) ::poll(nullptr, 0, 20);
    }
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  int channel() const { return channel_.get(); }

 private:
  // Async-signal-safe only: the daemon that forks has threads.
  [[noreturn]] static void Become(int channel, const std::vector<char*>& argv, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(3);
    // dup2 onto the same number would keep close-on-exec.
    if (channel == kLaneControlFd) {
      ::fcntl(channel, F_SETFD, 0);
    } else {
      ::dup2(channel, kLaneControlFd);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  pid_t pid_ = -1;
  UniqueFd channel_;
};

class ProcessLane : public LaneClient {
 public:
  explicit ProcessLane(LaneOptions options) : options_(std::move(options)) {}

  Status EnsureStarted(Deadline deadline) {
    std::lock_guard lock(mutex_);
    if (process_ != nullptr) return OkStatus();
    ASSIGN_OR_RETURN(auto process, LaneProcess::Start(options_));
    ASSIGN_OR_RETURN(std::string text, ReadFrame(process->channel(), deadline));
    Json hello = Json::parse(text, nullptr, false);
    if (!hello.is_object()) return DataCorrupt("the lane sent nonsense");
    if (hello.value("type", "") == "Refused") {
      return Error{ErrorCodeByName(hello.value("code", "")), "the lane cannot start: " + hello.value("message", "")};
    }
    if (hello.value("protocol", 0) != kLaneProtocol) {
      return Error{ErrorCode::kUnavailable, "the lane speaks protocol " + std::to_string(hello.value("protocol", 0)) +
                                                ", this program speaks " + std::to_string(kLaneProtocol)};
    }
    environment_ = hello["environment"].get<std::map<std::string, std::string>>();
    process_ = std::move(process);
    return OkStatus();
  }

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request, Deadline deadline, const ProgressFn& progress) override {
    ASSIGN_OR_RETURN(std::string report, Call("Evaluate", ToJson(request), deadline, progress));
    return EvaluationReportFromJson(report);
  }

  Result<BaselineReport> Baseline(const BaselineRequest& request, Deadline deadline, const ProgressFn& progress) override {
    ASSIGN_OR_RETURN(std::string report, Call("Baseline", ToJson(request), deadline, progress));
    return BaselineReportFromJson(report);
  }

  Result<TaskDescription> DescribeTask(const DescribeTaskRequest& request, Deadline deadline) override {
    ASSIGN_OR_RETURN(std::string report, Call("DescribeTask", ToJson(request), deadline, {}));
    return TaskDescriptionFromJson(report);
  }

  Result<std::map<std::string, std::string>> Environment(Deadline deadline) override {
    RETURN_IF_ERROR(EnsureStarted(deadline));
    std::lock_guard lock(mutex_);
    return environment_;
  }

  void Cancel() override {
    std::lock_guard lock(mutex_);
    if (process_ == nullptr || !busy_) return;
    cancelled_ = true;
    (void)WriteFrame(process_->channel(), R"({"type":"Cancel"})", Deadline::After(std::chrono::seconds(5)));
  }

 private:
  Status Begin(const std::string& type, const std::string& request, Deadline deadline) {
    RETURN_IF_ERROR(EnsureStarted(deadline));
    std::lock_guard lock(mutex_);
    busy_ = true;
    cancelled_ = false;
    return WriteFrame(process_->channel(), "{\"type\":\"" + type + "\",\"request\":" + request + "}", deadline);
  }

  // Waits in short turns, so that a Cancel from another thread shortens the deadline.
  Result<std::string> Next(Deadline deadline) {
    Deadline cut = deadline;
    bool seen_cancel = false;
    while (true) {
      pollfd entry{process_->channel(), POLLIN, 0};
      int ready = ::poll(&entry, 1, cut.Earlier(Deadline::After(kTurn)).PollMillis());
      if (ready > 0) return ReadFrame(process_->channel(), deadline.Earlier(Deadline::After(std::chrono::minutes(5))));
      if (cut.Passed()) return Error{ErrorCode::kDeadlineExceeded, "the lane did not answer before the deadline"};
      std::lock_guard lock(mutex_);
      if (cancelled_ && !seen_cancel) {
        seen_cancel = true;
        cut = deadline.Earlier(Deadline::After(kGraceAfterCancel));
      }
    }
  }

  Result<std::string> Call(const std::string& type, const std::string& request, Deadline deadline,
                           const ProgressFn& progress) {
    auto answer = Exchange(type, request, deadline, progress);
    std::lock_guard lock(mutex_);
    busy_ = false;
    // A lane that broke off or stayed silent is in an unknown state: the next request gets a fresh one.
    if (!answer && broken_) process_.reset();
    broken_ = false;
    if (!answer && cancelled_) return Error{ErrorCode::kCancelled, "the request was cancelled"};
    return answer;
  }

  Result<std::string> Exchange(const std::string& type, const std::string& request, Deadline deadline,
                               const ProgressFn& progress) {
    broken_ = true;
    RETURN_IF_ERROR(Begin(type, request, deadline));
    while (true) {
      auto frame = Next(deadline);
      if (!frame) return std::move(frame).error().Prefixed("evaluation lane");
      Json message = Json::parse(frame.value(), nullptr, false);
      if (!message.is_object()) return DataCorrupt("the lane sent nonsense");
      std::string kind = message.value("type", "");
      if (kind == "Progress") {
        if (progress) progress(message.value("what", ""), message.value("done", 0), message.value("total", 0));
        continue;
      }
      broken_ = false;
      if (kind == "Report") return message["report"].dump();
      return Error{ErrorCodeByName(message.value("code", "")), message.value("message", "the lane gave no reason")};
    }
  }

  const LaneOptions options_;
  std::mutex mutex_;
  std::unique_ptr<LaneProcess> process_;  // replaced only between requests, under mutex_
  std::map<std::string, std::string> environment_;
  bool busy_ = false;
  bool cancelled_ = false;
  bool broken_ = false;  // of the calling thread
};

}  // namespace

Result<std::unique_ptr<LaneClient>> StartLane(const LaneOptions& options, Deadline deadline) {
  auto lane = std::make_unique<ProcessLane>(options);
  RETURN_IF_ERROR(lane->EnsureStarted(deadline));
  return std::unique_ptr<LaneClient>(std::move(lane));
}

}  // namespace passnet::evaluator
