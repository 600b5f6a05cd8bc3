#include "evaluator/lane/round.h"

#include <algorithm>

#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

using Micros = std::chrono::duration<double, std::micro>;

constexpr std::chrono::minutes kReferenceLimit{15};  // the reference is ours: beyond it, infrastructure failed
constexpr double kLeastShare = 0.05;                 // of a block that is left once its start is taken off

double ToMicros(std::chrono::nanoseconds span) { return Micros(span).count(); }

// A secret share of the calls: enough that whoever answers one call in twenty wrongly is all but certain to be seen in a
// measurement's hundred and more calls that are looked at.
constexpr uint32_t kLeastChecked = 8;
constexpr uint32_t kCheckedShare = 4;

// One after the other with the chance that leaves every set of so many calls alike.
std::vector<bool> DrawSet(SecretStream& draws, uint32_t calls, uint32_t wanted) {
  std::vector<bool> drawn(calls, false);
  for (uint32_t slot = 0, chosen = 0; slot < calls; ++slot) {
    if (draws.Below(calls - slot) >= wanted - chosen) continue;
    drawn[slot] = true;
    ++chosen;
  }
  return drawn;
}

std::vector<bool> DrawChecked(SecretStream& draws, uint32_t calls) {
  return DrawSet(draws, calls, std::min(calls, std::max(kLeastChecked, calls / kCheckedShare)));
}

class RoundRun {
 public:
  RoundRun(const RoundContext& context, Seats& seats, const RoundPlan& plan, Observations* seen)
      : context_(context), seats_(seats), plan_(plan), seen_(seen), calls_(context.layout.slots) {}

  ~RoundRun() { WaitForHelpers(); }

  Result<RoundOutcome> Run() {
    for (Side& side : seats_.sides) RETURN_IF_ERROR(PinProcess(side.process().pid(), context_.timing_core));
    const int blocks = plan_.warm_up_blocks + plan_.timed_blocks;
    published_block_ = static_cast<int>(context_.decisions.Below(static_cast<uint64_t>(blocks)));
    published_slot_ = static_cast<uint32_t>(context_.decisions.Below(calls_));
    Draw(0);
    for (int block = 0; block < blocks; ++block) {
      if (plan_.cancelled && plan_.cancelled()) return Error{ErrorCode::kCancelled, "the request was cancelled"};
      Of(block).drawn.get();
      if (block + 1 < blocks) Draw(block + 1);
      if (block == plan_.warm_up_blocks) context_.maker.AwaitIdle();
      ASSIGN_OR_RETURN(bool alive, RunBlock(block));
      if (!alive) return RoundOutcome{};
    }
    ASSIGN_OR_RETURN(bool taken, ContenderTaken());
    if (!taken) return RoundOutcome{};
    WaitForHelpers();
    if (uncompared_) return *uncompared_;
    Side& contender = seats_.sides[kContenderSeat];
    auto view = OutputInInputs(contender, Of(blocks - 1).contender);
    if (!view) {
      RETURN_IF_ERROR(BlameContender(contender.NoteFailure(std::move(view).error())));
      return RoundOutcome{};
    }
    if (view.value() >= 0) seen_->view_of_input = view.value();
    return Finish();
  }

 private:
  Block& Of(int block) { return context_.blocks[static_cast<size_t>(block) % context_.blocks.size()]; }

  void WaitForHelpers() {
    for (Block& block : context_.blocks) {
      if (block.drawn.valid()) block.drawn.wait();
      if (block.compared.valid()) block.compared.wait();
    }
    for (auto& taken : taken_) {
      if (taken.valid()) taken.wait();
    }
  }

  // The data thread is done with what the block before the last left here before it begins with this one.
  void Draw(int number) {
    Block& block = Of(number);
    block.drawn = context_.data.Post([this, &block, number] { DrawOnHelper(block, number); });
  }

  void DrawOnHelper(Block& block, int number) {
    block.kinds = DrawCallKinds(context_.ablation, context_.always_stray, context_.draws, calls_);
    block.checked = DrawChecked(context_.draws, calls_);
    if (number == 0) block.checked[0] = true;  // the first answer of a process tells remembering from computing
    block.checked[calls_ - 1] = true;  // what a block leaves to be done when its clock stops is missing here
    if (number == published_block_) {
      block.kinds[published_slot_] = CallKind::kPublished;
      block.checked[published_slot_] = true;
    }
    if (draws_there_) {
      PlanInputs(block);
    } else {
      DrawInputs(block);
    }
  }

