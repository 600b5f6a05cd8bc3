// A process with TorchInductor imported and warm, from which the processes of baselines are forked: the first compile of a
// cold process costs 11 to 15 s. It never sees a task's code.
// Threads: thread-compatible. Owns: the process; children hold it alive.
// Errors: infrastructure.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

class InductorParent : public ForkParent {
 public:
  // `device`: as torch names it in the worker. The parent itself never opens it.
  static Result<std::shared_ptr<InductorParent>> Start(std::shared_ptr<ForkParent> zygote, const std::string& device,
                                                       Deadline deadline);

  WorkerChannel& channel() override { return process_->channel(); }
  std::shared_ptr<const WorkerRules> rules() const override { return process_->rules(); }
  int seccomp_filters() const override { return process_->seccomp_filters(); }

 private:
  std::unique_ptr<WorkerProcess> process_;
};

}  // namespace passnet::evaluator
