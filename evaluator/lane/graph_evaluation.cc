#include "evaluator/lane/graph_evaluation.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/worker/run_protocol.h"
#include "sandbox/read_back.h"

namespace passnet::evaluator {
namespace {

// Ordered: keyword arguments of a traced node keep their order on the way through.
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kMatchLimit{60};
constexpr std::chrono::seconds kInstallLimit{60};  // fork, import of the candidate's passes, rewrite
constexpr std::chrono::minutes kFirstCallLimit{10};  // TorchInductor compiles in it
constexpr std::chrono::minutes kCoreLimit{60};  // others measure graphs of a minute a call
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

// The match child's plan: trusted code on hostile data, in a process of its own.
Result<Json> Match(const GraphContext& context, const EvaluateRequest& request, const PreparedCandidate& candidate) {
  ForkSpec spec;
  spec.role = "match";
  spec.plan = "reader";
  spec.first_frame = Json{{"traced", Json::parse(candidate.traced_json)}, {"matching", MatchingName(request.matching)}}.dump();
  Deadline deadline = Deadline::After(kMatchLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(context.task, spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, process->channel().ReceiveFrame(deadline, 16u << 20));
  Json plan = Json::parse(frame.json, nullptr, false);
  if (!plan.is_object()) return DataCorrupt("the match child sent nonsense");
  return Result<Json>(boost::system::in_place_value, std::move(plan));
}

std::string MissReason(const Json& plan) {
  std::string text = "no pattern matched";
  const Json& mismatch = plan.contains("first_mismatch") ? plan["first_mismatch"] : Json();
  if (mismatch.is_object()) {
    text += ": pass " + mismatch.value("pass", "?") + ": ";
    if (mismatch.contains("pattern_node") && mismatch["pattern_node"].is_string()) {
      text += "pattern node " + mismatch["pattern_node"].get<std::string>() + " did not line up: ";
    }
    text += mismatch.value("what", "");
  }
  return text;
}

// Room for what an honest kernel may want beside the graph's own tensors; the shared regions are charged to us.
uint64_t MemoryLimit(const GraphContext& context, const SlotLayout& layout) {
  uint64_t one_call = layout.in_stride + layout.out_stride;
  return std::min<uint64_t>(context.candidate_memory_bytes, (1ull << 30) + 8 * one_call);
}

// The candidate's process, installed; or the report of why there is none.
Result<std::unique_ptr<WorkerProcess>> ForkCandidate(const GraphContext& context, const EvaluateRequest& request,
                                                     const PreparedCandidate& candidate, const Json& plan,
                                                     const Side& side) {
  Json message;
  message["layout"] = Json::parse(side.layout().AttachJson());
  message["files"] = Json::parse(candidate.files_json);
  message["plan"] = plan;
  message["call_path"] = CallPathName(request.call_path);
  message["seed_each_call"] = context.task->random();
  message["kernels"] = Json::array();
  ForkSpec spec;
  spec.role = "candidate";
  spec.plan = "candidate";
  spec.cgroup.memory_bytes = MemoryLimit(context, side.layout());
  spec.fds = {side.in_fd(), side.out_fd()};
  std::vector<UniqueFd> objects;
  for (const CompiledKernel& kernel : candidate.kernels) {
    message["kernels"].push_back(kernel.stem);
    ASSIGN_OR_RETURN(UniqueFd object, SharedRegion::FileOf("passnet-kernel", kernel.object));
    spec.fds.push_back(object.get());
    objects.push_back(std::move(object));
  }
  spec.first_frame = message.dump();
  return WorkerProcess::Fork(context.task, spec, Deadline::After(kInstallLimit));
}

// Waits for {"installed": …}: the candidate's own code ran by then. Empty when it is ready to be called.
std::optional<CallFailure> AwaitInstalled(WorkerProcess& process) {
  auto frame = process.channel().ReceiveFrame(Deadline::After(kInstallLimit), 1u << 20);
  if (!frame) {
    Error error = std::move(frame).error();
    if (error.code == ErrorCode::kDeadlineExceeded) return CallFailure{CallFailureKind::kTimeout, error.context, {}};
    if (error.code == ErrorCode::kDataCorrupt) return CallFailure{CallFailureKind::kProtocol, error.context, {}};
    return CallFailure{CallFailureKind::kDied, error.context, process.End()};
  }
  Json reply = Json::parse(frame.value().json, nullptr, false);
  if (!reply.is_object()) return CallFailure{CallFailureKind::kProtocol, "the candidate's process sent nonsense", {}};
  if (reply.value("installed", false)) return std::nullopt;
  return CallFailure{CallFailureKind::kException, reply.value("error", "unknown error"), {}};
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
  for (const OutputSpec& output : reference.side.layout().outputs) report->output_dtypes.push_back(output.dtype);
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
  ASSIGN_OR_RETURN(Json plan, Match(context, request, candidate));
  watch.Lap("match");
  if (plan.contains("error")) {
    integrity::Fail(GraphStatus::kPassMiss, Verdict::kMiss, "matching failed: " + integrity::LastLine(plan.value("error", "")),
                    &outcome.report);
    return outcome;
  }
  outcome.report.matched_nodes = plan.value("matched_nodes", 0);
  outcome.report.coverage = plan.value("coverage", 0.0);
  outcome.upstream_refuses = !plan["upstream_refuses"].empty();
  if (plan["rewrites"].empty()) {
    integrity::Fail(GraphStatus::kPassMiss, Verdict::kMiss, MissReason(plan), &outcome.report);
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
  ASSIGN_OR_RETURN(auto process, ForkCandidate(context, request, candidate, plan, side));
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
