// How long a contender takes beside eager: rounds of fresh processes until the interval of their speed-up is narrow enough.
// While a round warms up, the next one's processes are made elsewhere; while a block is timed, nothing else of ours runs.
// Threads: thread-compatible; the caller's thread goes to the timing core for each round and back. Borrows everything.
// Errors: infrastructure and kCancelled only; a contender's failure is in Measurement::seen.
// Source: docs/measuring.md.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/device/device.h"
#include "evaluator/lane/helper_thread.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/round.h"
#include "evaluator/lane/timing_core.h"

namespace passnet::evaluator {

struct MeasureOptions {
  int min_rounds = 3, max_rounds = 6;
  int min_warm_ups = 30, max_warm_ups = 60;  // calls of each round, rounded up to blocks; the number is drawn
  double warm_up_us = 20'000;                // fewer, where eager takes longer than this for them; at least one block
  int timed_blocks = 5;                    // of each round, or more …
  int min_calls = 100;                     // … until the least rounds have so many timed calls a seat
  double noise = 0.04;                     // stop once the interval is narrower, after min_rounds
  std::chrono::milliseconds time_cap{30'000};
  std::chrono::milliseconds call_limit{30'000};  // one block of a contender; beyond it, it hangs
  std::function<bool()> cancelled;               // asked between blocks; empty: never
};
MeasureOptions OptionsFor(Profile profile, const GraphFacts& facts, std::chrono::milliseconds time_cap);

struct Measurement {
  Observations seen;  // for integrity/judge.h
  std::optional<SpeedUp> speed_up;
  double seed_us = 0;  // upstream's torch.manual_seed(1024), measured on the reference
  int rounds = 0;
  int timed_calls = 0;  // per seat
  bool capped = false;  // the time cap cut the counts
  std::vector<DeviceMoment> moments;  // of a device that says how it stands
};

// What all measurements of an evaluator share.
struct Instruments {
  TimingCore& timing_core;
  Device& device;
  std::vector<int> other_cores;
  HelperThread& data;       // inputs and outputs
  HelperThread& maker;      // processes
  SecretStream& decisions;  // of the calling thread
  SecretStream& draws;      // of the data thread
  Blocks& blocks;
  const Ablation& ablation;
};

struct MeasureRequest {
  const GraphFacts& facts;
  SeatMakers makers;
  MeasureOptions options;
  // Runs once, before the first round, while the timing core is held: for what must be measured alone. May be empty.
  std::function<Status()> holding;
  // Sees every contender's process before its round is timed and after it, also one that failed. May be empty.
  std::function<void(WorkerProcess&)> watch;
  // Runs once on the maker thread beside the first round, after the next one's processes were made. May be empty.
  std::function<void()> beside = {};
};

// One measurement, a round at a time, so that several can take turns: what the machine does for some seconds then falls on
// all of them, and the processes of one are made while another warms up.
class Measuring {
 public:
  // Borrows the instruments.
  Measuring(const Instruments& instruments, MeasureRequest request);
  ~Measuring();
  Measuring(const Measuring&) = delete;
  Measuring& operator=(const Measuring&) = delete;

  // Has the next round's processes made on the maker thread, unless they are.
  void Prepare();
  // The same where another round is likely, as far as the rounds so far tell; asked before a round for the one after it.
  void PrepareIfLikely();
  // One round. `meanwhile` is called once its processes are there and before it is timed. True once no more is to come: the
  // interval is met, the most rounds are made, the time is up, or the contender failed.
  Result<bool> Round(const std::function<void()>& meanwhile);
  // After Round said so.
  Measurement Take();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// `work` on the timing core, with core and device held against all others; the thread is back on the other cores afterwards.
Status OnTimingCore(const Instruments& instruments, const std::function<bool()>& cancelled,
                    const std::function<Status()>& work);

// All rounds of one after the other.
Result<Measurement> Measure(const Instruments& instruments, MeasureRequest request);

}  // namespace passnet::evaluator
