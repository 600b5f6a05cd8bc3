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
constexpr std::chrono::minutes kLeaseLimit{60};      // another evaluator may be measuring on the device

Result<std::unique_ptr<WorkerProcess>> Fork(const BaselineContext& baseline) {
  ForkSpec spec;
  spec.role = "baseline";
  spec.first_frame = "{}";
  return WorkerProcess::Fork(baseline.inductor, spec, Deadline::After(kForkLimit));
}

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

Result<std::unique_ptr<WorkerProcess>> ForkInductor(const GraphContext& context, const BaselineContext& baseline) {
  ASSIGN_OR_RETURN(auto process, Fork(baseline));
  const Json load = CommandOf("load", context, baseline);
  RETURN_IF_ERROR(ExpectOk(process->Command(load, {}, Deadline::After(kForkLimit)), "load"));
  return process;
}

// On a device TorchInductor tries configurations of its kernels: that is neither done beside a measurement nor in a seat's
// memory. The timed processes find what it chose in its cache.
Status CompileOnDevice(const GraphContext& context, const BaselineContext& baseline) {
  const Instruments& with = *context.instruments;
  if (!baseline.inductor || with.device.facts().kind == "cpu") return OkStatus();
  ASSIGN_OR_RETURN(const HostLock::Hold lease, with.device.Lease(Deadline::After(kLeaseLimit), context.cancelled));
  ASSIGN_OR_RETURN(auto process, Fork(baseline));
  // A graph that it cannot compile fails again in its first call, where that goes into the report.
  (void)process->Command(CommandOf("compile", context, baseline), {}, Deadline::After(kFirstCallLimit));
  return OkStatus();
}

// TorchInductor's process has compiled once this returns: its first call is made here, on other cores than the timing
// core. What was compiled before, the later rounds find in TorchInductor's own cache.
Result<std::optional<CallFailure>> MakeInductor(const GraphContext& context, const BaselineContext& baseline,
                                                Side& side) {
  ASSIGN_OR_RETURN(auto process, ForkInductor(context, baseline));
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
