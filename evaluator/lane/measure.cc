#include "evaluator/lane/measure.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "evaluator/integrity/judge.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr int kLimitsOfAGraph = 10;  // one that needs nearly its limit for every block would use up its client's deadline
constexpr uint32_t kSeedCalls = 8;  // a third of a millisecond each where torch has no device and notes the call's stack
constexpr int kLeastTimedBlocks = 2;
constexpr size_t kMostKept = 64u << 20;  // of a block's memory, between two measurements
constexpr int kMostRepeated = 3;  // rounds of a graph for each reason; a device that is slowed for longer is measured as it is
constexpr const char* kOthersWork = "work of others";

Error CancelledError() { return {ErrorCode::kCancelled, "the request was cancelled"}; }

// The counts of every round, from what eager takes: a contender's own speed changes none of them.
struct Counts {
  int rounds = 3;
  int min_warm_ups = 2, max_warm_ups = 2;  // blocks
  int timed_blocks = 6;
  bool cut = false;
};

DeviceMoment MomentOf(const DeviceHealth& health) {
  DeviceMoment moment;
  moment.core_mhz = health.core_mhz;
  moment.memory_mhz = health.memory_mhz;
  moment.celsius = health.celsius;
  if (health.uncorrected_errors) moment.uncorrected_errors = static_cast<int64_t>(*health.uncorrected_errors);
  moment.processes = static_cast<int64_t>(health.processes.size());
  moment.slowed_by = health.slowed_by;
  return moment;
}

int BlocksOf(int calls, uint32_t slots) { return (calls + static_cast<int>(slots) - 1) / static_cast<int>(slots); }

Counts CountsFor(const MeasureOptions& options, const GraphFacts& facts) {
  Counts counts;
  counts.rounds = options.min_rounds;
  const uint32_t slots = facts.layout.slots;
  const double block_us = std::max(facts.estimate_us, 1.0) * slots;
  const int affordable_warm_ups = std::max(1, static_cast<int>(options.warm_up_us / block_us));
  counts.min_warm_ups = std::min(BlocksOf(options.min_warm_ups, slots), affordable_warm_ups);
  counts.max_warm_ups = std::min(BlocksOf(options.max_warm_ups, slots), affordable_warm_ups) + 1;
  counts.timed_blocks = std::max(options.timed_blocks, BlocksOf(options.min_calls, slots * static_cast<uint32_t>(counts.rounds)));
  const double cap_us = std::chrono::duration<double, std::micro>(options.time_cap).count();
  const double three_us = block_us * static_cast<double>(kSeats);
  const auto affordable = static_cast<int>(std::min(1e6, cap_us / three_us / counts.rounds));
  if (affordable >= counts.timed_blocks + counts.max_warm_ups) return counts;
  counts.cut = true;
  counts.rounds = std::min(counts.rounds, 2);
  counts.min_warm_ups = counts.max_warm_ups = 1;
  const auto two_rounds = static_cast<int>(std::min(1e6, cap_us / three_us / counts.rounds));
  counts.timed_blocks = std::clamp(two_rounds - 1, kLeastTimedBlocks, counts.timed_blocks);
  return counts;
}

}  // namespace

class Measuring::Impl {
 public:
  Impl(const Instruments& instruments, MeasureRequest request)
      : instruments_(instruments),
        request_(std::move(request)),
        options_(request_.options),
        comparer_(request_.facts.layout, request_.facts.mutated, instruments.ablation.Omits(Layer::kLayout)),
        counts_(CountsFor(request_.options, request_.facts)),
        given_(GivenOf(request_.facts.layout, request_.facts.published)),
        seats_(std::make_shared<SeatPool>(instruments.device.Seats())) {
    result_.capped = counts_.cut;
  }

  ~Impl() {
    if (next_.valid()) next_.wait();
    if (beside_.valid()) beside_.wait();
    for (Block& block : instruments_.blocks) {
      const size_t bytes = block.inputs.capacity() + block.reference.bytes.capacity() + block.contender.bytes.capacity();
      if (bytes > kMostKept) block = Block();
    }
  }

  void Prepare() {
    if (next_.valid()) return;
    const bool swap = instruments_.decisions.Below(2) == 0;
    next_ = instruments_.maker.Post([this, swap] { return MakeSeats(request_.facts.layout, request_.makers, swap, *seats_); });
  }

  // Seats that nobody needs would delay the next graph's.
  bool AnotherIsLikely() const {
    const auto done = static_cast<int>(times_.size());
    if (done + 1 < counts_.rounds) return true;
    if (counts_.cut || done + 1 >= options_.max_rounds || !result_.speed_up) return false;
    return result_.speed_up->half_width * std::sqrt(done / (done + 1.0)) > options_.noise;
  }

