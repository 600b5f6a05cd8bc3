#include "evaluator/lane/baseline.h"

#include <optional>
#include <utility>

#include "base/sha256.h"
#include "evaluator/integrity/judge.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kForkLimit{120};

// A graph whose baseline makes its first call; or the fate of one that eager cannot run.
struct Started {
  GraphContext context;
  std::optional<Reference> reference;
  std::optional<Side> side;
  std::optional<TimingCore::Hold> hold;  // eager's first call is made on the timing core
  GraphOutcome failed;
};

Result<std::unique_ptr<WorkerProcess>> ForkInductor(const GraphContext& context, const BaselineContext& baseline) {
  ForkSpec spec;
  spec.role = "baseline";
  spec.first_frame = "{}";
  Deadline deadline = Deadline::After(kForkLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(baseline.inductor, spec, deadline));
  std::string source = context.graph->MappedSource(baseline.device);
  Json inputs = Json::MakeArray();
  for (const passbench::TensorMeta& meta : context.graph->inputs) inputs.Push({{"name", meta.name}});
  const Json load = {{"cmd", "load"},
                     {"source", source},
                     {"module", "passnet_graph_" + Sha256Hex(source).substr(0, 16)},
                     {"seed_each_call", context.task->random()},
                     {"inputs", inputs}};
  RETURN_IF_ERROR(ExpectOk(process->Command(load, {}, deadline), "load"));
  return process;
}

Result<Started> Start(const passbench::Graph& graph, const BaselineContext& baseline) {
  Started started;
  ASSIGN_OR_RETURN(started.context, baseline.context_of(graph));
  const GraphContext& context = started.context;
  ASSIGN_OR_RETURN(TimingCore::Hold hold, TakeTimingCore(context));
  auto reference = PrepareReference(context.task, graph, *context.bits, {});
  if (!reference) {
    if (reference.error().code != ErrorCode::kInvalidArgument) return std::move(reference).error();
    started.failed.report = NewReport(graph);
    integrity::Fail(GraphStatus::kEagerFail, Verdict::kInfra, reference.error().context, &started.failed.report);
    return started;
  }
  started.reference.emplace(std::move(reference).value());
  ASSIGN_OR_RETURN(Side side, Side::Create(started.reference->side.layout(), "baseline"));
  ASSIGN_OR_RETURN(auto process, baseline.inductor ? ForkInductor(context, baseline)
                                                : ForkReference(context.task, "eager", Deadline::After(kForkLimit)));
  side.Take(std::move(process), false);
  RETURN_IF_ERROR(BeginBaseline(*started.reference, side));
  started.side.emplace(std::move(side));
  if (!baseline.inductor) started.hold.emplace(std::move(hold));
  return started;
}

Result<GraphOutcome> Finish(const BaselineContext& baseline, Started started) {
  if (!started.side) return std::move(started.failed);
  return FinishBaseline(started.context, baseline.profile, *started.reference, *started.side);
}

}  // namespace

Result<std::vector<GraphOutcome>> MeasureBaselines(const std::vector<passbench::Graph>& graphs,
                                                   const BaselineContext& baseline) {
  // Eager has nothing to compile and makes its first call on the timing core: never beside a measurement.
  const bool ahead = baseline.inductor != nullptr;
  std::vector<GraphOutcome> outcomes;
  std::optional<Started> next;
  for (size_t i = 0; i < graphs.size(); ++i) {
    baseline.begun(graphs[i]);
    if (!next) {
      ASSIGN_OR_RETURN(next, Start(graphs[i], baseline));
    }
    Started current = std::move(*next);
    next.reset();
    if (ahead && i + 1 < graphs.size()) {
      ASSIGN_OR_RETURN(next, Start(graphs[i + 1], baseline));
    }
    ASSIGN_OR_RETURN(GraphOutcome outcome, Finish(baseline, std::move(current)));
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace passnet::evaluator
