// Eager, seen once and for all evaluations of a graph: what it returns, what it changes, about how long it takes, and what
// the way to a candidate's graph costs without the graph.
// Threads: thread-compatible. Errors: kInvalidArgument (eager itself fails: the text is torch's), else infrastructure.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/lane/side.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/timing/secret_stream.h"

namespace passnet::evaluator {

struct GraphFacts {
  SlotLayout layout;          // as many slots as a block has calls
  InputSet published;         // PassBench's own inputs (seed 123)
  std::vector<bool> mutated;  // for each input: whether the graph changes it in place
  double estimate_us = 0;     // of one eager call, for choosing counts; never a score
  // Eager's answers to different plain inputs pass for one another at t = -5: plain calls would tell nothing.
  bool plain_alike = false;
  std::map<CallPath, double> null_path_us;  // of a call of a graph that does nothing, once it was measured

  bool InPlace() const;
};

struct BlockOptions {
  double block_us = 10000;  // a block lasts at most this long …
  uint32_t max_slots = 256;
  uint64_t max_bytes = 48ull << 20;  // … and keeps at most this much memory alive a seat; it has one call at least
};

// The facts of the task child's graph, found out once.
Result<std::shared_ptr<GraphFacts>> FactsOf(const std::shared_ptr<TaskChild>& task, const passbench::Graph& graph,
                                            const BlockOptions& options, Device& device);

// Gives `side` an eager process that maps its memory and is stopped.
Status MakeEager(const std::shared_ptr<TaskChild>& task, Side& side);

// The first frame of a trusted process that is to make calls on `side`: on a device what it attaches by.
void LayMemory(const Side& side, ForkSpec* spec);
// Maps the side's memory into its process, where that did not do so by itself; it is stopped afterwards.
Status Attach(Side& side);

// The median of a block's call on this thread's core, start taken off, in microseconds: eager on fresh inputs, for prompts,
// never for a score.
Result<double> EagerMicros(const GraphFacts& facts, Side& eager, int timing_core, SecretStream& draws);

// What a call costs on this way when the graph does nothing: guards, Python's call, no work. The calling thread holds the
// timing core and is pinned to it.
Result<double> NullPathMicros(const std::shared_ptr<TaskChild>& task, GraphFacts& facts, CallPath path, int timing_core,
                              Device& device);
// Measured once more; the lower one stays, since whatever disturbs it makes it longer.
Result<double> NullPathAnew(const std::shared_ptr<TaskChild>& task, GraphFacts& facts, CallPath path, int timing_core,
                            Device& device);

}  // namespace passnet::evaluator
