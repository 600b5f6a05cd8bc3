// The processes below the zygote, seen from the evaluator: a parent that can fork (the zygote, a task child) and a
// forked worker that is watched by its pidfd, stopped and continued, and killed when its handle goes away.
// Threads: thread-compatible; one thread uses a lane's processes. Owns: WorkerProcess kills and reaps what it stands for.
// Errors: kUnavailable (process or parent gone), kDeadlineExceeded, kPermissionDenied (a sandbox layer could not be
// applied: the text names step and errno), kDataCorrupt. None of them is a candidate's fate by itself.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "evaluator/integrity/observations.h"
#include "evaluator/lane/worker_channel.h"
#include "sandbox/asked.h"
#include "sandbox/cgroup.h"
#include "sandbox/memory_watch.h"

namespace passnet::evaluator {

class WorkerProcess;

// What holds for every process below one zygote.
struct WorkerRules {
  std::map<std::string, std::string> plans;      // by the names that fork commands use
  uid_t user = 0, second_user = 0;               // in our user namespace; the latter of whose plan takes another
  std::shared_ptr<sandbox::MemoryWatch> memory;  // null: control groups limit it
};

// Something that answers {"cmd":"fork"} and {"cmd":"wait"}: the zygote or a task child.
class ForkParent {
 public:
  virtual ~ForkParent() = default;
  virtual WorkerChannel& channel() = 0;
  // Held for a command and its answer: the threads of an evaluator share a parent.
  std::mutex& exchange() { return exchange_; }
  // Null (a parent that a test made up): children have no limit and nothing is compared.
  virtual std::shared_ptr<const WorkerRules> rules() const { return nullptr; }
  virtual int seccomp_filters() const { return 0; }  // in force on it
  // An answer of its did not come in time, or was none. What comes later would be taken for the answer to something else, so
  // that it is asked nothing any more.
  bool lost() const { return lost_; }
  void Lose() { lost_ = true; }

 private:
  std::mutex exchange_;
  std::atomic<bool> lost_{false};
};

struct ForkSpec {
  std::string role;
  std::string plan;          // by name, as given to the zygote; "" = no plan of its own
  std::string first_frame;   // JSON, sent before the plan is applied
  std::vector<int> fds;      // borrowed; travel with the first frame
  uint64_t memory_bytes = 0;  // beyond what it is born with and the shared memory among `fds`; 0: as much as its role has
};

// What a role's processes may hold. Every one has a limit, since each works on what a stranger wrote.
uint64_t MemoryOfRole(const std::string& role);

class WorkerProcess {
 public:
  // Forks below `parent`, limits the child's memory, sends the first frame, waits until the child says that every layer
  // of its plan holds, and compares what the kernel says of it with the plan.
  static Result<std::unique_ptr<WorkerProcess>> Fork(std::shared_ptr<ForkParent> parent, const ForkSpec& spec,
                                                     Deadline deadline);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  WorkerChannel& channel() { return channel_; }
  pid_t pid() const { return pid_; }  // in our pid namespace
  const std::shared_ptr<const WorkerRules>& rules() const { return rules_; }
  int seccomp_filters() const { return seccomp_filters_; }

  // A JSON command to the Python side of a calling process and its answer, an object.
  Result<Json> Command(const Json& command, const std::vector<int>& fds, Deadline deadline);

  Status Stop();      // SIGSTOP; on a one-core lane it runs nothing more once this returned
  Status Continue();  // SIGCONT
  // CPU time used so far by all threads of the process.
  std::optional<std::chrono::nanoseconds> CpuTime() const;
  // What it wrote to stdout and stderr: head and tail, at most `max_bytes`; hostile bytes.
  std::string Output(size_t max_bytes) const;
  uint64_t OutputBytes() const;

  // Whether it ended by itself before the deadline.
  bool AwaitExit(Deadline deadline) const;

  // Kills it if it still runs, reaps it, and tells how it ended. Idempotent.
  WorkerEnd End();

 private:
  WorkerProcess() = default;
  Status LimitMemory(const ForkSpec& spec);
  Status CompareWithPlan(const ForkSpec& spec) const;

  std::shared_ptr<ForkParent> parent_;
  WorkerChannel channel_;
  UniqueFd pidfd_;
  UniqueFd output_;
  pid_t pid_ = -1;
  int64_t pid_in_parent_ = -1;
  std::shared_ptr<const WorkerRules> rules_;
  int seccomp_filters_ = 0;
  std::optional<sandbox::Cgroup> cgroup_;               // one of the two
  std::shared_ptr<sandbox::WatchedMemory> watched_;
  std::optional<WorkerEnd> end_;
};

}  // namespace passnet::evaluator
