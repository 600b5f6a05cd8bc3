#include "evaluator/lane/graph_evaluation.h"

#include <algorithm>

#include "evaluator/integrity/judge.h"
#include "evaluator/integrity/kernel_census.h"
#include "evaluator/lane/candidate_process.h"
#include "evaluator/lane/match.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/witness.h"
#include "sandbox/read_back.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxOutputShown = 8u << 10;

constexpr double kSurprising = 20;
constexpr double kAgreement = 1.5;

// What stays of a contender's processes once they are gone.
struct ProcessTrace {
  std::vector<std::string> layers;
  std::string output;
  uint64_t output_bytes = 0;

  void Note(WorkerProcess& process) {
    if (auto facts = sandbox::ReadBack(process.pid())) layers = facts.value().Layers();
    output_bytes = std::max(output_bytes, process.OutputBytes());
    if (output.empty()) output = process.Output(kMaxOutputShown);
  }
};

// Writing the outputs of a block's calls, a call, in the cache level that holds them all.
double WritingMicros(const GraphContext& context, const SlotLayout& layout) {
  uint64_t bytes = 0;
  for (const SlotOutput& output : layout.outputs) {
    // A view of an input costs no write.
    if (output.alias < 0) bytes += output.bytes;
  }
  const double speed = context.memory_speed->WriteBytesPerUs(bytes * layout.slots);
  return speed > 0 ? static_cast<double>(bytes) / speed : 0;
}

void FillFigures(const Measurement& measured, const GraphFacts& facts, GraphReport* report) {
  for (const SlotOutput& output : facts.layout.outputs) report->output_dtypes.push_back(output.dtype);
  report->timed_calls = measured.timed_calls;
  report->pairs = measured.rounds;
  report->device_moments = measured.moments;
  report->capped = measured.capped;
  if (!measured.speed_up) return;
  const SpeedUp& speed_up = *measured.speed_up;
  report->eager_us = speed_up.eager_us;
  report->candidate_us = speed_up.contender_us;
  report->speedup_call = speed_up.ratio;
  report->speedup_upstream = (speed_up.eager_us + measured.seed_us) / (speed_up.contender_us + measured.seed_us);
  report->noise = speed_up.half_width;
  report->control = speed_up.control;
  report->control_noise = speed_up.control_half_width;
}

using SeatMaker = std::function<Result<std::optional<CallFailure>>(Side&)>;

// `contender` beside eager, as the profile says. Borrows the context and the facts.
MeasureRequest Contest(const GraphContext& context, const GraphFacts& facts, Profile profile, SeatMaker contender) {
  MeasureRequest request{facts, {}, OptionsFor(profile, facts, context.time_cap), {}, {}};
  request.options.cancelled = context.cancelled;
  request.makers.eager = [&context](Side& side) { return MakeEager(context.task, side); };
  request.makers.contender = std::move(contender);
  return request;
}

// A measurement with other counts: a figure that is an accident, or hangs on the counts, does not come out twice.
Result<bool> Confirmed(const GraphContext& context, const MeasureRequest& request, double ratio, bool* worked_beside) {
  GraphFacts other = request.facts;
  // Not much fewer calls a block: its first ones find cold caches, and what is that fast feels each of them.
  other.layout.slots -= other.layout.slots / 4;
  MeasureRequest again{other, request.makers, request.options, {}, {}};
  again.options.min_rounds = request.options.min_rounds + 1;
  again.options.max_rounds = request.options.max_rounds + 1;
  ASSIGN_OR_RETURN(Measurement second, Measure(*context.instruments, again));
  *worked_beside |= second.seen.worked_beside;
  if (!second.speed_up) return false;
  const double apart = second.speed_up->ratio / ratio;
  return apart > 1 / kAgreement && apart < kAgreement;
}

