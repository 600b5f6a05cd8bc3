// The lane's zygote: a jailed Python that has imported torch and the worker's code, and forks on command.
// Threads: thread-compatible; it dies with the thread that started it. Owns: the process tree.
// Errors: kUnavailable, kPermissionDenied (sandbox set-up; names step and fix), kDeadlineExceeded, kInternal (it came up
// with more than one thread).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/lane/worker_process.h"
#include "sandbox/child.h"

namespace passnet::evaluator {

struct ZygoteOptions {
  std::filesystem::path python;      // the venv's interpreter
  std::filesystem::path worker_dir;  // lib/worker: the extension and the package
  int threads = 1;
  std::vector<int> other_cores;      // the zygote itself, task, trace and screen children
  uint64_t candidate_memory_bytes = 4ull << 30;
};

class Zygote : public ForkParent {
 public:
  static Result<std::shared_ptr<Zygote>> Start(const ZygoteOptions& options, Deadline deadline);

  WorkerChannel& channel() override { return channel_; }
  pid_t pid() const { return child_->pid(); }
  const std::string& torch_version() const { return torch_version_; }
  const std::string& python_version() const { return python_version_; }
  const std::vector<std::string>& layers() const { return child_->layers(); }

  // What it says once it is ready to fork; a step of Start.
  Status TakeGreeting(std::string_view text);

 private:
  std::unique_ptr<sandbox::Child> child_;
  WorkerChannel channel_;
  std::string torch_version_;
  std::string python_version_;
};

}  // namespace passnet::evaluator
