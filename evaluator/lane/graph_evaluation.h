// One graph of one evaluation: reference and candidate processes, the measured run, and what it comes to.
// Threads: thread-compatible, blocking. Errors: infrastructure; what the candidate did is in the GraphReport.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/lane/ablation.h"
#include "evaluator/lane/measure.h"
#include "evaluator/lane/memory_speed.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/timing_core.h"
#include "evaluator/lane/triton_kernels.h"

namespace passnet::evaluator {

struct GraphContext {
  std::shared_ptr<TaskChild> task;
  const passbench::Graph* graph = nullptr;
  const Instruments* instruments = nullptr;
  const MemorySpeed* memory_speed = nullptr;
  int threads = 1;
  uint64_t candidate_memory_bytes = 0;
  std::chrono::milliseconds time_cap{0};  // 0: the profile's own
  std::function<bool()> cancelled;        // asked between blocks of calls
};

struct GraphOutcome {
  GraphReport report;
  bool in_place = false;                      // the reference changes an input: upstream's figure means nothing
  bool upstream_refuses = false;              // a matched pattern returns several nodes: upstream's replacer raises
  bool worked_beside = false;                 // a verdict rests on it, which holds only where the device is quiet without it
  std::vector<int> upstream_tolerances_ok;    // of the seed-123 set alone, as upstream judges
  std::vector<std::string> layers;            // read back from the candidate's process
  std::string candidate_output;
  std::map<std::string, double> timings_ms;
};

// Whether the graph's speed-up is believed only when a second measurement with other counts comes near it.
bool IsSurprising(const GraphReport& report, const Ablation& ablation);

// Whether it is believed only once the candidate's launches, made again alone, give the same.
bool IsTop(const GraphReport& report, const Ablation& ablation);

// Path and dtype filled in, nothing known yet.
GraphReport NewReport(const passbench::Graph& graph);

// A candidate on one graph: matched, begun, and then a round of the measurement at a time (measure.h).
class GraphEvaluation {
 public:
  // Matches; what fails here is in the report, and there is nothing to measure. Borrows the request, the candidate and what
  // the context points to.
  static Result<std::unique_ptr<GraphEvaluation>> Create(GraphContext context, const EvaluateRequest& request,
                                                         const PreparedCandidate& candidate);
  ~GraphEvaluation();

  // What the compile child of Triton is told of it, and what that gave. Before Begin, where the pass uses Triton.
  TritonGraph TritonJob() const;
  void Take(TritonKernels kernels);
  // Finds out what eager does. The first that uses the lane's device.
  Status Begin();

  bool Done() const;
  // Memory that two rounds' processes share with us, the host's or a device's, in bytes.
  uint64_t RegionBytes() const;
  void Prepare();
  // `next`: who has the round after this one, or null: then this graph, if it needs one.
  Status Round(GraphEvaluation* next);
  // Once Done: judged.
  Result<GraphOutcome> Finish();

 private:
  class Impl;
  explicit GraphEvaluation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A baseline beside eager, measured as candidates are: `make` gives a side a process that has made its first call.
Result<GraphOutcome> MeasureBaseline(const GraphContext& context, Profile profile,
                                     const std::function<Result<std::optional<CallFailure>>(Side&)>& make);

}  // namespace passnet::evaluator
