#include "tests/recorded_llm/server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <csignal>

#include "base/check.h"
#include "tests/fakes/paths.h"

namespace passnet {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe MakePipe() {
  int fds[2];
  CHECK(pipe2(fds, O_CLOEXEC) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments) {
  std::string binary = fakes::BinaryDir() + "/bin/passnet-recorded-llm";
  std::vector<char*> argv = {binary.data()};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Pipe out = MakePipe(), err = MakePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  CHECK(posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
}

ServerProcess::~ServerProcess() {
  if (pid_ < 0) return;
  Signal(SIGKILL);
  Wait();
}

std::string ServerProcess::ReadLine() {
  std::string line;
  char byte = 0;
  while (read(out_.get(), &byte, 1) == 1 && byte != '\n') line.push_back(byte);
  return line;
}

std::string ServerProcess::ReadErrors() {
  std::string text;
  std::array<char, 1024> bytes;
  for (;;) {
    ssize_t count = read(err_.get(), bytes.data(), bytes.size());
    if (count <= 0) return text;
    text.append(bytes.data(), static_cast<size_t>(count));
  }
}

void ServerProcess::Signal(int number) { kill(pid_, number); }

int ServerProcess::Wait() {
  int status = 0;
  CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace passnet
