// The interleaved run of both sides: fresh input bytes before every call, blocks of calls under the evaluator's clock, the
// other side frozen meanwhile, every output compared. What is timed is what is checked.
// Threads: thread-compatible, on a thread pinned to the timing core. Borrows both sides.
// Errors: infrastructure and kCancelled only; a candidate's failure is in Measurement::seen.
// Source: docs/measuring.md; docs/integrity.md, layers 6 to 8.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluator/lane/outputs.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/side.h"
#include "evaluator/timing/fresh_bits.h"
#include "evaluator/timing/statistics.h"

namespace passnet::evaluator {

struct MeasureOptions {
  int min_warm_ups = 25, max_warm_ups = 60;  // calls; the number is drawn
  int min_pairs = 100, max_pairs = 130;      // pairs of blocks; passbench: the number is drawn
  int sampled_pairs = 100;                   // of them, drawn at random, that the figures come from; 0: all
  double stop_at_noise = 0;                  // > 0: stop as soon as the interval is narrower, after min_pairs
  std::chrono::milliseconds time_cap{30'000};
  std::chrono::milliseconds call_limit{30'000};  // one block of a candidate; beyond it, it hangs
  std::function<bool()> cancelled;               // asked between blocks; empty: never
};
MeasureOptions PassbenchMeasure();
MeasureOptions QuickMeasure();

struct Measurement {
  Observations seen;                      // for integrity/judge.h
  std::vector<double> eager_us;           // a call, null block taken off; pairs with candidate_us
  std::vector<double> candidate_us;
  std::optional<RatioEstimate> ratio;
  double seed_us = 0;                     // upstream's torch.manual_seed(1024), measured on the reference's side
  double relative_iqr = 0;                // the larger of both sides', upstream's fluctuation figure
  int timed_calls = 0;
  bool capped = false;
};

// `sets` are the exact input sets; the timed calls use fresh bits over all of them in turn.
Result<Measurement> Measure(Side& reference, Side& candidate, const OutputComparer& comparer,
                            const std::vector<InputSet>& sets, FreshBits& bits, const MeasureOptions& options);

// The median of one eager call on fresh inputs, null block taken off, in microseconds: for prompts, never for a score.
Result<double> EagerMicros(Reference& reference, FreshBits& bits);

}  // namespace passnet::evaluator
