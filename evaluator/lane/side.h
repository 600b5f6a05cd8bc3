// One seat at the timing core: a calling process with the memory that it shares with the evaluator. The evaluator fills the
// inputs while the process is stopped, and takes its outputs after it is stopped again. The clock is here and nowhere else:
// nothing of a run's inputs can be seen by the process before the clock runs (on a CPU lane: it makes no call between their
// filling and the clock), and it makes no call that is not timed after they were filled.
// Threads: thread-compatible; the caller's thread should be pinned to the timing core (PinToCore), so that go and reply
// are a switch on one core and not a wake-up of another. Owns: memory and process.
// Errors: those of WorkerChannel; how a candidate failed is a CallFailure, not an Error.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/lane/slots.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

struct RunTime {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};   // of the process, inside
  std::chrono::nanoseconds idle{0};  // CPU time that it used since it was last stopped: outside of any clock
};

class Side {
 public:
  // `memory`: of the layout's Sizes.
  Side(const SlotLayout& layout, std::unique_ptr<SeatMemory> memory) : layout_(layout), memory_(std::move(memory)) {}
  // Memory of its own, that no pool gets.
  static Result<Side> Create(const SlotLayout& layout, Device& device);

  Side(Side&&) = default;
  Side& operator=(Side&&) = default;

  const SlotLayout& layout() const { return layout_; }
  SeatMemory& memory() const { return *memory_; }
  // The fields of the worker's attach command, without "cmd"; memory().Descriptors() travel with it.
  Json AttachFields() const;
  // Whether its process reaches the memory through a device's driver, which it does in its jail, before anything else:
  // fields and descriptors then come with its first frame, and there is no attach command.
  bool OnDevice() const { return memory_->CopiesOutputs(); }
  WorkerProcess& process() { return *process_; }
  const WorkerProcess& process() const { return *process_; }
  // `calls_graph`: graph calls must equal calls (the candidate behind Dynamo); otherwise the counter is not looked at.
  void Take(std::unique_ptr<WorkerProcess> process, bool calls_graph);
  bool HasProcess() const { return process_ != nullptr; }
  // Ends the process. Its memory, where it is known to be gone; otherwise null.
  std::unique_ptr<SeatMemory> End() &&;

  // The inputs of all slots, from a buffer of layout().InBytes().
  Status Fill(std::span<const std::byte> inputs) { return memory_->Stage(inputs); }
  // The same by a device that draws inputs by itself.
  Status FillDrawn(const InputRecipe& recipe) { return memory_->StageDrawn(recipe); }
  // An input as the last run left it.
  Result<std::span<const std::byte>> Input(uint32_t slot, size_t index) const;
  // What of later runs is kept for reading, where outputs have to be copied inside the clock.
  void Keep(FindOutputs find) { find_ = std::move(find); }

  // A JSON command to the Python side of a trusted process (reference, inductor), which is stopped again afterwards.
  Result<Json> Command(const Json& command, const std::vector<int>& fds);

  // Queues the command for the stopped process, starts the clock, reveals what was filled, continues the process, takes its
  // answer, stops the clock and the process; where outputs have to be copied, the process is stopped and they are copied
  // before the clock stops. `kind` is a PnRunKind, `observe` a PnObserve; calls are made on slots [0, count).
  Result<RunTime> Run(uint32_t kind, uint32_t count, Deadline deadline, uint32_t observe = 0);
  // Why the last Run failed; empty where that was not the worker's doing.
  const std::optional<CallFailure>& failure() const { return failure_; }
  // What an error of talking to the process says of the process goes into failure(); the error comes back.
  Error NoteFailure(Error error);

 private:
  SlotLayout layout_;
  std::unique_ptr<SeatMemory> memory_;
  std::unique_ptr<WorkerProcess> process_;
  FindOutputs find_;

  Status StopAndSnapshot(Deadline deadline);
  Status CheckAnswer(const RunAnswer& answer, uint32_t kind, uint32_t count);

  bool calls_graph_ = false;
  uint64_t graph_calls_ = 0;
  std::optional<std::chrono::nanoseconds> cpu_when_stopped_;
  std::optional<CallFailure> failure_;
};

// kInternal with the worker's words unless the answer is {"ok": true}.
Status ExpectOk(const Result<Json>& answer, const std::string& command);

// Pins the calling thread; used around measuring.
Status PinToCore(int core);
Status PinToCores(const std::vector<int>& cores);
// Pins every thread of another process.
Status PinProcess(pid_t pid, int core);

}  // namespace passnet::evaluator
