#include "evaluator/lane/measure.h"

#include <algorithm>
#include <cstring>

#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

using Micros = std::chrono::duration<double, std::micro>;

constexpr int kNullSamples = 15;
constexpr int kSeedCalls = 64;
constexpr double kSmallestCallUs = 0.01;  // below the clock's own resolution: what is left of a view after the null block

double ToMicros(std::chrono::nanoseconds span) { return Micros(span).count(); }

Error CancelledError() { return {ErrorCode::kCancelled, "the request was cancelled"}; }

class Measurer {
 public:
  Measurer(Side& reference, Side& candidate, const OutputComparer& comparer, const std::vector<InputSet>& sets,
           FreshBits& bits, const MeasureOptions& options)
      : reference_(reference), candidate_(candidate), comparer_(comparer), sets_(sets), bits_(bits), options_(options) {}

  Result<Measurement> Run() {
    started_ = Clock::System().Now();
    result_.seen.sets.resize(sets_.size());
    RETURN_IF_ERROR(WarmUp());
    if (!result_.seen.failure) RETURN_IF_ERROR(Timed());
    if (!result_.seen.failure) RETURN_IF_ERROR(Finish());
    return std::move(result_);
  }

 private:
  Deadline CandidateDeadline() const { return Deadline::After(options_.call_limit); }
  // The reference is ours: no answer within minutes is an infrastructure failure.
  Deadline ReferenceDeadline() const { return Deadline::After(std::chrono::minutes(15)); }
  bool Cancelled() const { return options_.cancelled && options_.cancelled(); }
  bool CapReached() const { return Clock::System().Now() - started_ >= options_.time_cap; }

  void FillExact(uint32_t slot, const InputSet& set) {
    for (size_t i = 0; i < set.size(); ++i) {
      for (Side* side : {&reference_, &candidate_}) {
        std::memcpy(side->Input(slot, i).data(), set[i].data(), set[i].size());
      }
    }
  }

  void FillFresh(uint32_t slot) {
    const InputSet& base = sets_[next_base_++ % sets_.size()];
    const SlotLayout& layout = reference_.layout();
    for (size_t i = 0; i < base.size(); ++i) {
      auto to = reference_.Input(slot, i);
      bits_.Fill(layout.inputs[i].fresh, base[i], to);
      std::memcpy(candidate_.Input(slot, i).data(), to.data(), to.size());
    }
  }

  // The candidate's block; nullopt once it failed, which is then in the result.
  Result<std::optional<BlockTime>> RunCandidate(uint32_t lead, uint32_t count) {
    auto time = candidate_.Run(PN_RUN_CALL, lead, count, CandidateDeadline());
    if (time) return std::optional(time.value());
    if (!candidate_.failure()) return std::move(time).error();
    result_.seen.failure = candidate_.failure();
    return std::optional<BlockTime>();
  }

  // Both sides on the filled slots, in a random order. False once the candidate failed.
  Result<bool> RunBoth(uint32_t lead, uint32_t count, BlockTime* eager, BlockTime* ours) {
    bool reference_first = bits_.Below(2) == 0;
    for (bool reference_turn : {reference_first, !reference_first}) {
      if (reference_turn) {
        auto frozen = candidate_.process().CpuTime();
        ASSIGN_OR_RETURN(*eager, reference_.Run(PN_RUN_CALL, lead, count, ReferenceDeadline()));
        auto after = candidate_.process().CpuTime();
        if (frozen && after) result_.seen.frozen_cpu_us = std::max(result_.seen.frozen_cpu_us, ToMicros(*after - *frozen));
      } else {
        ASSIGN_OR_RETURN(std::optional<BlockTime> time, RunCandidate(lead, count));
        if (!time) return false;
        *ours = *time;
      }
    }
    return true;
  }

  OutputComparison CompareSlot(uint32_t slot) {
    OutputComparison comparison = comparer_.Compare(reference_, candidate_, slot);
    Observations& seen = result_.seen;
    int level = comparison.match == OutputMatch::kCompared ? comparison.tightest : kLevels;
    if (!seen.first_level) seen.first_level = level;
    ++seen.calls;
    if (level > std::max(*seen.first_level, kStandardLevel) + kNearLevels) ++seen.far_calls;
    return comparison;
  }

