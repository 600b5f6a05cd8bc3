#include "evaluator/lane/reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "evaluator/integrity/judge.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/timing/statistics.h"
#include "evaluator/worker/run_protocol.h"
#include "passbench/inputs.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kForkLimit{60};
constexpr std::chrono::minutes kCallLimit{15};
constexpr uint64_t kEstimateCalls = 16;

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

Result<std::vector<bool>> MutatedInputs(const Side& side, const InputSet& set) {
  std::vector<bool> mutated;
  for (size_t i = 0; i < set.size(); ++i) {
    ASSIGN_OR_RETURN(const std::span<const std::byte> now, side.Input(0, i));
    mutated.push_back(std::memcmp(now.data(), set[i].data(), set[i].size()) != 0);
  }
  return mutated;
}

// Whether the answers to the plain calls of a run, which are the even ones, pass for one another.
Result<bool> AnswersAlike(const Side& side, const OutputComparer& comparer, const std::vector<bool>& checked) {
  const auto calls = static_cast<uint32_t>(checked.size());
  OutputBatch batch;
  RETURN_IF_ERROR(comparer.Read(side, checked, &batch));
  for (uint32_t slot = 2; slot < calls; slot += 2) {
    ASSIGN_OR_RETURN(const bool alike, comparer.Interchangeable(batch, slot - 2, batch, slot));
    if (!alike) return false;
  }
  return calls > 2;
}

// Plain and strayed inputs in turn.
std::vector<std::byte> DrawInputs(const GraphFacts& facts, const SlotLayout& layout, SecretStream& draws) {
  std::vector<std::byte> inputs(layout.InBytes());
  for (uint32_t slot = 0; slot < layout.slots; ++slot) {
    const DrawKind kind = slot % 2 == 0 ? DrawKind::kPlain : DrawKind::kStrayed;
    DrawCall(layout, slot, kind, facts.published, draws, inputs);
  }
  return inputs;
}

// An input that PassBench's own values leave as it is (a mask that adds nothing) may be changed by others.
Status NoteMutated(const Side& side, const std::vector<std::byte>& before, GraphFacts* facts) {
  const SlotLayout& layout = side.layout();
  for (uint32_t slot = 0; slot < 2; ++slot) {
    for (size_t i = 0; i < layout.inputs.size(); ++i) {
      ASSIGN_OR_RETURN(const std::span<const std::byte> now, side.Input(slot, i));
      const std::byte* then = before.data() + slot * layout.in_stride + layout.inputs[i].offset;
      if (std::memcmp(now.data(), then, now.size()) != 0) facts->mutated[i] = true;
    }
  }
  return OkStatus();
}

// A call's time once it is warm, and whether plain answers tell apart what was asked.
Status LookAtCalls(const std::shared_ptr<TaskChild>& task, const BlockOptions& options, Device& device,
                   GraphFacts* facts) {
  SlotLayout layout = facts->layout;
  layout.slots = static_cast<uint32_t>(std::clamp<uint64_t>(options.max_bytes / layout.CallBytes(), 3, kEstimateCalls));
  ASSIGN_OR_RETURN(Side side, Side::Create(layout, device));
  RETURN_IF_ERROR(MakeEager(task, side));
  SecretStream draws;
  const std::vector<std::byte> before = DrawInputs(*facts, layout, draws);
  RETURN_IF_ERROR(side.Fill(before));
  const std::vector<bool> checked(std::min(layout.slots, 7u), true);
  for (uint32_t calls : {1u, layout.slots, layout.slots, layout.slots, layout.slots}) {
    const OutputComparer comparer(side.layout(), facts->mutated);  // as far as it is known which inputs are changed
    side.Keep(comparer.Finder(checked));
    ASSIGN_OR_RETURN(RunTime time, side.Run(PN_RUN_CALL, calls, Deadline::After(kCallLimit)));
    facts->estimate_us = std::chrono::duration<double, std::micro>(time.wall).count() / calls;
    const std::vector<bool> known = facts->mutated;
    RETURN_IF_ERROR(NoteMutated(side, before, facts));
    // Slow graphs: one look at all of them is enough, where what changes was known and so kept.
    if (calls > 1 && facts->estimate_us > 1e5 && facts->mutated == known) break;
  }
  const OutputComparer comparer(side.layout(), facts->mutated);
  ASSIGN_OR_RETURN(facts->plain_alike, AnswersAlike(side, comparer, checked));
  return OkStatus();
}

// As many calls as the memory allows, so that noise in the estimate changes nothing; where time is what bounds them, a power
// of two, so that it seldom does: blocks of other lengths find the caches in another state.
uint32_t ChooseSlots(const SlotLayout& one, double estimate_us, const BlockOptions& options) {
  const double in_time = std::max(options.block_us / std::max(estimate_us, 0.1), 1.0);
  const uint64_t rounded = std::bit_floor(static_cast<uint64_t>(std::min<double>(in_time, options.max_slots)));
  const uint64_t in_memory = std::clamp<uint64_t>(options.max_bytes / one.CallBytes(), 1, options.max_slots);
  return static_cast<uint32_t>(std::min(rounded, in_memory));
}

// An eager process on `side`, in another mode than calling the model where one is given.
Status ForkEager(const std::shared_ptr<TaskChild>& task, const std::string& mode, bool counts_calls, Side& side) {
  ForkSpec spec;
  spec.role = "reference";
  spec.plan = "reference";
  LayMemory(side, &spec);
  const Deadline deadline = Deadline::After(kForkLimit);
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerProcess> process, WorkerProcess::Fork(task, spec, deadline));
  const Json configure = {{"cmd", "configure"}, {"mode", mode}, {"seed_each_call", task->random()}};
  RETURN_IF_ERROR(ExpectOk(process->Command(configure, {}, deadline), "configure"));
  side.Take(std::move(process), counts_calls);
  return Attach(side);
}

