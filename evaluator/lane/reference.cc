#include "evaluator/lane/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "evaluator/worker/run_protocol.h"
#include "passbench/inputs.h"

namespace passnet::evaluator {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kForkLimit{60};
constexpr std::chrono::minutes kCallLimit{15};
constexpr int kEstimateCalls = 3;

Result<std::vector<OutputSpec>> Probe(Side& side) {
  ASSIGN_OR_RETURN(std::string text, side.Command(Json{{"cmd", "probe"}}.dump(), {}));
  Json reply = Json::parse(text, nullptr, false);
  if (!reply.is_object()) return DataCorrupt("the reference sent nonsense");
  if (reply.contains("error")) {
    std::string words = reply["error"].get<std::string>();
    words.erase(words.find_last_not_of('\n') + 1);
    return InvalidArgument("eager fails: " + words.substr(words.rfind('\n') + 1));
  }
  std::vector<OutputSpec> outputs;
  for (const Json& item : reply["outputs"]) {
    if (item.value("kind", "") != "tensor") {
      return InvalidArgument("eager returns a " + item.value("type", "value") + ", only tensors can be compared");
    }
    OutputSpec output;
    output.dtype = item["dtype"].get<std::string>();
    output.scalar_type = ScalarTypeOf(output.dtype);
    output.shape = item["shape"].get<std::vector<int64_t>>();
    output.strides = item["strides"].get<std::vector<int64_t>>();
    output.alias = item["alias"].get<int>();
    output.bytes = item["bytes"].get<uint64_t>();
    output.elements = 1;
    for (int64_t size : output.shape) output.elements *= size;
    if (output.scalar_type < 0) return InvalidArgument("eager returns the type " + output.dtype + ", which is not supported");
    outputs.push_back(std::move(output));
  }
  return outputs;
}

void FillSlot(Side& side, const InputSet& set) {
  for (size_t i = 0; i < set.size(); ++i) std::memcpy(side.Input(0, i).data(), set[i].data(), set[i].size());
}

std::vector<bool> MutatedInputs(Side& side, const InputSet& set) {
  std::vector<bool> mutated;
  for (size_t i = 0; i < set.size(); ++i) {
    mutated.push_back(std::memcmp(side.Input(0, i).data(), set[i].data(), set[i].size()) != 0);
  }
  return mutated;
}

Result<double> EstimateUs(Side& side, const InputSet& set) {
  double best = 0;
  for (int i = 0; i < kEstimateCalls; ++i) {
    FillSlot(side, set);
    ASSIGN_OR_RETURN(BlockTime time, side.Run(PN_RUN_CALL, 0, 1, Deadline::After(kCallLimit)));
    double us = std::chrono::duration<double, std::micro>(time.wall).count();
    best = i == 0 ? us : std::min(best, us);
    // Graphs of seconds: one look is enough.
    if (us > 1e6) break;
  }
  return best;
}

uint32_t ChooseSlots(const SlotLayout& one, double estimate_us, const ReferenceOptions& options) {
  double wanted = std::ceil(options.block_us / std::max(estimate_us, 1.0));
  uint64_t fit = options.max_region_bytes / (one.in_stride + one.out_stride);
  return static_cast<uint32_t>(std::clamp<double>(wanted, 1, static_cast<double>(std::clamp<uint64_t>(fit, 1, options.max_slots))));
}

}  // namespace

Status Attach(Side& side) {
  Json command = Json::parse(side.layout().AttachJson());
  command["cmd"] = "attach";
  return ExpectOk(side.Command(command.dump(), {side.in_fd(), side.out_fd()}), "attach");
}

Result<std::unique_ptr<WorkerProcess>> ForkReference(const std::shared_ptr<TaskChild>& task, const std::string& mode,
                                                     Deadline deadline) {
  ForkSpec spec;
  spec.role = "reference";
  spec.plan = "reference";
  spec.cgroup = kAccountedOnly;
  spec.first_frame = "{}";
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerProcess> process, WorkerProcess::Fork(task, spec, deadline));
  Json configure = {{"cmd", "configure"}, {"mode", mode}, {"seed_each_call", task->random()}};
  RETURN_IF_ERROR(ExpectOk(process->Command(configure.dump(), {}, deadline), "configure"));
  return process;
}

Result<Reference> PrepareReference(const std::shared_ptr<TaskChild>& task, const passbench::Graph& graph,
                                   FreshBits& bits, const ReferenceOptions& options) {
  std::vector<InputSet> sets;
  ASSIGN_OR_RETURN(InputSet published, MakeInputSet(graph, passbench::kPassBenchSeed));
  sets.push_back(std::move(published));
  for (int i = 0; i < options.secret_sets; ++i) {
    ASSIGN_OR_RETURN(InputSet secret, MakeInputSet(graph, bits.Next() >> 32));
    sets.push_back(std::move(secret));
  }
  ASSIGN_OR_RETURN(auto process, ForkReference(task, "eager", Deadline::After(kForkLimit)));
  ASSIGN_OR_RETURN(Side side, Side::Create(MakeLayout(graph.inputs, {}, 1), "probe"));
  side.Take(std::move(process), false);
  RETURN_IF_ERROR(Attach(side));
  FillSlot(side, sets[0]);
  ASSIGN_OR_RETURN(std::vector<OutputSpec> outputs, Probe(side));
  std::vector<bool> mutated = MutatedInputs(side, sets[0]);
  ASSIGN_OR_RETURN(double estimate, EstimateUs(side, sets[0]));
  SlotLayout layout = MakeLayout(graph.inputs, outputs, 1);
  uint32_t lead = estimate < options.two_leads_below_us ? 2 : estimate < options.one_lead_below_us ? 1 : 0;
  layout = MakeLayout(graph.inputs, outputs, lead + ChooseSlots(layout, estimate, options), lead);
  ASSIGN_OR_RETURN(Side full, Side::Create(layout, "reference"));
  full.Take(side.Release(), false);
  RETURN_IF_ERROR(Attach(full));
  RETURN_IF_ERROR(SetNullLayout(full, outputs));
  return Reference{std::move(full), std::move(sets), std::move(mutated), estimate};
}

}  // namespace passnet::evaluator
