#include "tests/fakes/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/clock.h"
#include "tests/fakes/paths.h"

namespace passnet::fakes {
namespace {

double Seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; }

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  return pointers;
}

}  // namespace

double Child::NowSeconds() {
  return std::chrono::duration<double>(Clock::System().Now().time_since_epoch()).count();
}

Result<std::unique_ptr<Child>> Child::Start(const ChildPlan& plan) {
  const std::string path = BinaryDir() + "/bin/" + plan.program;
  std::vector<std::string> arguments = {path};
  arguments.insert(arguments.end(), plan.arguments.begin(), plan.arguments.end());
  std::vector<char*> argv = Pointers(&arguments);
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : plan.environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp = Pointers(&variables);  // getenv finds the first of equal names
  for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, plan.output.c_str(), flags, 0644);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, plan.log.c_str(), flags, 0644);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, path.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error::FromErrno("start", path, failed);
  return std::unique_ptr<Child>(new Child(pid));
}

Child::~Child() {
  if (!Running()) return;
  Signal(SIGKILL);
  Wait();
}

void Child::Reap(int flags) {
  int status = 0;
  rusage usage{};
  pid_t reaped = -1;
  do {
    reaped = ::wait4(pid_, &status, flags, &usage);
  } while (reaped < 0 && errno == EINTR);
  if (reaped != pid_) return;
  running_ = false;
  end_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  end_.wall_s = NowSeconds() - started_s_;
  end_.cpu_s = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  end_.peak_rss_mib = static_cast<double>(usage.ru_maxrss) / 1024;  // man 2 getrusage: in KiB
}

bool Child::Running() {
  if (running_) Reap(WNOHANG);
  return running_;
}

void Child::Signal(int number) {
  if (running_) ::kill(pid_, number);
}

ChildEnd Child::Wait() {
  if (running_) Reap(0);
  return end_;
}

Result<ChildEnd> RunChild(const ChildPlan& plan) {
  ASSIGN_OR_RETURN(auto child, Child::Start(plan));
  return child->Wait();
}

}  // namespace passnet::fakes
