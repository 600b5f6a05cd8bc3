#include "evaluator/lane/graph_evaluation.h"

#include <algorithm>
#include <cstring>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/candidate_process.h"
#include "evaluator/lane/match.h"
#include "evaluator/lane/stopwatch.h"
#include "sandbox/read_back.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::minutes kFirstCallLimit{10};  // TorchInductor compiles in it
constexpr std::chrono::minutes kCoreLimit{60};  // another evaluator may be measuring a graph of a minute a call
constexpr size_t kMaxOutputShown = 8u << 10;

MeasureOptions OptionsFor(Profile profile, double estimate_us, std::chrono::milliseconds cap) {
  MeasureOptions options = profile == Profile::kQuick ? QuickMeasure() : PassbenchMeasure();
  if (cap.count() > 0) options.time_cap = cap;
  // A block may take fifty times as long as eager's, and never less than five seconds: beyond that it counts as
  // hanging. At most a minute, unless one call of eager takes longer.
  auto eager = std::chrono::milliseconds(static_cast<int64_t>(estimate_us / 1000));
  auto patience = std::clamp(eager * 50 * 64, std::chrono::milliseconds(5'000), std::chrono::milliseconds(60'000));
  options.call_limit = std::max(patience, eager * 10);
  return options;
}

// Measures on the timing core and goes back to the others.
Result<Measurement> MeasurePinned(const GraphContext& context, Reference& reference, Side& candidate,
                                  const MeasureOptions& options) {
  OutputComparer comparer(reference.mutated);
  RETURN_IF_ERROR(PinToCore(context.timing_core->number()));
  auto measured = Measure(reference.side, candidate, comparer, reference.sets, *context.bits, options);
  RETURN_IF_ERROR(PinToCores(context.other_cores));
  return measured;
}

// Upstream's fluctuation gate is a reason to measure again, not to fail: at most twice, the quietest run counts.
Result<Measurement> MeasureQuietly(const GraphContext& context, Reference& reference, Side& candidate,
                                   const MeasureOptions& options, Profile profile) {
  constexpr double kFluctuation = 0.2;  // upstream's limit of IQR / median (docs/measuring.md)
  ASSIGN_OR_RETURN(Measurement best, MeasurePinned(context, reference, candidate, options));
  for (int again = 0; again < 2 && profile == Profile::kPassbench; ++again) {
    if (best.seen.failure || best.capped || best.relative_iqr <= kFluctuation) break;
    ASSIGN_OR_RETURN(Measurement next, MeasurePinned(context, reference, candidate, options));
    if (next.seen.failure || next.relative_iqr < best.relative_iqr) best = std::move(next);
  }
  return best;
}

void FillFigures(const Measurement& measured, const Reference& reference, GraphReport* report) {
  for (const SlotOutput& output : reference.side.layout().outputs) report->output_dtypes.push_back(output.dtype);
  report->timed_calls = measured.timed_calls;
  report->capped = measured.capped;
  if (!measured.ratio) return;
  double eager = Median(measured.eager_us), ours = Median(measured.candidate_us);
  report->eager_us = eager;
  report->candidate_us = ours;
  report->speedup_call = measured.ratio->ratio;
  report->speedup_upstream = (eager + measured.seed_us) / (ours + measured.seed_us);
  report->noise = measured.ratio->half_width;
}

void NoteFacts(WorkerProcess& process, GraphOutcome* outcome) {
  if (auto facts = sandbox::ReadBack(process.pid())) outcome->layers = facts.value().Layers();
}

// One side is a candidate or a baseline process already on its regions.
Result<GraphOutcome> MeasureAndJudge(const GraphContext& context, Profile profile, Reference& reference, Side& side,
                                     GraphOutcome outcome) {
  Stopwatch watch(&outcome.timings_ms);
  MeasureOptions options = OptionsFor(profile, reference.estimate_us, context.time_cap);
  options.cancelled = context.cancelled;
  ASSIGN_OR_RETURN(Measurement measured, MeasureQuietly(context, reference, side, options, profile));
  watch.Lap("measure");
  FillFigures(measured, reference, &outcome.report);
  if (!integrity::JudgeOutput(side.process().OutputBytes(), &outcome.report)) {
    integrity::Judge(measured.seen, {context.threads, context.write_bytes_per_us}, &outcome.report);
  }
  outcome.upstream_tolerances_ok = integrity::TolerancesOk(measured.seen.sets.front());
  outcome.in_place = std::find(reference.mutated.begin(), reference.mutated.end(), true) != reference.mutated.end();
  outcome.candidate_output = side.process().Output(kMaxOutputShown);
  return outcome;
}

}  // namespace

