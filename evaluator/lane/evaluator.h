// What evaluates: a timing core, used exclusively while something is timed, and everything else an evaluation needs.
// Answers requests one after another.
// Threads: one; Create and every request on the same thread, because the processes below die with it.
// Owns: zygote, task children, compiler, caches on disk.
// Errors: of the request's input: kInvalidArgument, kNotFound (task folder); of ours: kUnavailable, kPermissionDenied,
// kDeadlineExceeded, kCancelled, kInternal: reported as infra_*, never as a score.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/device/cpu_device.h"
#include "evaluator/lane/ablation.h"
#include "evaluator/lane/graph_evaluation.h"
#include "evaluator/lane/inductor.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/memory_speed.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/timing_core.h"
#include "evaluator/lane/zygote.h"
#include "evaluator/timing/secret_stream.h"

namespace passnet::evaluator {

struct EvaluatorOptions {
  std::filesystem::path python;
  std::filesystem::path worker_dir;
  std::filesystem::path include_dir;
  std::filesystem::path cache_dir;
  std::string device = "cpu";
  int threads = 1;
  int timing_core = -1;                           // -1: the last core this process may use
  uint64_t candidate_memory_bytes = 4ull << 30;   // chosen: real inputs reach 250 MB, a kernel may want copies
  bool polled_limits = false;                     // memory limits by looking, even where control groups are
  Ablation ablation;                              // nothing, but for tests and benches
  size_t kept_task_children = 24;                 // chosen: two large tasks; each costs some 10 MB of its own
};

// What a running request tells and asks.
struct RequestHooks {
  std::function<void(const std::string& what, int done, int total)> progress;
  std::function<bool()> cancelled;
};

class Evaluator {
 public:
  static Result<std::unique_ptr<Evaluator>> Create(const EvaluatorOptions& options);

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request, const RequestHooks& hooks);
  Result<BaselineReport> Baseline(const BaselineRequest& request, const RequestHooks& hooks);
  Result<TaskDescription> Describe(const DescribeTaskRequest& request, const RequestHooks& hooks);
  const std::map<std::string, std::string>& environment() const { return environment_; }

 private:
  explicit Evaluator(const EvaluatorOptions& options) : options_(options), task_children_(options.kept_task_children) {}

  Status CheckDevice(const std::string& device) const;
  // The graph's task child, from the cache or captured now.
  Result<std::shared_ptr<TaskChild>> ChildOf(const passbench::Graph& graph);
  std::string KeyOf(const passbench::Graph& graph) const;
  GraphContext ContextOf(const passbench::Graph& graph, std::shared_ptr<TaskChild> task,
                         std::chrono::milliseconds time_cap, const RequestHooks& hooks);

  // Every graph of the task; fills the report's graphs, verdict, reason, layers and output.
  Result<std::vector<GraphOutcome>> EvaluateGraphs(const passbench::Task& task, const EvaluateRequest& request,
                                                   const PreparedCandidate& prepared, const RequestHooks& hooks,
                                                   EvaluationReport* report);

  // The warm TorchInductor process; started by the first that asks.
  Result<std::shared_ptr<InductorParent>> Inductor();
  Result<GraphDescription> DescribeGraph(const passbench::Graph& graph, const RequestHooks& hooks);
  std::filesystem::path BaselinePath(const std::vector<passbench::Graph>& graphs, const BaselineRequest& request) const;

  EvaluatorOptions options_;
  std::vector<int> other_cores_;
  std::optional<TimingCore> timing_core_;
  std::shared_ptr<Zygote> zygote_;
  std::shared_ptr<InductorParent> inductor_;  // null until a baseline needs it
  std::optional<KernelCompiler> compiler_;
  TaskChildCache task_children_;
  KeptAnswers readers_{8u << 20, 512};  // of screens and traces; chosen: an answer has some KB
  SecretStream decisions_, draws_;
  MemorySpeed memory_speed_;
  Blocks blocks_;
  const std::unique_ptr<Device> device_ = std::make_unique<CpuDevice>();
  std::unique_ptr<HelperThread> data_, maker_;
  std::optional<Instruments> instruments_;  // of what stands above
  std::map<std::string, std::string> environment_;
};

}  // namespace passnet::evaluator