  void NoteTimed(uint32_t count) {
    for (uint32_t slot = 0; slot < count; ++slot) {
      OutputComparison comparison = CompareSlot(slot);
      bool worse = comparison.match != OutputMatch::kCompared || comparison.tightest > result_.seen.timed.tightest;
      bool changed = result_.seen.timed.changed_input || comparison.changed_input;
      if (result_.seen.timed.match == OutputMatch::kCompared && (worse || comparison.changed_input)) {
        result_.seen.timed = std::move(comparison);
      }
      result_.seen.timed.changed_input = changed;
    }
  }

  // Exact sets among fresh calls, in one random order. Timed blocks look different: docs/integrity.md, section 7.
  Status WarmUp() {
    int warm_ups = options_.min_warm_ups +
                   static_cast<int>(bits_.Below(static_cast<uint64_t>(options_.max_warm_ups - options_.min_warm_ups + 1)));
    std::vector<int> order(static_cast<size_t>(warm_ups), -1);
    for (size_t i = 0; i < sets_.size(); ++i) {
      order.insert(order.begin() + static_cast<ptrdiff_t>(bits_.Below(order.size() + 1)), static_cast<int>(i));
    }
    BlockTime eager, ours;
    for (int which : order) {
      if (Cancelled()) return CancelledError();
      // A slow graph's warm-ups are cut first; the exact sets never are.
      if (which < 0 && CapReached()) {
        result_.capped = true;
        continue;
      }
      if (which < 0) {
        FillFresh(0);
      } else {
        FillExact(0, sets_[static_cast<size_t>(which)]);
      }
      ASSIGN_OR_RETURN(bool alive, RunBoth(0, 1, &eager, &ours));
      if (!alive) return OkStatus();
      if (which < 0) {
        NoteTimed(1);
      } else {
        result_.seen.sets[static_cast<size_t>(which)] = CompareSlot(0);
      }
    }
    return OkStatus();
  }

  Result<double> NullBlockUs() {
    const SlotLayout& layout = reference_.layout();
    ASSIGN_OR_RETURN(BlockTime time, reference_.Run(PN_RUN_NULL, layout.lead, layout.Timed(), ReferenceDeadline()));
    return ToMicros(time.wall);
  }

  Status Timed() {
    const SlotLayout& layout = reference_.layout();
    int pairs = options_.min_pairs +
                static_cast<int>(bits_.Below(static_cast<uint64_t>(options_.max_pairs - options_.min_pairs + 1)));
    if (options_.stop_at_noise > 0) pairs = options_.max_pairs;
    for (int pair = 0; pair < pairs; ++pair) {
      if (Cancelled()) return CancelledError();
      if (CapReached() && pair >= 2) {
        result_.capped = true;
        break;
      }
      for (uint32_t slot = 0; slot < layout.slots; ++slot) FillFresh(slot);
      BlockTime eager, ours;
      ASSIGN_OR_RETURN(bool alive, RunBoth(layout.lead, layout.Timed(), &eager, &ours));
      if (!alive) return OkStatus();
      NoteTimed(layout.slots);
      eager_blocks_.push_back(ToMicros(eager.wall));
      candidate_blocks_.push_back(ToMicros(ours.wall));
      double wall = ToMicros(ours.wall);
      if (wall > 0) result_.seen.cpu_over_wall = std::max(result_.seen.cpu_over_wall, ToMicros(ours.cpu) / wall);
      if (pair < kNullSamples || pair % 10 == 0) {
        ASSIGN_OR_RETURN(double null_us, NullBlockUs());
        null_blocks_.push_back(null_us);
      }
      result_.timed_calls += static_cast<int>(layout.Timed());
      if (options_.stop_at_noise > 0 && pair + 1 >= options_.min_pairs && pair % 4 == 3) {
        auto ratio = EstimateRatio(eager_blocks_, candidate_blocks_);
        if (ratio && ratio->half_width < options_.stop_at_noise) break;
      }
    }
    return OkStatus();
  }

  // What measuring costs for the layout that the candidate returns, when it is not the reference's.
  Result<double> CandidateNullUs(double reference_null) {
    std::vector<SlotOutput> claimed = ClaimedLayout(candidate_, 0);
    bool same = claimed.empty();
    if (!same) {
      same = true;
      for (size_t i = 0; i < claimed.size(); ++i) {
        same &= claimed[i].strides == reference_.layout().outputs[i].strides;
      }
    }
    if (same) return reference_null;
    RETURN_IF_ERROR(SetNullLayout(reference_, claimed));
    std::vector<double> samples;
    for (int i = 0; i < kNullSamples; ++i) {
      ASSIGN_OR_RETURN(double null_us, NullBlockUs());
      samples.push_back(null_us);
    }
    return Median(samples);
  }

