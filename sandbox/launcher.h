// The trusted side of a start: makes the plans, forks, and waits until pid 1 of the jail stands ready behind its gate.
// Used by run.cc and child.cc only.
// Threads: blocking, thread-safe. Owns: JailProcess owns the process tree; its destructor kills and reaps it.
// Errors: kInvalidArgument (paths, descriptors), kPermissionDenied / kUnavailable / kIo (a step failed; the text names
//   step, object, errno and the fix), kDeadlineExceeded, kResourceExhausted (no process or descriptor left).
// Source: clone(2), unix(7) (SCM_RIGHTS, SCM_CREDENTIALS), pidfd_open(2); apply/launch.h for the child's side.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/apply/launch.h"
#include "sandbox/plan_writer.h"
#include "sandbox/root_steps.h"

namespace passnet::sandbox {

struct JailSpec {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  RootSpec root;
  std::vector<PrivateFolder> folders;
  std::string scratch;  // of `folders`, whose descriptor the launcher hands back; empty: none
  std::vector<std::pair<int, int>> descriptors;  // source, target below kControlFd - 10
  std::string target_plan;
  std::optional<uid_t> second_user;  // ChildSpec's
  bool reaper = true;
  bool violations_to_listener = false;
};

struct ControlMessage {
  LaunchMessage message;
  pid_t sender = 0;  // in our pid namespace
  UniqueFd carried;
};

class JailProcess {
 public:
  JailProcess() = default;
  JailProcess(JailProcess&& other) noexcept;
  JailProcess& operator=(JailProcess&& other) noexcept;
  ~JailProcess();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  int control() const { return control_.get(); }
  int scratch() const { return scratch_.get(); }
  bool reaped() const { return pid_ <= 0; }

  Status Go();  // lets the waiting process pass its gate
  void Kill();
  // The end of pid 1, which is the end of the whole tree. kDeadlineExceeded; kNotFound when somebody else reaped it.
  struct End {
    int wait_status = 0;
    rusage usage{};
  };
  Result<End> Reap(Deadline deadline);

 private:
  void Destroy();

  friend Result<JailProcess> StartJail(const JailSpec& spec, Deadline deadline);
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  UniqueFd control_;
  UniqueFd scratch_;
};

Result<JailProcess> StartJail(const JailSpec& spec, Deadline deadline);

// The next message of a jail being set up. kUnavailable when every sender is gone.
Result<ControlMessage> ReceiveControl(int control, Deadline deadline);

// What a failed step means for an operator.
Error SetupError(const pn_apply_error& error);

// Whether this process may mount and change ids without a user namespace.
bool Privileged();

}  // namespace passnet::sandbox