// `measured` came of `request`.
Status JudgeMeasured(const GraphContext& context, const MeasureRequest& request, Measurement measured,
                     const ProcessTrace& trace, GraphOutcome* outcome) {
  const Ablation& ablation = context.instruments->ablation;
  GraphReport& report = outcome->report;
  outcome->worked_beside |= measured.seen.worked_beside;
  FillFigures(measured, request.facts, &report);
  if (!integrity::JudgeOutput(trace.output_bytes, &report)) {
    integrity::Judge(ablation.Told(measured.seen), {context.threads, report.floor_us.value_or(0)}, &report);
  }
  if (IsSurprising(report, ablation)) {
    ASSIGN_OR_RETURN(bool confirmed, Confirmed(context, request, *report.speedup_call, &outcome->worked_beside));
    if (!confirmed) {
      integrity::Fail(report.status, Verdict::kQuarantine,
                      "a speed-up of " + std::to_string(*report.speedup_call) + " did not come out again", &report);
    }
  }
  if (measured.seen.published) outcome->upstream_tolerances_ok = integrity::TolerancesOk(*measured.seen.published);
  outcome->in_place = request.facts.InPlace();
  outcome->layers = trace.layers;
  outcome->candidate_output = trace.output;
  return OkStatus();
}

// Null where eager itself fails, which is then in the report.
Result<std::shared_ptr<GraphFacts>> FindFacts(const GraphContext& context, GraphReport* report) {
  auto facts = FactsOf(context.task, *context.graph, {}, context.instruments->device);
  if (facts || facts.error().code != ErrorCode::kInvalidArgument) return facts;
  integrity::Fail(GraphStatus::kEagerFail, Verdict::kInfra, facts.error().context, report);
  return std::shared_ptr<GraphFacts>();
}

}  // namespace

bool IsSurprising(const GraphReport& report, const Ablation& ablation) {
  return report.verdict == Verdict::kOk && report.speedup_call.value_or(0) > kSurprising && !ablation.Omits(Layer::kSurprises);
}

bool IsTop(const GraphReport& report, const Ablation& ablation) {
  return report.verdict == Verdict::kOk && report.speedup_call.value_or(0) > integrity::kReplayed &&
         !ablation.Omits(Layer::kReplay);
}

GraphReport NewReport(const passbench::Graph& graph) {
  GraphReport report;
  report.path = graph.path;
  report.dtype = graph.Dtype();
  return report;
}

class GraphEvaluation::Impl {
 public:
  Impl(GraphContext context, const EvaluateRequest& request, const PreparedCandidate& candidate)
      : context_(std::move(context)), request_(request), candidate_(candidate) {
    outcome_.report = NewReport(*context_.graph);
  }

  Status FindPatterns() {
    Stopwatch watch(&outcome_.timings_ms);
    ASSIGN_OR_RETURN(match_, MatchPatterns(context_.task, candidate_.traced, request_.matching, *candidate_.patience,
                                           &context_.task->plans()));
    watch.Lap("match");
    outcome_.report.matched_nodes = match_.matched_nodes;
    outcome_.report.coverage = match_.coverage;
    outcome_.upstream_refuses = match_.upstream_refuses;
    over_ = !match_.miss.empty();
    if (over_) integrity::Fail(GraphStatus::kPassMiss, Verdict::kMiss, match_.miss, &outcome_.report);
    return OkStatus();
  }

  TritonGraph TritonJob() const {
    const Json& asked = context_.task->asked();
    return {context_.graph->path, asked["source"].Text(), asked["module"].Text(), asked["inputs"], match_.plan};
  }

  void Take(TritonKernels kernels) {
    triton_ = std::move(kernels.pack);
    if (kernels.verdict == Verdict::kOk) return;
    over_ = true;
    const bool compile = kernels.verdict == Verdict::kCompile;
    integrity::Fail(compile ? GraphStatus::kCompileFail : GraphStatus::kRuntimeFail, kernels.verdict, kernels.reason,
                    &outcome_.report);
  }

  Status Begin() {
    if (over_) return OkStatus();
    Stopwatch watch(&outcome_.timings_ms);
    ASSIGN_OR_RETURN(facts_, FindFacts(context_, &outcome_.report));
    watch.Lap("reference");
    over_ = facts_ == nullptr;
    if (!over_) measuring_.emplace(*context_.instruments, Request());
    return OkStatus();
  }

  bool Done() const { return over_; }
  uint64_t RegionBytes() const {
    if (facts_ == nullptr) return 0;
    const SeatSizes sizes = facts_->layout.Sizes();
    const bool on_device = context_.instruments->device.facts().kind != "cpu";
    // The inputs lie there twice, staged and visible.
    return 2 * kSeats * (on_device ? 2 * sizes.inputs + sizes.arena + sizes.kept : sizes.inputs);
  }
  void Prepare() { measuring_->Prepare(); }