  Status Finish() {
    uint32_t calls = reference_.layout().Timed();
    double null_us = Median(null_blocks_);
    ASSIGN_OR_RETURN(double candidate_null_us, CandidateNullUs(null_us));
    ASSIGN_OR_RETURN(BlockTime seeded, reference_.Run(PN_RUN_SEED, 0, kSeedCalls, ReferenceDeadline()));
    ASSIGN_OR_RETURN(BlockTime unseeded, reference_.Run(PN_RUN_SEED, 0, 0, ReferenceDeadline()));
    result_.seed_us = std::max(0.0, ToMicros(seeded.wall - unseeded.wall) / kSeedCalls);
    std::vector<size_t> chosen = ChoosePairs();
    for (size_t i : chosen) {
      result_.eager_us.push_back(std::max(kSmallestCallUs, (eager_blocks_[i] - null_us) / calls));
      result_.candidate_us.push_back(std::max(kSmallestCallUs, (candidate_blocks_[i] - candidate_null_us) / calls));
    }
    result_.ratio = EstimateRatio(result_.eager_us, result_.candidate_us);
    result_.seen.candidate_us = Median(result_.candidate_us);
    for (const SlotOutput& output : reference_.layout().outputs) {
      // A view of an input costs no write.
      if (output.alias < 0) result_.seen.output_bytes += static_cast<double>(output.bytes);
    }
    result_.relative_iqr = std::max(RelativeIqr(result_.eager_us), RelativeIqr(result_.candidate_us));
    return OkStatus();
  }

  // The pairs that the figures come from: a random sample without repetition, or all.
  std::vector<size_t> ChoosePairs() {
    std::vector<size_t> all(eager_blocks_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    auto wanted = static_cast<size_t>(options_.sampled_pairs);
    if (wanted == 0 || wanted >= all.size()) return all;
    for (size_t i = 0; i < wanted; ++i) std::swap(all[i], all[i + bits_.Below(all.size() - i)]);
    all.resize(wanted);
    std::sort(all.begin(), all.end());
    return all;
  }

  Side& reference_;
  Side& candidate_;
  const OutputComparer& comparer_;
  const std::vector<InputSet>& sets_;
  FreshBits& bits_;
  const MeasureOptions& options_;
  SteadyTime started_;
  size_t next_base_ = 0;
  std::vector<double> eager_blocks_, candidate_blocks_, null_blocks_;  // microseconds a block
  Measurement result_;
};

}  // namespace

MeasureOptions PassbenchMeasure() { return {}; }

MeasureOptions QuickMeasure() {
  MeasureOptions options;
  options.min_warm_ups = 4;
  options.max_warm_ups = 10;
  options.min_pairs = 12;
  options.max_pairs = 100;
  options.sampled_pairs = 0;
  options.stop_at_noise = 0.02;  // docs/measuring.md
  options.time_cap = std::chrono::milliseconds(2'500);
  return options;
}

Result<double> EagerMicros(Reference& reference, FreshBits& bits) {
  constexpr int kBlocks = 10;
  Side& side = reference.side;
  const SlotLayout& layout = side.layout();
  std::vector<double> calls, nothing;
  for (int block = 0; block < kBlocks; ++block) {
    for (uint32_t slot = 0; slot < layout.slots; ++slot) {
      for (size_t i = 0; i < layout.inputs.size(); ++i) {
        bits.Fill(layout.inputs[i].fresh, reference.sets[0][i], side.Input(slot, i));
      }
    }
    Deadline deadline = Deadline::After(std::chrono::minutes(15));
    ASSIGN_OR_RETURN(BlockTime call, side.Run(PN_RUN_CALL, layout.lead, layout.Timed(), deadline));
    ASSIGN_OR_RETURN(BlockTime null, side.Run(PN_RUN_NULL, layout.lead, layout.Timed(), deadline));
    calls.push_back(ToMicros(call.wall));
    nothing.push_back(ToMicros(null.wall));
    if (call.wall > std::chrono::seconds(1)) break;
  }
  return std::max(kSmallestCallUs, (Median(calls) - Median(nothing)) / layout.Timed());
}

Result<Measurement> Measure(Side& reference, Side& candidate, const OutputComparer& comparer,
                            const std::vector<InputSet>& sets, FreshBits& bits, const MeasureOptions& options) {
  return Measurer(reference, candidate, comparer, sets, bits, options).Run();
}

}  // namespace passnet::evaluator
