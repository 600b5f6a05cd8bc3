// A zygote whose children say what a script tells them to. Processes, sockets and descriptors are real, so that what
// reads their words is the product's own code.
// Threads: thread-compatible; it forks, so no other thread of the test may be at work. Owns: the process tree.
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "evaluator/lane/worker_process.h"
#include "evaluator/worker/run_protocol.h"
#include "tests/fakes/lost_first_thread.h"

namespace passnet::fakes {

// One process. The zygote itself uses `children` and what stands below it alone.
struct WorkerScript {
  std::vector<std::string> answers = {};    // frames it sends once it has its first frame
  std::vector<std::string> commands = {};   // its answers to commands, in their order
  std::vector<WorkerScript> children = {};  // of its forks, in their order
  bool dies = false;                        // after its answers, as if killed; else it stays and says nothing more
  std::optional<std::string> forked = {};   // instead of {"pid": …}
  std::optional<std::string> ended = {};    // instead of how a child really ended
  std::optional<std::string> testimony = {};  // answers runs of calls as asked, and PN_RUN_TELL with this ($NONCE: of the command)
  bool leaves = false;                      // it ends by itself after its answers …
  int status = 0;                           // … with this
  bool loses_first_thread = false;          // another one of it gives its answers, and goes on
};

inline const std::string kJailed = R"({"jailed": true})";

class FakeZygote : public evaluator::ForkParent {
 public:
  explicit FakeZygote(const WorkerScript& script) {
    auto ends = evaluator::WorkerChannel::Pair().value();
    pid_ = ::fork();
    if (pid_ == 0) {
      ends.first.Reset();
      Serve(evaluator::WorkerChannel(std::move(ends.second)), script);
      ::_exit(0);
    }
    channel_ = evaluator::WorkerChannel(std::move(ends.first));
  }
  ~FakeZygote() override {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  FakeZygote(const FakeZygote&) = delete;
  FakeZygote& operator=(const FakeZygote&) = delete;

  evaluator::WorkerChannel& channel() override { return channel_; }

  std::shared_ptr<const evaluator::WorkerRules> rules() const override { return given_rules; }

  // Of the processes below, which have no jail in truth.
  std::shared_ptr<const evaluator::WorkerRules> given_rules;

  // A zygote with one child.
  static std::shared_ptr<FakeZygote> Of(WorkerScript child) {
    return std::make_shared<FakeZygote>(WorkerScript{.children = {std::move(child)}});
  }

 private:
  static constexpr uint32_t kMaxBytes = 64u << 20;

  static void Say(evaluator::WorkerChannel& channel, const std::string& text, const std::vector<int>& fds = {}) {
    (void)channel.SendFrame(text, fds, Deadline::Never());
  }

  // Answers fork and wait until the other side goes.
  static void Serve(evaluator::WorkerChannel channel, const WorkerScript& script) {
    size_t next = 0;
    while (true) {
      auto frame = channel.ReceiveFrame(Deadline::Never(), kMaxBytes, evaluator::kMaxFrameFds);
      if (!frame) return;
      const Json command = ParseJson(frame.value().json).value();
      if (command["cmd"].Text() == "fork") {
        // One more than the script has is told so at once: whoever proves that nothing is forked waits for no deadline.
        if (next == script.children.size()) return Say(channel, R"({"pid": "the script has no more children"})");
        Fork(channel, script, script.children[next++], std::move(frame.value().fds[0]));
      } else if (command["cmd"].Text() == "wait") {
        int status = 0;
        ::waitpid(static_cast<pid_t>(command["pid"].Integer()), &status, 0);
        const Json end = WIFSIGNALED(status) ? Json{{"signalled", WTERMSIG(status)}} : Json{{"exited", WEXITSTATUS(status)}};
        Say(channel, script.ended.value_or(end.Dump()));
      }
    }
  }

  static void Fork(evaluator::WorkerChannel& channel, const WorkerScript& parent, const WorkerScript& child,
                   UniqueFd control) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      Play(evaluator::WorkerChannel(std::move(control)), child);
      if (child.dies) ::raise(SIGKILL);
      ::_exit(child.status);
    }
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    Say(channel, parent.forked.value_or(Json{{"pid", pid}}.Dump()), {pidfd.get()});
  }

  [[noreturn]] static void GoOnWithoutFirstThread(evaluator::WorkerChannel channel, const WorkerScript& script) {
    static evaluator::WorkerChannel kept{std::move(channel)};
    static const WorkerScript* played = &script;
    LoseFirstThread([](void*) { Answer(std::move(kept), *played); }, nullptr);
  }

  static void Play(evaluator::WorkerChannel channel, const WorkerScript& script) {
    if (!channel.ReceiveFrame(Deadline::Never(), kMaxBytes, evaluator::kMaxFrameFds)) return;
    if (script.loses_first_thread) GoOnWithoutFirstThread(std::move(channel), script);
    Answer(std::move(channel), script);
  }

  static void Answer(evaluator::WorkerChannel channel, const WorkerScript& script) {
    for (const std::string& answer : script.answers) Say(channel, answer);
    for (const std::string& answer : script.commands) {
      PnRunCommand header;
      if (::recv(channel.fd(), &header, sizeof header, MSG_WAITALL) != sizeof header) return;
      if (!channel.ReceiveFrame(Deadline::Never(), kMaxBytes, evaluator::kMaxFrameFds)) return;
      Say(channel, answer);
    }
    if (script.testimony) return Testify(channel, *script.testimony);
    if (!script.dies && !script.leaves) Serve(std::move(channel), script);
  }

  static void Testify(evaluator::WorkerChannel& channel, const std::string& words) {
    PnRunCommand command;
    while (::recv(channel.fd(), &command, sizeof command, MSG_WAITALL) == sizeof command) {
      if (command.kind == PN_RUN_TELL) {
        const std::string mark = "$NONCE";
        std::string text = words;
        if (const size_t at = text.find(mark); at != std::string::npos) {
          text.replace(at, mark.size(), std::to_string(command.nonce));
        }
        Say(channel, text);
      } else {
        const PnRunReply reply{command.nonce, PN_STATUS_OK, command.count, 0};
        (void)::send(channel.fd(), &reply, sizeof reply, MSG_NOSIGNAL);
      }
    }
  }

  pid_t pid_ = -1;
  evaluator::WorkerChannel channel_;
};

}  // namespace passnet::fakes
