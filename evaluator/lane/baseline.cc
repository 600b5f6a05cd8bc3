#include "evaluator/lane/baseline.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kForkLimit{120};
constexpr std::chrono::minutes kFirstCallLimit{10};  // TorchInductor compiles in it

// `what` is done with the graph.
Json CommandOf(const char* what, const GraphContext& context, const BaselineContext& baseline) {
  const std::string source = context.graph->MappedSource(baseline.device);
  Json inputs = Json::MakeArray();
  for (const passbench::TensorMeta& meta : context.graph->inputs) {
    inputs.Push({{"name", meta.name}, {"shape", meta.shape}, {"dtype", passbench::DTypeName(meta.dtype)}});
  }
  return {{"cmd", what},
          {"device", baseline.device},
          {"source", source},
          {"module", "passnet_graph_" + Sha256Hex(source).substr(0, 16)},
          {"seed_each_call", context.task->random()},
          {"inputs", inputs}};
}

Result<std::unique_ptr<WorkerProcess>> ForkInductor(const GraphContext& context, const BaselineContext& baseline,
                                                    const Side& side) {
  ForkSpec spec;
  spec.role = "baseline";
  LayMemory(side, &spec);
  const Deadline deadline = Deadline::After(kForkLimit);
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(baseline.inductor, spec, deadline));
  RETURN_IF_ERROR(ExpectOk(process->Command(CommandOf("load", context, baseline), {}, deadline), "load"));
  return process;
}

// On a device TorchInductor tries configurations of its kernels: not beside a measurement, for which the caller holds the
// device, and not in a seat's memory. The timed processes find what it chose in its cache.
Status CompileOnDevice(const GraphContext& context, const BaselineContext& baseline) {
  if (!baseline.inductor || context.instruments->device.facts().kind == "cpu") return OkStatus();
  ForkSpec spec;
  spec.role = "baseline";
  spec.first_frame = "{}";
  ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(baseline.inductor, spec, Deadline::After(kForkLimit)));
  // A graph that it cannot compile fails again in its first call, where that goes into the report.
  (void)process->Command(CommandOf("compile", context, baseline), {}, Deadline::After(kFirstCallLimit));
  return OkStatus();
}

// TorchInductor's process has compiled once this returns: its first call is made here, on other cores than the timing
// core. What was compiled before, the later rounds find in TorchInductor's own cache.
Result<std::optional<CallFailure>> MakeInductor(const GraphContext& context, const BaselineContext& baseline,
                                                Side& side) {
  ASSIGN_OR_RETURN(auto process, ForkInductor(context, baseline, side));
  side.Take(std::move(process), false);
  RETURN_IF_ERROR(Attach(side));
  RETURN_IF_ERROR(side.Fill(FirstCall(side.layout(), context.task->facts->published)));
  auto first = side.Run(PN_RUN_CALL, 1, Deadline::After(kFirstCallLimit));
  if (first) return std::optional<CallFailure>();
  if (!side.failure()) return std::move(first).error();
  return std::optional(*side.failure());
}

}  // namespace

Result<std::vector<GraphOutcome>> MeasureBaselines(const std::vector<passbench::Graph>& graphs,
                                                   const BaselineContext& baseline) {
  std::vector<GraphOutcome> outcomes;
  for (const passbench::Graph& graph : graphs) {
    baseline.begun(graph);
    ASSIGN_OR_RETURN(const GraphContext context, baseline.context_of(graph));
    RETURN_IF_ERROR(CompileOnDevice(context, baseline));
    const auto make = [&](Side& side) -> Result<std::optional<CallFailure>> {
      if (baseline.inductor) return MakeInductor(context, baseline, side);
      RETURN_IF_ERROR(MakeEager(context.task, side));
      return std::optional<CallFailure>();
    };
    ASSIGN_OR_RETURN(GraphOutcome outcome, MeasureBaseline(context, baseline.profile, make));
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace passnet::evaluator
