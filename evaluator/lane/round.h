// One round of a measurement: three fresh processes on the timing core, the eager reference, a control (a second eager
// process in the contender's seat) and the contender, in interleaved blocks of calls, every output of the contender
// compared with the reference's. What is timed is what is checked: no call can tell what it is.
// Threads: thread-compatible, on a thread pinned to the timing core; inputs are drawn and outputs compared on `data`.
// Borrows everything in RoundContext. Errors: infrastructure and kCancelled; a contender's failure is in Observations.
// Source: docs/measuring.md, step by step; docs/integrity.md, layers 6 to 8.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/device/quiet.h"
#include "evaluator/integrity/observations.h"
#include "evaluator/lane/ablation.h"
#include "evaluator/lane/helper_thread.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/lane/side.h"
#include "evaluator/timing/secret_stream.h"
#include "evaluator/timing/statistics.h"

namespace passnet::evaluator {

enum Seat : size_t { kReferenceSeat, kControlSeat, kContenderSeat };
inline constexpr size_t kSeats = 3;

// Give a new side a process that maps its memory, is ready to be called and is stopped.
struct SeatMakers {
  std::function<Status(Side&)> eager;
  // What the contender did wrong while it was made, or nothing.
  std::function<Result<std::optional<CallFailure>>(Side&)> contender;
};

struct Seats {
  std::vector<Side> sides;  // by Seat
  std::optional<CallFailure> failure;
};

// Which of the two eager processes is the reference is drawn.
Result<Seats> MakeSeats(const SlotLayout& layout, const SeatMakers& makers, bool swap_eager, SeatPool& pool);

enum class CallKind { kPublished, kPlain, kStrayed };

// What the calls of a block get that have no kind of their own in the round: half of them stray, which ones is drawn.
std::vector<CallKind> DrawCallKinds(const Ablation& ablation, bool always_stray, SecretStream& draws, uint32_t calls);

// What one block's calls get, and what is left of it.
struct Block {
  std::vector<CallKind> kinds;
  std::vector<bool> checked;      // the calls whose values are looked at
  std::vector<std::byte> inputs;  // of all slots, as a seat has them
  InputRecipe recipe;             // in their place, where the device draws
  std::future<void> drawn, compared;
  OutputBatch reference, contender;
};
// One is drawn and compared while the other is filled in. Kept from round to round: fresh memory would have to be faulted in
// on the timing core's time.
using Blocks = std::array<Block, 2>;

struct RoundContext {
  const SlotLayout& layout;
  const InputSet& published;  // PassBench's own set, once in each round; its bytes of fixed tensors are every call's
  const std::shared_ptr<const std::vector<std::byte>>& given;  // the same for a device that draws
  bool always_stray = false;  // plain answers would tell nothing
  const OutputComparer& comparer;
  Blocks& blocks;
  HelperThread& data;
  HelperThread& maker;      // waited for before anything is timed
  SecretStream& decisions;  // of the timing thread
  SecretStream& draws;      // of the data thread
  Device& device;
  int timing_core = 0;
  const Ablation& ablation;
};

struct RoundPlan {
  int warm_up_blocks = 2;
  int timed_blocks = 6;
  std::chrono::milliseconds call_limit{30'000};  // one block of a contender; beyond it, it hangs
  Nanos patience = std::chrono::minutes(5);      // all its blocks of this round together
  uint64_t most_output = 1 << 20;                // bytes that it may print; it is not timed on beyond them
  std::function<bool()> cancelled;               // asked between blocks; empty: never
};

struct RoundOutcome {
  std::optional<RoundTimes> times;  // nothing when the contender failed or printed too much
  int timed_calls = 0;              // per seat
  Nanos contender{0};               // all its blocks
  LateCount flushes;                // of the timed blocks
  double start_us = 0;              // of starting and answering a run, taken off each block
};

Result<RoundOutcome> RunRound(const RoundContext& context, Seats& seats, const RoundPlan& plan, Observations* seen);

}  // namespace passnet::evaluator