// Microseconds of blocks of calls, and of starting and answering as many runs of none.
struct BlockTimes {
  std::vector<double> runs, starts;
};

Result<BlockTimes> TimeBlocks(Side& side, int blocks, const std::function<Status()>& fill) {
  BlockTimes times;
  for (int block = 0; block < blocks; ++block) {
    RETURN_IF_ERROR(fill());
    ASSIGN_OR_RETURN(RunTime run, side.Run(PN_RUN_CALL, side.layout().slots, Deadline::After(kCallLimit)));
    ASSIGN_OR_RETURN(RunTime start, side.Run(PN_RUN_CALL, 0, Deadline::After(kCallLimit)));
    times.runs.push_back(std::chrono::duration<double, std::micro>(run.wall).count());
    times.starts.push_back(std::chrono::duration<double, std::micro>(start.wall).count());
    if (run.wall > std::chrono::seconds(1)) break;
  }
  return times;
}

}  // namespace

bool GraphFacts::InPlace() const { return std::find(mutated.begin(), mutated.end(), true) != mutated.end(); }

void LayMemory(const Side& side, ForkSpec* spec) {
  spec->first_frame = "{}";
  if (!side.OnDevice()) return;
  spec->first_frame = Json{{"layout", side.AttachFields()}}.Dump();
  spec->fds = side.memory().Descriptors();
}

Status Attach(Side& side) {
  if (side.OnDevice()) return side.process().Stop();  // it did so by itself
  Json command = side.AttachFields();
  command.Set("cmd", "attach");
  return ExpectOk(side.Command(command, side.memory().Descriptors()), "attach");
}

Status MakeEager(const std::shared_ptr<TaskChild>& task, Side& side) { return ForkEager(task, "eager", false, side); }

Result<std::shared_ptr<GraphFacts>> FactsOf(const std::shared_ptr<TaskChild>& task, const passbench::Graph& graph,
                                            const BlockOptions& options, Device& device) {
  if (task->facts) return task->facts;
  auto facts = std::make_shared<GraphFacts>();
  ASSIGN_OR_RETURN(facts->published, MakeInputSet(graph, passbench::kPassBenchSeed));
  ASSIGN_OR_RETURN(Side side, Side::Create(MakeLayout(graph.inputs, {}, 1), device));
  RETURN_IF_ERROR(MakeEager(task, side));
  RETURN_IF_ERROR(side.Fill(FirstCall(side.layout(), facts->published)));
  ASSIGN_OR_RETURN(std::vector<SlotOutput> outputs, Probe(side));
  ASSIGN_OR_RETURN(facts->mutated, MutatedInputs(side, facts->published));
  facts->layout = MakeLayout(graph.inputs, outputs, 1);
  RETURN_IF_ERROR(LookAtCalls(task, options, device, facts.get()));
  facts->layout.slots = ChooseSlots(facts->layout, facts->estimate_us, options);
  task->facts = facts;
  return facts;
}

Result<double> EagerMicros(const GraphFacts& facts, Side& eager, int timing_core, SecretStream& draws) {
  constexpr int kBlocks = 10;
  RETURN_IF_ERROR(PinProcess(eager.process().pid(), timing_core));
  ASSIGN_OR_RETURN(BlockTimes times, TimeBlocks(eager, kBlocks, [&] { return eager.Fill(DrawInputs(facts, eager.layout(), draws)); }));
  return std::max(Median(times.runs) - Median(times.starts), 0.0) / facts.layout.slots;
}

Result<double> NullPathMicros(const std::shared_ptr<TaskChild>& task, GraphFacts& facts, CallPath path,
                              int timing_core, Device& device) {
  if (auto known = facts.null_path_us.find(path); known != facts.null_path_us.end()) return known->second;
  return NullPathAnew(task, facts, path, timing_core, device);
}

Result<double> NullPathAnew(const std::shared_ptr<TaskChild>& task, GraphFacts& facts, CallPath path, int timing_core,
                            Device& device) {
  constexpr int kBlocks = 12;
  SlotLayout layout = facts.layout;
  const BlockOptions most;
  layout.slots = static_cast<uint32_t>(std::clamp<uint64_t>(most.max_bytes / layout.in_stride, 1, 64));
  ASSIGN_OR_RETURN(Side side, Side::Create(layout, device));
  const bool dynamo = path == CallPath::kDynamo;
  RETURN_IF_ERROR(ForkEager(task, dynamo ? "null_dynamo" : "null_direct", dynamo, side));
  RETURN_IF_ERROR(PinProcess(side.process().pid(), timing_core));
  ASSIGN_OR_RETURN(BlockTimes times, TimeBlocks(side, kBlocks, [] { return OkStatus(); }));
  // Whatever disturbs a run makes it longer, so the shortest of each are nearest to the truth.
  const double run_us = *std::min_element(times.runs.begin(), times.runs.end());
  const double start_us = *std::min_element(times.starts.begin(), times.starts.end());
  const double micros = std::max(run_us - start_us, 0.0) / layout.slots;
  const auto [known, is_new] = facts.null_path_us.try_emplace(path, micros);
  if (!is_new) known->second = std::min(known->second, micros);
  return known->second;
}

}  // namespace passnet::evaluator