  Result<bool> Round(const std::function<void()>& meanwhile) {
    const SteadyTime started = Clock::System().Now();
    if (options_.cancelled && options_.cancelled()) return CancelledError();
    Prepare();
    ASSIGN_OR_RETURN(Seats seats, next_.get());
    Watch(seats);
    if (seats.failure) {
      result_.seen.failure = seats.failure;
      return true;
    }
    meanwhile();
    if (first_ && request_.beside) beside_ = instruments_.maker.Post(request_.beside);
    RETURN_IF_ERROR(OneRound(seats));
    Watch(seats);
    Discard(std::move(seats));
    spent_ += Clock::System().Now() - started;
    return cut_short_ || Enough();
  }

  Measurement Take() {
    if (beside_.valid()) beside_.get();
    return std::move(result_);
  }

 private:
  void Watch(Seats& seats) {
    Side& contender = seats.sides[kContenderSeat];
    if (request_.watch && contender.HasProcess()) request_.watch(contender.process());
  }

  // Ending three processes takes as long as a block: not on the timing core's time.
  void Discard(Seats seats) {
    auto done = std::make_shared<Seats>(std::move(seats));
    instruments_.maker.Post([done, pool = seats_, &device = instruments_.device] {
      std::vector<std::unique_ptr<SeatMemory>> memories;
      for (Side& side : done->sides) {
        if (auto memory = std::move(side).End()) memories.push_back(std::move(memory));
      }
      // A device that does not answer any more is quarantined: the next round gets no lease.
      if (!device.CheckAnswers()) return;
      for (auto& memory : memories) pool->GiveBack(std::move(memory));
    });
  }

  Status OneRound(Seats& seats) {
    return OnTimingCore(instruments_, options_.cancelled, [&] { return Timed(seats); });
  }

  Status Timed(Seats& seats) {
    const bool first = std::exchange(first_, false);
    if (first && request_.holding) RETURN_IF_ERROR(request_.holding());
    ASSIGN_OR_RETURN(const DeviceMoment before, AskDevice());
    if (first && HasDevice()) result_.moments.push_back(before);
    RoundContext context{request_.facts.layout,
                         request_.facts.published,
                         given_,
                         request_.facts.plain_alike,
                         comparer_,
                         instruments_.blocks,
                         instruments_.data,
                         instruments_.maker,
                         instruments_.decisions,
                         instruments_.draws,
                         instruments_.device,
                         instruments_.timing_core.number(),
                         instruments_.ablation};
    RoundPlan plan;
    const auto spread = static_cast<uint64_t>(counts_.max_warm_ups - counts_.min_warm_ups);
    plan.warm_up_blocks = counts_.min_warm_ups + static_cast<int>(instruments_.decisions.Below(spread + 1));
    plan.timed_blocks = counts_.timed_blocks;
    plan.call_limit = options_.call_limit;
    plan.patience = patience_;
    plan.most_output = integrity::kMaxOutputBytes;
    plan.cancelled = options_.cancelled;
    ASSIGN_OR_RETURN(RoundOutcome outcome, RunRound(context, seats, plan, &result_.seen));
    cut_short_ = !outcome.times;
    if (cut_short_) return OkStatus();
    patience_ -= outcome.contender;
    ASSIGN_OR_RETURN(DeviceMoment after, AskDevice());
    const bool quiet = outcome.flushes.Quiet() || instruments_.ablation.Omits(Layer::kClock);
    if (MustRepeat(before, std::move(after), quiet)) return OkStatus();
    times_.push_back(*outcome.times);
    result_.timed_calls += outcome.timed_calls;
    if (times_.size() == 1) RETURN_IF_ERROR(MeasureSeed(seats.sides[kReferenceSeat]));
    return OkStatus();
  }

  bool HasDevice() const { return instruments_.device.facts().kind != "cpu"; }

  Result<DeviceMoment> AskDevice() {
    ASSIGN_OR_RETURN(const DeviceHealth health, instruments_.device.Health());
    return MomentOf(health);
  }

  // Whether the device was slowed in the round between the two; one that always is, is measured as it is. Notes the moment.
  // `quiet`: nothing else was at work there. Heat is counted apart, so that a contender that makes some leaves its other
  // work no less often looked at.
  bool MustRepeat(const DeviceMoment& before, DeviceMoment after, bool quiet) {
    for (const std::string& reason : before.slowed_by) {
      const bool known = std::find(after.slowed_by.begin(), after.slowed_by.end(), reason) != after.slowed_by.end();
      if (!known) after.slowed_by.push_back(reason);
    }
    int& repeated_so_far = quiet ? repeated_slow_ : repeated_busy_;
    after.repeated = (!quiet || !after.slowed_by.empty()) && repeated_so_far < kMostRepeated;
    const bool repeated = after.repeated;
    repeated_so_far += repeated ? 1 : 0;
    if (!quiet) {
      after.slowed_by.push_back(kOthersWork);
      result_.seen.worked_beside |= !repeated;
    }
    if (HasDevice()) result_.moments.push_back(std::move(after));
    return repeated;
  }