  static DrawKind DrawKindOf(CallKind kind) { return kind == CallKind::kPlain ? DrawKind::kPlain : DrawKind::kStrayed; }

  void DrawInputs(Block& block) {
    const SlotLayout& layout = context_.layout;
    block.inputs.resize(layout.InBytes());
    for (uint32_t slot = 0; slot < calls_; ++slot) {
      if (block.kinds[slot] == CallKind::kPublished) {
        CopyCall(layout, slot, context_.published, block.inputs);
      } else {
        DrawCall(layout, slot, DrawKindOf(block.kinds[slot]), context_.published, context_.draws, block.inputs);
      }
    }
  }

  // Under a key of the block alone: what it leaves on the device tells nothing of the next one.
  void PlanInputs(Block& block) {
    InputRecipe& recipe = block.recipe;
    recipe.key = DrawKey(context_.draws);
    recipe.given = context_.given;
    recipe.steps.clear();
    SecretStream of_block(recipe.key);
    for (uint32_t slot = 0; slot < calls_; ++slot) {
      if (block.kinds[slot] == CallKind::kPublished) {
        PlanCopy(context_.layout, slot, &recipe.steps);
      } else {
        PlanCall(context_.layout, slot, DrawKindOf(block.kinds[slot]), of_block, &recipe.steps);
      }
    }
  }