  Status Round(GraphEvaluation* next) {
    Stopwatch watch(&outcome_.timings_ms);
    ASSIGN_OR_RETURN(over_, measuring_->Round([&] { next != nullptr ? next->Prepare() : measuring_->PrepareIfLikely(); }));
    watch.Lap("measure");
    return OkStatus();
  }

  Result<GraphOutcome> Finish() {
    if (!measuring_) return std::move(outcome_);
    Stopwatch watch(&outcome_.timings_ms);
    Measurement measured = measuring_->Take();
    LaunchList launches;
    if (testimony_) {
      ASSIGN_OR_RETURN(measured.seen.witness, *testimony_);
      launches = measured.seen.witness->launches;
      outcome_.report.kernels = KernelsOf(*measured.seen.witness, request_.files);
    }
    RETURN_IF_ERROR(ConfirmFloor(measured.seen));
    RETURN_IF_ERROR(JudgeMeasured(context_, Beside(nullptr), std::move(measured), trace_, &outcome_));
    measuring_.reset();
    watch.Lap("measure");
    if (testimony_ && IsTop(outcome_.report, context_.instruments->ablation) && launches.why.empty()) {
      RETURN_IF_ERROR(Replay(launches));
      watch.Lap("replay");
    }
    if (outcome_.report.verdict == Verdict::kQuarantine && !launches.why.empty()) {
      outcome_.report.reason += "; its launches cannot be made again alone: " + launches.why;
    }
    return std::move(outcome_);
  }

 private:
  // The candidate beside eager, or its launches alone.
  MeasureRequest Beside(const LaunchList* replayed) {
    return Contest(context_, *facts_, request_.profile,
                   [this, replayed](Side& side) { return MakeCandidate(side, replayed); });
  }

  Result<std::optional<CallFailure>> MakeCandidate(Side& side, const LaunchList* replayed) const {
    const CandidateFork fork{candidate_, match_.plan, side, request_.call_path, context_.candidate_memory_bytes, replayed,
                             triton_.get()};
    ASSIGN_OR_RETURN(auto process, ForkCandidate(context_.task, fork));
    auto failure = AwaitInstalled(*process, *candidate_.installing);
    if (!failure) RETURN_IF_ERROR(process->Stop());
    side.Take(std::move(process), request_.call_path == CallPath::kDynamo);
    return failure;
  }

  // With all that is found out beside the times.
  MeasureRequest Request() {
    MeasureRequest measure = Beside(nullptr);
    measure.watch = [this](WorkerProcess& process) { trace_.Note(process); };
    measure.holding = [this] { return MeasureFloor(); };
    if (context_.instruments->ablation.Omits(Layer::kCensus)) return measure;
    const int functions = static_cast<int>(match_.plan["rewrites"].size());
    measure.beside = [this, functions, limit = measure.options.call_limit, make = measure.makers.contender] {
      testimony_.emplace(Testify({*facts_, make, functions, limit, context_.instruments->device}));
    };
    return measure;
  }

  // The candidate's launches alone in its place: on inputs of their own, compared and timed like any contender.
  Status Replay(const LaunchList& launches) {
    ASSIGN_OR_RETURN(GraphReport replay, MeasureOnceMore(&launches));
    GraphReport live = outcome_.report;
    integrity::JudgeReplay(replay, &live);
    if (live.verdict == Verdict::kQuarantine && replay.verdict == Verdict::kOk) {
      // As many do not agree on a machine that somebody else uses, where one of the two was measured meanwhile.
      ASSIGN_OR_RETURN(live, MeasureOnceMore(nullptr));
      ASSIGN_OR_RETURN(replay, MeasureOnceMore(&launches));
      if (live.verdict == Verdict::kOk) integrity::JudgeReplay(replay, &live);
    }
    if (live.verdict != Verdict::kOk && live.verdict != Verdict::kTrivial) {
      integrity::Fail(live.status, live.verdict, live.reason, &outcome_.report);
    }
    return OkStatus();
  }

