// The reference side of one graph, ready to be measured against: probed, laid out, its eager time known.
// Threads: thread-compatible, on the timing core. Owns: side and input sets.
// Errors: kInvalidArgument (eager itself fails: the text is torch's), else infrastructure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "evaluator/lane/side.h"
#include "evaluator/lane/task_child.h"

namespace passnet::evaluator {

struct Reference {
  Side side;
  std::vector<InputSet> sets;   // [0] is PassBench's own (seed 123), the others have secret seeds
  std::vector<bool> mutated;    // for each input: whether the graph changes it in place
  double estimate_us = 0;       // of one eager call, for choosing counts; never a score
};

struct ReferenceOptions {
  int secret_sets = 2;
  double block_us = 2000;             // as many calls a block as last this long …
  uint32_t max_slots = 64;
  uint64_t max_region_bytes = 64ull << 20;  // … and fit this many bytes a side; at least one
  double two_leads_below_us = 500;          // calls before the clock of each block, where they are so short that cold
  double one_lead_below_us = 5000;          // code shows
};

Result<Reference> PrepareReference(const std::shared_ptr<TaskChild>& task, const passbench::Graph& graph,
                                   FreshBits& bits, const ReferenceOptions& options);

// A second process that runs the same graph: mode "eager", "dynamo" (the captured graph behind guards) or "direct".
Result<std::unique_ptr<WorkerProcess>> ForkReference(const std::shared_ptr<TaskChild>& task, const std::string& mode,
                                                     Deadline deadline);

// Maps the side's regions into its process.
Status Attach(Side& side);

}  // namespace passnet::evaluator
