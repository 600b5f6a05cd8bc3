// What evaluates: a timing core, used exclusively while something is timed, on a CUDA lane a device in the same way, and
// everything else an evaluation needs. Answers requests one after another.
// Threads: one; Create, every request and the end on the same thread, because the processes below die with it. Meanwhile
// that thread keeps to the cores that nothing is timed on; the end gives it back those that Create found.
// Owns: zygote, task children, compilers, the device's context, caches on disk.
// Errors: of the request's input: kInvalidArgument, kNotFound (task folder); of ours: kUnavailable, kPermissionDenied,
// kDeadlineExceeded, kCancelled, kInternal: reported as infra_*, never as a score.
#pragma once

#include <filesystem>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/compile/triton_compiler.h"
#include "evaluator/device/cuda_device.h"
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
  std::string device = "cpu";      // or a CUDA device (evaluator/api/device_name.h)
  std::filesystem::path nvcc;      // of a CUDA lane; empty: the one of /usr/local/cuda, where there is one
  std::filesystem::path nvrtc;     // of a CUDA lane; empty: the one that the interpreter's torch brings, or the loader's
  CudaDeviceOptions cuda;          // other ones are for tests: a stand-in driver
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

  ~Evaluator();

  Result<EvaluationReport> Evaluate(const EvaluateRequest& request, const RequestHooks& hooks);
  Result<BaselineReport> Baseline(const BaselineRequest& request, const RequestHooks& hooks);
  Result<TaskDescription> Describe(const DescribeTaskRequest& request, const RequestHooks& hooks);
  const std::map<std::string, std::string>& environment() const { return environment_; }

 private:
  explicit Evaluator(const EvaluatorOptions& options) : options_(options), task_children_(options.kept_task_children) {}

  // The steps of Create, in their order.
  Status ChooseCores();
  Status FindDevice();
  Status StartZygote();
  Status OpenDevice();
  Status MakeCompilers();
  Status OpenTimingCore();
  void NoteEnvironment();

  Status CheckDevice(const std::string& device) const;
  bool OnCuda() const { return gpu_.has_value(); }
  // The device until what of ours is on it has ended; nothing on a CPU lane.
  struct DeviceTurn {
    HostLock::Hold lease;
    HelperThread& maker;  // processes end there
    ~DeviceTurn() { maker.AwaitIdle(); }
  };
  Result<std::unique_ptr<DeviceTurn>> TakeDevice(const RequestHooks& hooks);
  // Whether the device still works once all that was on it has ended; kUnavailable where not.
  Status EndTurn();
  // The graph's task child, from the cache or captured now.
  Result<std::shared_ptr<TaskChild>> ChildOf(const passbench::Graph& graph);
  std::string KeyOf(const passbench::Graph& graph) const;
  GraphContext ContextOf(const passbench::Graph& graph, std::shared_ptr<TaskChild> task,
                         std::chrono::milliseconds time_cap, const RequestHooks& hooks);

  using Matched = std::deque<std::unique_ptr<GraphEvaluation>>;
  // Some graphs from `begin` on, whose patterns are matched.
  Result<Matched> MatchSome(const passbench::Task& task, size_t begin, const EvaluateRequest& request,
                            const PreparedCandidate& prepared, const RequestHooks& hooks, EvaluationReport* report);
  // The kernels of a Triton pass for those that matched.
  Status CompileTritonFor(const Matched& matched, const PreparedCandidate& prepared, EvaluationReport* report);
  // All of them; none is left.
  Result<std::vector<GraphOutcome>> MeasureTogether(Matched& matched, const std::function<void(int rounds)>& progress,
                                                    const RequestHooks& hooks);
  // The same with the device taken, which is looked at afterwards.
  Result<std::vector<GraphOutcome>> MeasureSome(Matched& matched, const std::function<void(int rounds)>& progress,
                                                const RequestHooks& hooks);
  // Every graph of the task; fills the report's graphs, verdict, reason, layers and output.
  Result<std::vector<GraphOutcome>> EvaluateGraphs(const passbench::Task& task, const EvaluateRequest& request,
                                                   const PreparedCandidate& prepared, const RequestHooks& hooks,
                                                   EvaluationReport* report);

  // The warm TorchInductor process; started by the first that asks.
  Result<std::shared_ptr<InductorParent>> Inductor();
  Result<GraphDescription> DescribeGraph(const passbench::Graph& graph, const RequestHooks& hooks);
  std::filesystem::path BaselinePath(const std::vector<passbench::Graph>& graphs, const BaselineRequest& request) const;

  EvaluatorOptions options_;
  std::vector<int> usable_cores_, other_cores_;
  std::string torch_device_ = "cpu";  // torch's name of what is timed on
  std::optional<GpuInJail> gpu_;      // of a CUDA lane
  std::optional<TimingCore> timing_core_;
  std::shared_ptr<Zygote> zygote_;
  std::shared_ptr<InductorParent> inductor_;  // null until a baseline needs it
  std::optional<KernelCompiler> compiler_;
  std::optional<TritonCompiler> triton_;  // of a CUDA lane whose torch has Triton
  TaskChildCache task_children_;
  KeptAnswers readers_{8u << 20, 512};  // of screens and traces; chosen: an answer has some KB
  SecretStream decisions_, draws_;
  MemorySpeed memory_speed_;
  Blocks blocks_;
  std::unique_ptr<Device> device_;
  DeviceFacts device_facts_;  // with figures that stay the same
  std::unique_ptr<HelperThread> data_, maker_;
  std::optional<Instruments> instruments_;  // of what stands above
  std::map<std::string, std::string> environment_;
};

}  // namespace passnet::evaluator