  // Two rounds, judged by themselves. Null: the candidate as it is.
  Result<GraphReport> MeasureOnceMore(const LaunchList* replayed) {
    MeasureRequest again = Beside(replayed);
    again.options.min_rounds = again.options.max_rounds = 2;
    ASSIGN_OR_RETURN(Measurement measured, Measure(*context_.instruments, again));
    GraphReport report = NewReport(*context_.graph);
    outcome_.worked_beside |= measured.seen.worked_beside;
    FillFigures(measured, *facts_, &report);
    integrity::Judge(context_.instruments->ablation.Told(measured.seen), {context_.threads, 0}, &report);
    return report;
  }

  Status MeasureFloor() { return TakeFloor(NullPathMicros); }

  // `null_path`: one of reference.h's.
  template <typename NullPath>
  Status TakeFloor(NullPath null_path) {
    const Instruments& with = *context_.instruments;
    ASSIGN_OR_RETURN(const double micros,
                     null_path(context_.task, *facts_, request_.call_path, with.timing_core.number(), with.device));
    outcome_.report.floor_us = micros + WritingMicros(context_, facts_->layout);
    return OkStatus();
  }

  // A floor is of one process at one moment, and on a busy machine too high. Before it accuses a call it is taken anew.
  Status ConfirmFloor(const Observations& seen) {
    if (!integrity::IsBelowFloor(seen, outcome_.report.floor_us.value_or(0))) return OkStatus();
    return OnTimingCore(*context_.instruments, context_.cancelled, [this] { return TakeFloor(NullPathAnew); });
  }

  const GraphContext context_;
  const EvaluateRequest& request_;
  const PreparedCandidate& candidate_;
  Match match_;
  std::shared_ptr<const std::string> triton_;  // its compiled kernels
  std::shared_ptr<GraphFacts> facts_;
  ProcessTrace trace_;
  std::optional<Result<Witness>> testimony_;  // of the maker thread, until the measurement is taken
  GraphOutcome outcome_;
  bool over_ = false;
  std::optional<Measuring> measuring_;  // the last member: its helpers use the others
};

GraphEvaluation::GraphEvaluation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GraphEvaluation::~GraphEvaluation() = default;

Result<std::unique_ptr<GraphEvaluation>> GraphEvaluation::Create(GraphContext context, const EvaluateRequest& request,
                                                                 const PreparedCandidate& candidate) {
  auto impl = std::make_unique<Impl>(std::move(context), request, candidate);
  RETURN_IF_ERROR(impl->FindPatterns());
  return std::unique_ptr<GraphEvaluation>(new GraphEvaluation(std::move(impl)));
}

TritonGraph GraphEvaluation::TritonJob() const { return impl_->TritonJob(); }
void GraphEvaluation::Take(TritonKernels kernels) { impl_->Take(std::move(kernels)); }
Status GraphEvaluation::Begin() { return impl_->Begin(); }
bool GraphEvaluation::Done() const { return impl_->Done(); }
uint64_t GraphEvaluation::RegionBytes() const { return impl_->RegionBytes(); }
void GraphEvaluation::Prepare() { impl_->Prepare(); }
Status GraphEvaluation::Round(GraphEvaluation* next) { return impl_->Round(next); }
Result<GraphOutcome> GraphEvaluation::Finish() { return impl_->Finish(); }

Result<GraphOutcome> MeasureBaseline(const GraphContext& context, Profile profile,
                                     const std::function<Result<std::optional<CallFailure>>(Side&)>& make) {
  GraphOutcome outcome;
  outcome.report = NewReport(*context.graph);
  Stopwatch watch(&outcome.timings_ms);
  ASSIGN_OR_RETURN(std::shared_ptr<GraphFacts> facts, FindFacts(context, &outcome.report));
  watch.Lap("reference");
  if (!facts) return outcome;
  MeasureRequest measure = Contest(context, *facts, profile, make);
  ProcessTrace trace;
  measure.watch = [&trace](WorkerProcess& process) { trace.Note(process); };
  ASSIGN_OR_RETURN(Measurement measured, Measure(*context.instruments, measure));
  RETURN_IF_ERROR(JudgeMeasured(context, measure, std::move(measured), trace, &outcome));
  watch.Lap("measure");
  return outcome;
}

}  // namespace passnet::evaluator
