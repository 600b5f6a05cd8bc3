// One side of a comparison: a calling process with its two shared regions, which the evaluator fills while the process is
// stopped and reads after it is stopped again. The clock is here and nowhere else.
// Threads: thread-compatible; the caller's thread should be pinned to the timing core (PinToCore), so that go and reply
// are a switch on one core and not a wake-up of another. Owns: regions and process.
// Errors: those of WorkerChannel; how a candidate failed is a CallFailure, not an Error.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/lane/shared_region.h"
#include "evaluator/lane/slots.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

struct BlockTime {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};  // of the process, during the block
};

class Side {
 public:
  static Result<Side> Create(const SlotLayout& layout, const std::string& name);

  Side(Side&&) = default;
  Side& operator=(Side&&) = default;

  const SlotLayout& layout() const { return layout_; }
  int in_fd() const { return in_.fd(); }
  int out_fd() const { return out_.fd(); }
  WorkerProcess& process() { return *process_; }
  // `calls_graph`: graph calls must equal calls (the candidate behind Dynamo); otherwise the counter is not looked at.
  void Take(std::unique_ptr<WorkerProcess> process, bool calls_graph);
  std::unique_ptr<WorkerProcess> Release() { return std::move(process_); }

  std::span<std::byte> Input(uint32_t slot, size_t index);
  // The data of an output slot, `bytes` long; its header must have been checked (OutputComparer).
  std::span<const std::byte> OutputBytes(uint32_t slot, size_t index, size_t bytes) const;
  const std::byte* OutSlot(uint32_t slot) const { return out_.data() + slot * layout_.out_stride; }

  // A JSON command to the Python side of a trusted process (reference, inductor), which is stopped again afterwards.
  Result<Json> Command(const Json& command, const std::vector<int>& fds);

  // Continues the process, lets it make calls on slots [0, lead), then under the clock on [lead, lead + count), stops it.
  // The lead-in brings code and tables back into the caches, as in upstream's uninterrupted loop. `kind` is a PnRunKind.
  Result<BlockTime> Run(uint32_t kind, uint32_t lead, uint32_t count, Deadline deadline);

  // One call on slot 0 in two steps, without a clock, for a first call that compiles on other cores: Begin returns at
  // once, Await waits for the call's end and stops the process. Nothing else may be asked in between.
  Status Begin();
  Status Await(Deadline deadline);
  // Why the last Run or Await failed; empty where that was not the worker's doing.
  const std::optional<CallFailure>& failure() const { return failure_; }

 private:
  Side() = default;

  SlotLayout layout_;
  SharedRegion in_, out_;
  std::unique_ptr<WorkerProcess> process_;
  Result<RunAnswer> Ask(uint32_t kind, uint32_t first, uint32_t count, Deadline deadline);
  Status CheckAnswer(const RunAnswer& answer, uint32_t kind, uint32_t count);
  Error NoteFailure(Error error);

  bool calls_graph_ = false;
  uint64_t graph_calls_ = 0;
  uint64_t begun_nonce_ = 0;
  std::optional<CallFailure> failure_;
};

// kInternal with the worker's words unless the answer is {"ok": true}.
Status ExpectOk(const Result<Json>& answer, const std::string& command);

// Makes null blocks of `side` return tensors of this layout.
Status SetNullLayout(Side& side, const std::vector<SlotOutput>& outputs);

// Pins the calling thread; used around measuring.
Status PinToCore(int core);
Status PinToCores(const std::vector<int>& cores);
// Pins every thread of a process that has no plan of its own.
Status PinProcess(pid_t pid, int core);

}  // namespace passnet::evaluator
