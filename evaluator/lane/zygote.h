// The lane's zygote: a jailed Python that has imported torch and the worker's code, and forks on command.
// Threads: thread-compatible; it dies with the thread that started it. Owns: the process tree.
// Errors: kUnavailable, kPermissionDenied (sandbox set-up; names step and fix), kDeadlineExceeded, kInternal (it came up
// with more than one thread, or with a GPU's node open).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/lane/worker_process.h"
#include "sandbox/child.h"
#include "sandbox/gpu.h"
#include "sandbox/limits.h"

namespace passnet::evaluator {

// What the processes of a CUDA lane see beyond those of a CPU lane.
struct GpuInJail {
  sandbox::GpuAccess access;  // nothing of a stand-in driver's
  std::string uuid;           // the one that there is, for them
  std::string driver;         // the library's file
};

struct ZygoteOptions {
  std::filesystem::path python;      // the venv's interpreter
  std::filesystem::path worker_dir;  // lib/worker: the extension and the package
  int threads = 1;
  std::vector<int> other_cores;      // the zygote itself, task, trace and screen children
  uint64_t candidate_memory_bytes = 4ull << 30;
  sandbox::LimitsBy limits_by = sandbox::LimitsBy::kBestOfHost;  // of memory
  std::optional<GpuInJail> gpu;      // of a CUDA lane
};

class Zygote : public ForkParent {
 public:
  static Result<std::shared_ptr<Zygote>> Start(const ZygoteOptions& options, Deadline deadline);

  WorkerChannel& channel() override { return channel_; }
  std::shared_ptr<const WorkerRules> rules() const override { return rules_; }
  int seccomp_filters() const override { return 1; }
  pid_t pid() const { return child_->pid(); }
  const std::string& torch_version() const { return torch_version_; }
  const std::string& python_version() const { return python_version_; }
  const std::string& triton_version() const { return triton_version_; }  // empty: a CPU lane's, or its torch has none
  const std::vector<std::string>& layers() const { return child_->layers(); }
  const char* tier() const;  // of the memory limits, as reports name it

  // What it says once it is ready to fork; a step of Start.
  Status TakeGreeting(std::string_view text);

 private:
  std::unique_ptr<sandbox::Child> child_;
  std::shared_ptr<const WorkerRules> rules_;
  std::shared_ptr<sandbox::WatchedMemory> watched_;  // null: its control group limits it
  WorkerChannel channel_;
  std::string torch_version_;
  std::string python_version_;
  std::string triton_version_;
};

// What an interpreter needs to be seen: its environment, and the installation that it is a link into.
std::vector<std::string> PythonFolders(const std::filesystem::path& python);

// A process that forks others must have no node of a GPU open: a context in an ancestor is broken in every child, and would
// be shared by all of them. kInternal naming process and node.
Status CheckNoGpuIn(pid_t process, const char* who, const sandbox::GpuAccess& access);

}  // namespace passnet::evaluator
