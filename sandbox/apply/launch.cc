#include "sandbox/apply/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/apply/interpret.h"
#include "sandbox/apply/plan_format.h"

namespace passnet::sandbox {
namespace {

void Send(int control, const LaunchMessage& message, int carried_fd) {
  iovec part{const_cast<LaunchMessage*>(&message), sizeof message};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (carried_fd >= 0) {
    header.msg_control = space;
    header.msg_controllen = sizeof space;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &carried_fd, sizeof carried_fd);
  }
  while (sendmsg(control, &header, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void Fail(int control, const pn_apply_error& error) {
  Send(control, LaunchMessage{LaunchMessageKind::kFailed, 0, error}, -1);
  _exit(127);
}

[[noreturn]] void Fail(int control, const char* step, const char* what) {
  pn_apply_error error{};
  FillError(&error, errno, step, what);
  Fail(control, error);
}

void ApplyOrFail(int control, const PlanBytes& plan) {
  pn_apply_error error{};
  int no_listener = -1;
  if (!Interpret(plan.bytes, plan.size, false, &no_listener, &error)) Fail(control, error);
}

void AwaitGo(int control) {
  char go = 0;
  ssize_t size;
  do {
    size = read(control, &go, 1);
  } while (size < 0 && errno == EINTR);
  if (size != 1) _exit(126);  // the caller is gone or gave up
}

// Not fork(): a copy of a process with threads must not run other libraries' fork handlers.
pid_t Fork(unsigned long flags) { return static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)); }

[[noreturn]] void BecomeProgram(const Launch& launch) {
  pn_apply_error error{};
  int listener = -1;
  if (!Interpret(launch.target.bytes, launch.target.size, launch.violations_to_listener, &listener, &error)) {
    Fail(kControlFd, error);
  }
  Send(kControlFd, LaunchMessage{LaunchMessageKind::kApplied, 0, {}}, listener);
  if (listener >= 0) close(listener);
  AwaitGo(kControlFd);
  execve(launch.program, const_cast<char* const*>(launch.argv), const_cast<char* const*>(launch.envp));
  Fail(kControlFd, "execve", launch.program);
}

[[noreturn]] void ReapUntilEnded(pid_t program) {
  close(0);
  close(1);
  close(2);
  for (;;) {
    int status = 0;
    const pid_t ended = wait4(-1, &status, __WALL, nullptr);
    if (ended == program) {
      Send(kControlFd, LaunchMessage{LaunchMessageKind::kEnded, status, {}}, -1);
      _exit(0);  // ends everything that the program left behind
    }
    if (ended < 0 && errno != EINTR) _exit(125);
  }
}

[[noreturn]] void BecomeInit(const Launch& launch) {
  // Before `init` moves it, the channel has the caller's number.
  ApplyOrFail(launch.control_fd, launch.init);
  // The channel must not outlive execve; dup2 cleared the flag.
  if (fcntl(kControlFd, F_SETFD, FD_CLOEXEC) != 0) Fail(kControlFd, "descriptors", "control");
  int scratch = -1;
  if (launch.scratch != nullptr) {
    scratch = open(launch.scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (scratch < 0) Fail(kControlFd, "open", launch.scratch);
  }
  Send(kControlFd, LaunchMessage{LaunchMessageKind::kReady, 0, {}}, scratch);
  if (scratch >= 0) close(scratch);
  AwaitGo(kControlFd);
  if (!launch.stay_as_reaper) BecomeProgram(launch);
  // This copy of the caller's memory must stay closed to the program, which has the same uid.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) Fail(kControlFd, "dumpable", "init");
  const pid_t program = Fork(0);
  if (program < 0) Fail(kControlFd, "fork", "program");
  if (program == 0) BecomeProgram(launch);
  ReapUntilEnded(program);
}

}  // namespace

void LaunchInChild(const Launch& launch) {
  ApplyOrFail(launch.control_fd, launch.outer);
  // A sibling instead of a child: the caller is its parent and can wait for it (as container runtimes do).
  const pid_t init = Fork(CLONE_PARENT);
  if (init < 0) Fail(launch.control_fd, "fork", "pid 1");
  if (init == 0) BecomeInit(launch);
  _exit(0);
}

}  // namespace passnet::sandbox
