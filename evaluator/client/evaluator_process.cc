#include "evaluator/client/evaluator_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "evaluator/api/lane_protocol.h"
#include "evaluator/client/installation.h"

namespace passnet::evaluator {
namespace {

// All that an evaluator has of its caller's environment: no key of anybody, and nothing that changes what its parts do.
constexpr const char* kVariables[] = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
                                      // of the sanitizers, whose builds would end without
                                      "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

constexpr int kEndLooks = 50;  // each 20 ms: a second for an evaluator to hear that its client has gone

std::vector<std::string> ArgumentsOf(const LaneClientOptions& options, const Installation& installation) {
  std::vector<std::string> arguments = {installation.evaluator.native(),
                                        "--python", installation.python,
                                        "--worker-dir", installation.worker_dir.native(),
                                        "--include-dir", installation.include_dir.native(),
                                        "--cache-dir", std::filesystem::absolute(options.cache_dir).native(),
                                        "--device", options.device,
                                        "--threads", std::to_string(options.threads),
                                        "--timing-core", std::to_string(options.timing_core)};
  if (options.polled_limits) arguments.push_back("--polled-limits");
  if (!options.ablate.empty()) arguments.insert(arguments.end(), {"--ablate", options.ablate});
  if (!options.nvcc.empty()) arguments.insert(arguments.end(), {"--nvcc", std::filesystem::absolute(options.nvcc).native()});
  arguments.insert(arguments.end(), options.further.begin(), options.further.end());
  return arguments;
}

std::vector<std::string> EnvironmentOf() {
  std::vector<std::string> environment;
  for (const char* name : kVariables) {
    if (const char* value = std::getenv(name); value != nullptr) environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

// As execve takes them; borrows the words.
std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The cores that an evaluator may use: the caller's without those on which other lanes time. All of the caller's when
// nothing else would be left, as on a machine of one core.
cpu_set_t CoresOf(const LaneClientOptions& options) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  ::sched_getaffinity(0, sizeof cores, &cores);
  cpu_set_t left = cores;
  for (int core : options.other_timing_cores) {
    if (core >= 0 && core < CPU_SETSIZE) CPU_CLR(static_cast<size_t>(core), &left);
  }
  return CPU_COUNT(&left) > 0 ? left : cores;
}

// What a child needs on its way to execve.
struct Birth {
  std::vector<char*> argv;
  std::vector<char*> environment;
  cpu_set_t cores;
  pid_t parent;
};

// The child's way to execve. Async-signal-safe only: the daemon that forks has threads.
[[noreturn]] void Become(int channel, const Birth& birth) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != birth.parent) ::_exit(3);
  ::sched_setaffinity(0, sizeof birth.cores, &birth.cores);
  // dup2 onto the same number would keep close-on-exec.
  if (channel == kLaneControlFd) {
    ::fcntl(channel, F_SETFD, 0);
  } else {
    ::dup2(channel, kLaneControlFd);
  }
  // Connections of the daemon that a library opened without close-on-exec are none of the evaluator's. A kernel before
  // 5.11 does not know the call; there they stay open.
  ::close_range(kLaneControlFd + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(birth.argv[0], birth.argv.data(), birth.environment.data());
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<EvaluatorProcess>> EvaluatorProcess::Start(const LaneClientOptions& options) {
  ASSIGN_OR_RETURN(const Installation installation, FindInstallation(options.evaluator_binary));
  std::vector<std::string> arguments = ArgumentsOf(options, installation);
  std::vector<std::string> variables = EnvironmentOf();
  const Birth birth{Pointers(arguments), Pointers(variables), CoresOf(options), ::getpid()};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::FromErrno("socketpair", "lane", errno);
  }
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return Error::FromErrno("fork", "lane", errno);
  if (pid == 0) Become(theirs.get(), birth);
  return std::unique_ptr<EvaluatorProcess>(new EvaluatorProcess(pid, std::move(ours)));
}

bool EvaluatorProcess::IsThere() const {
  // A process that ends closes its files before it can be waited for, and may leave a child behind that holds them.
  pollfd entry{channel_.get(), POLLRDHUP, 0};
  if (::poll(&entry, 1, 0) > 0) return false;
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
}

void EvaluatorProcess::Kill() { ::kill(pid_, SIGKILL); }

EvaluatorProcess::~EvaluatorProcess() {
  // Closing the channel asks it to end; what does not hear it is killed, and its jails with it.
  channel_.Reset();
  for (int i = 0; i < kEndLooks; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    ::poll(nullptr, 0, 20);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace passnet::evaluator
