// A parent of workers that are programs: {"cmd": "fork"} starts one with its control socket as descriptor 3.
// Threads: thread-compatible. Owns: the process tree. Errors: those of the channel; CHECK where it cannot be made.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::fakes {

class ProgramZygote : public evaluator::ForkParent {
 public:
  explicit ProgramZygote(const std::string& program) {
    auto ends = evaluator::WorkerChannel::Pair().value();
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ends.first.Reset();
      Serve(evaluator::WorkerChannel(std::move(ends.second)), program);
      ::_exit(0);
    }
    channel_ = evaluator::WorkerChannel(std::move(ends.first));
  }
  ~ProgramZygote() override {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ProgramZygote(const ProgramZygote&) = delete;
  ProgramZygote& operator=(const ProgramZygote&) = delete;

  evaluator::WorkerChannel& channel() override { return channel_; }

 private:
  static void Serve(evaluator::WorkerChannel channel, const std::string& program) {
    while (true) {
      auto frame = channel.ReceiveFrame(Deadline::Never(), 1u << 20, evaluator::kMaxFrameFds);
      if (!frame) return;
      const Json command = ParseJson(frame.value().json).value();
      if (command["cmd"].Text() == "fork") {
        const pid_t pid = Start(program, frame.value().fds[0].get());
        const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        (void)channel.SendFrame(Json{{"pid", pid}}.Dump(), {pidfd.get()}, Deadline::Never());
      } else {
        int status = 0;
        ::waitpid(static_cast<pid_t>(command["pid"].Integer()), &status, 0);
        const Json end = WIFSIGNALED(status) ? Json{{"signalled", WTERMSIG(status)}} : Json{{"exited", WEXITSTATUS(status)}};
        (void)channel.SendFrame(end.Dump(), {}, Deadline::Never());
      }
    }
  }

  static pid_t Start(const std::string& program, int control) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    constexpr int kControl = 3;
    const int moved = ::fcntl(control, F_DUPFD, 16);  // nothing of 0 to 3 is in its way any more
    ::dup2(moved, kControl);
    ::close(moved);
    ::execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }

  pid_t pid_ = -1;
  evaluator::WorkerChannel channel_;
};

}  // namespace passnet::fakes
