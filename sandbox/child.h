// A long-lived jailed process that makes jails for its own children: the zygote. Own user, mount, pid, net, ipc and
// uts namespaces; it is init of its pid namespace, so its end is the end of everything below it.
// Threads: thread-compatible; Start blocks until the program runs. The tree dies with the *thread* that called Start.
// Owns: the process tree and its control group; the destructor kills and reaps. There is no detach.
// Errors: kInvalidArgument (options), kPermissionDenied or kUnavailable (a step of the set-up failed: the text names
//   step, errno and fix), kDeadlineExceeded, kResourceExhausted. All of them poison the lane, never a candidate.
// Source: user_namespaces(7), pid_namespaces(7), pidfd_open(2).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/outcome.h"
#include "sandbox/policy.h"
#include "sandbox/root.h"

namespace passnet::sandbox {

struct InheritedFd {
  int source = -1;  // borrowed, ours
  int target = -1;  // its number in the child, 0 to 239; give 0, 1 and 2 too (absent ones are /dev/null)
};

struct ChildSpec {
  std::vector<std::string> argv;  // argv[0] is an absolute path inside the jail
  std::vector<std::pair<std::string, std::string>> environment;
  RootSpec root;
  std::string working_folder = "/";
  std::vector<InheritedFd> descriptors;
  std::vector<int> cores;         // pinned to these; children may be pinned elsewhere. Empty: inherited
  uint32_t open_files = 1024;
  // For the whole tree; zeros: no group. Start fails where no group can be made: ask DetectCgroups() first.
  CgroupLimits cgroup;
  SyscallPolicy policy = SyscallPolicy::JailMaker();
  // It can make children that run as this one, of SecondUser() (CandidateOptions::own_user). kInvalidArgument unless root.
  std::optional<uid_t> second_user;
};

class Child {
 public:
  static Result<std::unique_ptr<Child>> Start(const ChildSpec& spec, Deadline deadline);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const;    // in our pid namespace
  int pidfd() const;    // borrowed; readable (poll) once it has ended
  const std::vector<std::string>& layers() const;  // read back just before the program's first instruction

  // Kills the whole tree and waits until none of it is left. Idempotent.
  RunOutcome Kill();
  // Waits for its end; kDeadlineExceeded leaves it running.
  Result<RunOutcome> Wait(Deadline deadline);

 private:
  struct State;
  explicit Child(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The user that jails of this process run as, in our user namespace: nobody where root starts them.
uid_t JailUser();

// Another one, for candidates that must not be of one user with their neighbours: a device's driver lets processes of one user
// reach into one another. One of 512, by a number. Nothing where this process is not root, which alone may take a user that is
// not its own.
std::optional<uid_t> SecondUser(uint32_t number);

// The pid, in our pid namespace, of the process behind a pidfd that a jailed parent sent us. kNotFound when it has
// ended.
Result<pid_t> PidOf(int pidfd);

}  // namespace passnet::sandbox