  // All seats on the same inputs, in a random order. False once the contender failed or printed too much.
  Result<bool> RunBlock(int number) {
    Block& block = Of(number);
    const bool timed = number >= plan_.warm_up_blocks;
    std::array<size_t, kSeats> order{kReferenceSeat, kControlSeat, kContenderSeat};
    for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[context_.decisions.Below(i + 1)]);
    for (size_t seat : order) {
      ASSIGN_OR_RETURN(bool alive, seat == kContenderSeat ? RunContender(block, timed) : RunEager(seat, block, timed));
      if (!alive) return false;
    }
    if (timed) {
      Side& reference = seats_.sides[kReferenceSeat];
      // Its own copy would be made again, of inputs that are revealed again.
      if (reference.memory().CopiesOutputs()) RETURN_IF_ERROR(AwaitTaken(kReferenceSeat));
      ASSIGN_OR_RETURN(RunTime start, reference.Run(PN_RUN_CALL, 0, Deadline::After(kReferenceLimit)));
      starts_.push_back(ToMicros(start.wall));
    }
    block.compared = context_.data.Post([this, &block, number] { CompareOnHelper(block, number); });
    return true;
  }

  // The flush comes last: helpers work on the device too.
  Status FillSeat(Side& side, const Block& block, bool timed) {
    if (side.memory().CopiesOutputs()) side.Keep(context_.comparer.Finder(block.checked));
    RETURN_IF_ERROR(draws_there_ ? side.FillDrawn(block.recipe) : side.Fill(block.inputs));
    if (timed) WaitForHelpers();
    ASSIGN_OR_RETURN(const bool late, context_.device.FlushCaches());
    if (timed) flushes_.Add(late);
    return OkStatus();
  }

  Result<bool> RunEager(size_t seat, Block& block, bool timed) {
    Side& side = seats_.sides[seat];
    RETURN_IF_ERROR(AwaitTaken(seat));
    RETURN_IF_ERROR(FillSeat(side, block, timed));
    ASSIGN_OR_RETURN(RunTime time, side.Run(PN_RUN_CALL, calls_, Deadline::After(kReferenceLimit)));
    if (timed) walls_[seat].push_back(ToMicros(time.wall));
    if (seat != kReferenceSeat) return true;
    taken_[seat] = context_.data.Post([this, &side, &block] { return context_.comparer.Read(side, block.checked, &block.reference); });
    return true;
  }

  Result<bool> RunContender(Block& block, bool timed) {
    Side& side = seats_.sides[kContenderSeat];
    ASSIGN_OR_RETURN(bool taken, ContenderTaken());
    if (!taken) return false;
    RETURN_IF_ERROR(FillSeat(side, block, timed));
    const Nanos limit = std::min<Nanos>(plan_.call_limit, std::max(plan_.patience - contender_wall_, Nanos(0)));
    auto time = side.Run(PN_RUN_CALL, calls_, Deadline::After(limit));
    if (!time) {
      RETURN_IF_ERROR(BlameContender(std::move(time).error()));
      return false;
    }
    if (timed) walls_[kContenderSeat].push_back(ToMicros(time.value().wall));
    seen_->idle_cpu_us = std::max(seen_->idle_cpu_us, ToMicros(time.value().idle));
    contender_wall_ += time.value().wall;
    contender_cpu_ += time.value().cpu;
    taken_[kContenderSeat] = context_.data.Post([this, &side, &block] { return TakeOnHelper(side, block); });
    return side.process().OutputBytes() <= plan_.most_output;
  }

  // What the seat's last run left in its memory stays there, since the process is stopped, until the data thread has it.
  Status AwaitTaken(size_t seat) { return taken_[seat].valid() ? taken_[seat].get() : OkStatus(); }

  // False where the contender failed: it may end or change its memory at any time, also after its answer.
  Result<bool> ContenderTaken() {
    Status taken = AwaitTaken(kContenderSeat);
    if (taken) return true;
    RETURN_IF_ERROR(BlameContender(seats_.sides[kContenderSeat].NoteFailure(taken.error())));
    return false;
  }

  // What the contender did is seen; an error that is not its doing is ours.
  Status BlameContender(Error error) {
    const Side& side = seats_.sides[kContenderSeat];
    if (!side.failure()) return error;
    seen_->failure = side.failure();
    return OkStatus();
  }

  Status TakeOnHelper(const Side& side, Block& block) {
    Status read = context_.comparer.Read(side, block.checked, &block.contender);
    Result<int> changed = read ? context_.comparer.ChangedInput(side, block.inputs, block.checked) : read.error();
    untaken_ |= !changed;
    if (!changed) return changed.error();
    if (changed.value() >= 0) seen_->changed_input = context_.layout.inputs[static_cast<size_t>(changed.value())].name;
    return OkStatus();
  }

  // A device that cannot compare is no contender's doing, and nothing is told of what was not compared.
  void CompareOnHelper(Block& block, int number) {
    if (untaken_ || uncompared_) return;
    const Status compared = CompareBlock(block, number);
    if (!compared) uncompared_ = compared.error();
  }

  Status CompareBlock(Block& block, int number) {
    const OutputComparer& comparer = context_.comparer;
    for (uint32_t slot = 0; slot < calls_; ++slot) {
      if (!block.checked[slot]) continue;
      ASSIGN_OR_RETURN(OutputComparison comparison, comparer.Compare(block.reference, block.contender, slot));
      if (number == 0 && slot == 0) seen_->first_level = std::max(seen_->first_level.value_or(0), comparison.Level());
      if (block.kinds[slot] == CallKind::kPublished) {
        RETURN_IF_ERROR(NotePublished(std::move(comparison), block, slot));
        continue;
      }
      ASSIGN_OR_RETURN(const bool undecided, Undecided(comparison, block, slot));
      if (undecided) continue;
      CallTally& tally = block.kinds[slot] == CallKind::kPlain ? seen_->plain : seen_->strayed;
      tally.Add(std::move(comparison));
    }
    if (comparer.SharesMemory(block.contender) && !comparer.SharesMemory(block.reference)) seen_->shares_memory = true;
    return NoteInterchangeable(block);
  }

  // The worst of the rounds. Its elements may be told: everybody has these inputs.
  Status NotePublished(OutputComparison comparison, Block& block, uint32_t slot) {
    if (seen_->published && comparison.Level() <= seen_->published->Level()) return OkStatus();
    ASSIGN_OR_RETURN(comparison.mismatches,
                     context_.comparer.Mismatches(&block.reference, &block.contender, slot, comparison));
    seen_->published = std::move(comparison);
    return OkStatus();
  }

  // Where eager itself leaves the finite numbers there is nothing to hold a contender to: NaN is close to nothing.
  Result<bool> Undecided(const OutputComparison& comparison, Block& block, uint32_t slot) const {
    if (comparison.match != OutputMatch::kCompared || comparison.tightest <= kStandardLevel) return false;
    ASSIGN_OR_RETURN(const bool finite, context_.comparer.AllFinite(&block.reference, slot));
    return !finite;
  }

  Status NoteAlike(const OutputBatch& one, uint32_t slot, const OutputBatch& other, uint32_t other_slot) {
    ASSIGN_OR_RETURN(const bool alike, context_.comparer.Interchangeable(one, slot, other, other_slot));
    seen_->Note(alike);
    return OkStatus();
  }

  // Admission: a graph whose own answers pass for one another, however far the inputs stray, earns nothing.
  Status NoteInterchangeable(const Block& block) {
    std::vector<uint32_t> strayed;
    for (uint32_t slot = 0; slot < calls_ && strayed.size() < 3; ++slot) {
      if (block.checked[slot] && block.kinds[slot] == CallKind::kStrayed) strayed.push_back(slot);
    }
    if (calls_ == 1 && !strayed.empty()) {
      // One call a block: the first is kept to hold later ones against.
      if (!kept_) {
        kept_ = block.reference;
      } else {
        RETURN_IF_ERROR(NoteAlike(*kept_, 0, block.reference, 0));
      }
    }
    for (size_t i = 1; i < strayed.size(); ++i) {
      RETURN_IF_ERROR(NoteAlike(block.reference, strayed[i - 1], block.reference, strayed[i]));
    }
    return OkStatus();
  }

  Result<RoundOutcome> Finish() {
    if (contender_wall_ > Nanos(0)) {
      seen_->cpu_over_wall = std::max(seen_->cpu_over_wall, ToMicros(contender_cpu_) / ToMicros(contender_wall_));
    }
    RoundOutcome outcome;
    outcome.contender = contender_wall_;
    outcome.flushes = flushes_;
    outcome.start_us = Median(starts_);
    outcome.timed_calls = static_cast<int>(calls_) * plan_.timed_blocks;
    const auto each = [&](Seat seat) {
      const double block = InterquartileMean(walls_[seat]);
      return std::max(block - outcome.start_us, kLeastShare * block) / calls_;
    };
    outcome.times = RoundTimes{each(kReferenceSeat), each(kControlSeat), each(kContenderSeat)};
    return outcome;
  }

  const RoundContext& context_;
  Seats& seats_;
  const RoundPlan& plan_;
  Observations* seen_;  // `failure` and the clock's facts on this thread, the rest on the data thread
  const uint32_t calls_;
  const bool draws_there_ = seats_.sides[kReferenceSeat].memory().WorksThere();
  int published_block_ = 0;
  uint32_t published_slot_ = 0;
  std::array<std::future<Status>, kSeats> taken_;
  bool untaken_ = false;  // of the data thread: the contender's outputs could not be read
  std::optional<Error> uncompared_;  // of the data thread: why no more was compared
  std::array<std::vector<double>, kSeats> walls_;  // microseconds a block
  Nanos contender_wall_{0}, contender_cpu_{0};     // all blocks
  std::vector<double> starts_;
  LateCount flushes_;
  std::optional<OutputBatch> kept_;
};

}  // namespace