  Status MeasureSeed(Side& reference) {
    const Deadline deadline = Deadline::After(std::chrono::minutes(1));
    ASSIGN_OR_RETURN(RunTime seeded, reference.Run(PN_RUN_SEED, kSeedCalls, deadline));
    ASSIGN_OR_RETURN(RunTime unseeded, reference.Run(PN_RUN_SEED, 0, deadline));
    const std::chrono::duration<double, std::micro> cost = seeded.wall - unseeded.wall;
    result_.seed_us = std::max(0.0, cost.count() / kSeedCalls);
    return OkStatus();
  }

  // Whether the interval is met, or no more can be done. Sets the figures as far as they are known.
  bool Enough() {
    if (times_.empty()) return false;  // its rounds so far are to be made again
    result_.rounds = static_cast<int>(times_.size());
    result_.speed_up = EstimateSpeedUp(times_);
    double calls = 0;
    for (const RoundTimes& round : times_) calls += round.contender / static_cast<double>(times_.size());
    result_.seen.candidate_us = calls;
    if (result_.seen.worked_beside) return true;  // no figure of it is believed
    if (result_.rounds < counts_.rounds) return false;
    if (result_.rounds >= options_.max_rounds) return true;
    const bool late = spent_ >= options_.time_cap;
    if (late || counts_.cut) {
      result_.capped = true;
      return true;
    }
    // A control that is off by more than its interval says that this machine was not quiet: measured on.
    const bool control = std::abs(std::log(result_.speed_up->control)) <=
                         std::max(result_.speed_up->control_half_width, options_.noise);
    return control && result_.speed_up->half_width <= options_.noise;
  }

  const Instruments& instruments_;
  const MeasureRequest request_;
  const MeasureOptions& options_;
  OutputComparer comparer_;
  Counts counts_;
  const std::shared_ptr<const std::vector<std::byte>> given_;
  const std::shared_ptr<SeatPool> seats_;  // of the maker thread
  bool first_ = true;       // no round was begun
  bool cut_short_ = false;  // by the contender
  int repeated_slow_ = 0, repeated_busy_ = 0;  // rounds that were made again, because of the device and of others on it
  Nanos spent_{0};          // in this graph's rounds
  Nanos patience_ = kLimitsOfAGraph * Nanos(options_.call_limit);  // for the contender's blocks
  std::future<Result<Seats>> next_;
  std::future<void> beside_;
  std::vector<RoundTimes> times_;
  Measurement result_;
};

Measuring::Measuring(const Instruments& instruments, MeasureRequest request)
    : impl_(std::make_unique<Impl>(instruments, std::move(request))) {}

Measuring::~Measuring() = default;

void Measuring::Prepare() { impl_->Prepare(); }

void Measuring::PrepareIfLikely() {
  if (impl_->AnotherIsLikely()) impl_->Prepare();
}

Result<bool> Measuring::Round(const std::function<void()>& meanwhile) { return impl_->Round(meanwhile); }

Measurement Measuring::Take() { return impl_->Take(); }

MeasureOptions OptionsFor(Profile profile, const GraphFacts& facts, std::chrono::milliseconds time_cap) {
  MeasureOptions options;
  if (profile == Profile::kQuick) {
    options.min_rounds = 2;
    options.max_rounds = 4;
    options.min_warm_ups = 20;
    options.max_warm_ups = 40;
    options.warm_up_us = 10'000;
    options.timed_blocks = 4;
    options.noise = 0.06;
    options.time_cap = std::chrono::milliseconds(2'500);
  }
  if (time_cap.count() > 0) options.time_cap = time_cap;
  // A block may take fifty times as long as eager's, and never less than five seconds: beyond that it counts as
  // hanging. At most a minute, unless one call of eager takes longer.
  const auto eager = std::chrono::milliseconds(static_cast<int64_t>(facts.estimate_us * facts.layout.slots / 1000));
  const auto patience = std::clamp(eager * 50, std::chrono::milliseconds(5'000), std::chrono::milliseconds(60'000));
  options.call_limit = std::max(patience, eager * 10);
  return options;
}

Status OnTimingCore(const Instruments& instruments, const std::function<bool()>& cancelled,
                    const std::function<Status()>& work) {
  ASSIGN_OR_RETURN(const TimingCore::Hold hold, instruments.timing_core.Take(Deadline::After(kCoreLimit), cancelled));
  ASSIGN_OR_RETURN(const HostLock::Hold lease, instruments.device.Lease(Deadline::After(kCoreLimit), cancelled));
  RETURN_IF_ERROR(PinToCore(instruments.timing_core.number()));
  Status done = work();
  RETURN_IF_ERROR(PinToCores(instruments.other_cores));
  return done;
}

Result<Measurement> Measure(const Instruments& instruments, MeasureRequest request) {
  Measuring measuring(instruments, std::move(request));
  bool done = false;
  while (!done) {
    ASSIGN_OR_RETURN(done, measuring.Round([&] { measuring.PrepareIfLikely(); }));
  }
  return measuring.Take();
}

}  // namespace passnet::evaluator
