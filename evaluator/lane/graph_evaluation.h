// One graph of one evaluation: reference and candidate processes, the measured run, and what it comes to.
// Threads: thread-compatible, blocking. Errors: infrastructure; what the candidate did is in the GraphReport.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/lane/measure.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/timing_core.h"

namespace passnet::evaluator {

struct GraphContext {
  std::shared_ptr<TaskChild> task;
  const passbench::Graph* graph = nullptr;
  FreshBits* bits = nullptr;
  TimingCore* timing_core = nullptr;  // held while a reference, a candidate or a baseline runs
  std::vector<int> other_cores;
  int threads = 1;
  double write_bytes_per_us = 0;  // the fastest this core writes; 0: unknown, no floor
  uint64_t candidate_memory_bytes = 0;
  std::chrono::milliseconds time_cap{0};  // 0: the profile's own
  std::function<bool()> cancelled;        // asked between blocks of calls
};

struct GraphOutcome {
  GraphReport report;
  bool in_place = false;                      // the reference changes an input: upstream's figure means nothing
  bool upstream_refuses = false;              // a matched pattern returns several nodes: upstream's replacer raises
  std::vector<int> upstream_tolerances_ok;    // of the seed-123 set alone, as upstream judges
  std::vector<std::string> layers;            // read back from the candidate's process
  std::string candidate_output;
  std::map<std::string, double> timings_ms;
};

// Path and dtype filled in, nothing known yet.
GraphReport NewReport(const passbench::Graph& graph);

// Waits for the core while another evaluator times.
Result<TimingCore::Hold> TakeTimingCore(const GraphContext& context);

Result<GraphOutcome> EvaluateGraph(const GraphContext& context, const EvaluateRequest& request,
                                   const PreparedCandidate& candidate);

// `side` holds a baseline's process, configured for this graph. Begin attaches its regions and has it make its first call,
// which may compile for minutes, on the cores that the process has; Finish waits for it, moves the process to the timing
// core and measures.
Status BeginBaseline(const Reference& reference, Side& side);
Result<GraphOutcome> FinishBaseline(const GraphContext& context, Profile profile, Reference& reference, Side& side);

}  // namespace passnet::evaluator