Result<Seats> MakeSeats(const SlotLayout& layout, const SeatMakers& makers, bool swap_eager, SeatPool& pool) {
  std::array<std::unique_ptr<SeatMemory>, kSeats> memories;
  for (auto& one : memories) {
    ASSIGN_OR_RETURN(one, pool.Take(layout.Sizes()));
  }
  // They come back in the order of the seats. Where a region's pages lie decides how well the caches hold it: each seat
  // goes through all of them from round to round, or the first draw would stand in every figure of the evaluation.
  std::rotate(memories.begin(), memories.begin() + 1, memories.end());
  Seats seats;
  for (auto& one : memories) seats.sides.emplace_back(layout, std::move(one));
  RETURN_IF_ERROR(makers.eager(seats.sides[kReferenceSeat]));
  RETURN_IF_ERROR(makers.eager(seats.sides[kControlSeat]));
  if (swap_eager) std::swap(seats.sides[kReferenceSeat], seats.sides[kControlSeat]);
  ASSIGN_OR_RETURN(seats.failure, makers.contender(seats.sides[kContenderSeat]));
  return seats;
}

std::vector<CallKind> DrawCallKinds(const Ablation& ablation, bool always_stray, SecretStream& draws, uint32_t calls) {
  if (ablation.Omits(Layer::kFresh)) return std::vector(calls, CallKind::kPublished);
  if (ablation.Omits(Layer::kStrays)) return std::vector(calls, CallKind::kPlain);
  if (always_stray && !ablation.Omits(Layer::kAdmission)) return std::vector(calls, CallKind::kStrayed);
  // What lies far off can take a kernel longer (subnormal numbers do): blocks with other shares of them would scatter.
  const uint32_t odd = calls % 2 == 0 ? 0 : static_cast<uint32_t>(draws.Below(2));
  const std::vector<bool> strayed = DrawSet(draws, calls, calls / 2 + odd);
  std::vector<CallKind> kinds(calls, CallKind::kPlain);
  for (uint32_t slot = 0; slot < calls; ++slot) {
    if (strayed[slot]) kinds[slot] = CallKind::kStrayed;
  }
  return kinds;
}

Result<RoundOutcome> RunRound(const RoundContext& context, Seats& seats, const RoundPlan& plan, Observations* seen) {
  return RoundRun(context, seats, plan, seen).Run();
}

}  // namespace passnet::evaluator