GraphReport NewReport(const passbench::Graph& graph) {
  GraphReport report;
  report.path = graph.path;
  report.dtype = graph.Dtype();
  return report;
}

Result<TimingCore::Hold> TakeTimingCore(const GraphContext& context) {
  return context.timing_core->Take(Deadline::After(kCoreLimit), context.cancelled);
}

Result<GraphOutcome> EvaluateGraph(const GraphContext& context, const EvaluateRequest& request,
                                   const PreparedCandidate& candidate) {
  GraphOutcome outcome;
  outcome.report = NewReport(*context.graph);
  Stopwatch watch(&outcome.timings_ms);
  ASSIGN_OR_RETURN(Match match, MatchPatterns(context.task, candidate.traced, request.matching, *candidate.patience));
  watch.Lap("match");
  outcome.report.matched_nodes = match.matched_nodes;
  outcome.report.coverage = match.coverage;
  outcome.upstream_refuses = match.upstream_refuses;
  if (!match.miss.empty()) {
    integrity::Fail(GraphStatus::kPassMiss, Verdict::kMiss, match.miss, &outcome.report);
    return outcome;
  }
  ASSIGN_OR_RETURN(TimingCore::Hold hold, TakeTimingCore(context));
  watch.Lap("wait");
  auto reference = PrepareReference(context.task, *context.graph, *context.bits, {});
  watch.Lap("reference");
  if (!reference) {
    if (reference.error().code != ErrorCode::kInvalidArgument) return std::move(reference).error();
    integrity::Fail(GraphStatus::kEagerFail, Verdict::kInfra, reference.error().context, &outcome.report);
    return outcome;
  }
  ASSIGN_OR_RETURN(Side side, Side::Create(reference.value().side.layout(), "candidate"));
  ASSIGN_OR_RETURN(auto process, ForkCandidate(context.task, {candidate, match.plan, side, request.call_path,
                                                              context.candidate_memory_bytes}));
  NoteFacts(*process, &outcome);
  if (auto failure = AwaitInstalled(*process)) {
    integrity::JudgeFailure(*failure, &outcome.report);
    outcome.candidate_output = process->Output(kMaxOutputShown);
    return outcome;
  }
  RETURN_IF_ERROR(process->Stop());
  side.Take(std::move(process), request.call_path == CallPath::kDynamo);
  watch.Lap("install");
  return MeasureAndJudge(context, request.profile, reference.value(), side, std::move(outcome));
}

Status BeginBaseline(const Reference& reference, Side& side) {
  RETURN_IF_ERROR(Attach(side));
  const InputSet& set = reference.sets[0];
  for (size_t i = 0; i < set.size(); ++i) std::memcpy(side.Input(0, i).data(), set[i].data(), set[i].size());
  return side.Begin();
}

Result<GraphOutcome> FinishBaseline(const GraphContext& context, Profile profile, Reference& reference, Side& side) {
  GraphOutcome outcome;
  outcome.report = NewReport(*context.graph);
  Stopwatch watch(&outcome.timings_ms);
  Status first = side.Await(Deadline::After(kFirstCallLimit));
  watch.Lap("first_call");
  if (!first) {
    if (!side.failure()) return std::move(first).error();
    integrity::JudgeFailure(*side.failure(), &outcome.report);
    return outcome;
  }
  ASSIGN_OR_RETURN(TimingCore::Hold hold, TakeTimingCore(context));
  watch.Lap("wait");
  RETURN_IF_ERROR(PinProcess(side.process().pid(), context.timing_core->number()));
  return MeasureAndJudge(context, profile, reference, side, std::move(outcome));
}

}  // namespace passnet::evaluator
