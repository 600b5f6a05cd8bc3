#include "evaluator/lane/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"
#include "passbench/inputs.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kForkLimit{60};
constexpr std::chrono::minutes kCallLimit{15};
constexpr int kEstimateCalls = 3;

struct ProbedOutput {
  std::string kind;            // "tensor" or "other"
  std::string type = "value";  // of the other
  SlotOutput spec;
};

// What layouts are made of must agree with itself before memory is laid out by it.
Result<SlotOutput> CheckOutput(SlotOutput output, size_t inputs) {
  output.scalar_type = ScalarTypeOf(output.dtype);
  if (output.scalar_type < 0) {
    return InvalidArgument("eager returns the type " + output.dtype + ", which is not supported");
  }
  output.elements = 1;
  bool fits = output.shape.size() == output.strides.size() && output.alias < static_cast<int64_t>(inputs);
  for (int64_t size : output.shape) fits &= !__builtin_mul_overflow(output.elements, size, &output.elements);
  if (!fits) return DataCorrupt("the reference described an output that cannot be: shape, strides or alias do not fit");
  return output;
}

void VisitProbed(FieldVisitor& fields, ProbedOutput& output) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  fields.Required("kind");
  fields.Text("kind", &output.kind);
  fields.Text("type", &output.type);
  if (output.kind != "tensor") return;
  for (const char* key : {"dtype", "shape", "strides", "alias", "bytes"}) fields.Required(key);
  fields.Text("dtype", &output.spec.dtype);
  fields.Integers("shape", &output.spec.shape, 0, kMax);
  fields.Integers("strides", &output.spec.strides, 0, kMax);
  VisitInteger(fields, "alias", &output.spec.alias, -1, std::numeric_limits<int>::max());
  VisitInteger(fields, "bytes", &output.spec.bytes, 0, kMax);
}

Result<std::vector<SlotOutput>> Probe(Side& side) {
  constexpr const char* kWho = "the reference";
  ASSIGN_OR_RETURN(Json answer, side.Command({{"cmd", "probe"}}, {}));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kWho));
  if (words) return InvalidArgument("eager fails: " + integrity::LastLine(*words));
  std::vector<ProbedOutput> probed;
  RETURN_IF_ERROR(ReadAnswer(answer, kWho, [&](FieldVisitor& fields) {
    fields.Required("outputs");
    VisitList(fields, "outputs", &probed, VisitProbed);
  }));
  std::vector<SlotOutput> outputs;
  for (ProbedOutput& output : probed) {
    if (output.kind != "tensor") {
      return InvalidArgument("eager returns a " + output.type + ", only tensors can be compared");
    }
    ASSIGN_OR_RETURN(SlotOutput checked, CheckOutput(std::move(output.spec), side.layout().inputs.size()));
    outputs.push_back(std::move(checked));
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
  Json command = side.layout().AttachFields();
  command.Set("cmd", "attach");
  return ExpectOk(side.Command(command, {side.in_fd(), side.out_fd()}), "attach");
}

Result<std::unique_ptr<WorkerProcess>> ForkReference(const std::shared_ptr<TaskChild>& task, const std::string& mode,
                                                     Deadline deadline) {
  ForkSpec spec;
  spec.role = "reference";
  spec.plan = "reference";
  spec.first_frame = "{}";
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerProcess> process, WorkerProcess::Fork(task, spec, deadline));
  const Json configure = {{"cmd", "configure"}, {"mode", mode}, {"seed_each_call", task->random()}};
  RETURN_IF_ERROR(ExpectOk(process->Command(configure, {}, deadline), "configure"));
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
  ASSIGN_OR_RETURN(std::vector<SlotOutput> outputs, Probe(side));
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
