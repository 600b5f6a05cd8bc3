#include "evaluator/lane/evaluator.h"

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"
#include "evaluator/api/json.h"
#include "evaluator/device/quiet.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/baseline.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/scoring.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kCaptureLimit{120};
constexpr std::chrono::minutes kInductorLimit{5};   // a first compile with everything cold
constexpr const char* kMeasuring = "rounds 2";  // changes with docs/measuring.md: other figures are not to be compared
constexpr size_t kMaxBaselineBytes = 8u << 20;
constexpr std::chrono::minutes kTritonLimit{10};  // the compile child has a limit of its own
constexpr size_t kMostDeviceShown = 80;
constexpr const char* kLateBeside = "it is late with the evaluator's own work while it is measured on";

Error Cancelled() { return {ErrorCode::kCancelled, "the request was cancelled"}; }

void AddLaps(const std::map<std::string, double>& laps, std::map<std::string, double>* to) {
  for (const auto& [name, ms] : laps) (*to)[name] += ms;
}

// Graphs whose rounds take turns: enough to spread each one's over some seconds, few enough that their processes' memory is
// no matter.
constexpr size_t kMostTogether = 8;
constexpr uint64_t kMostRegionBytes = 1ull << 30;
constexpr uint64_t kShareOfDevice = 4;  // of a device's memory, what those together may take; what confirms a graph comes on top

// A round of each that needs one, again and again. `begun` is told how many rounds were begun.
Status TakeTurns(const std::vector<std::unique_ptr<GraphEvaluation>>& graphs, const std::function<void(int)>& begun) {
  std::deque<GraphEvaluation*> waiting;
  for (const auto& graph : graphs) {
    if (!graph->Done()) waiting.push_back(graph.get());
  }
  for (int rounds = 0; !waiting.empty(); ++rounds) {
    GraphEvaluation* graph = waiting.front();
    waiting.pop_front();
    begun(rounds + 1);
    RETURN_IF_ERROR(graph->Round(waiting.empty() ? nullptr : waiting.front()));
    if (!graph->Done()) waiting.push_back(graph);
  }
  return OkStatus();
}

void AddOutcome(GraphOutcome outcome, std::vector<GraphOutcome>* outcomes, EvaluationReport* report) {
  AddLaps(outcome.timings_ms, &report->timings_ms);
  if (!outcome.layers.empty()) report->sandbox.layers = outcome.layers;
  if (report->candidate_output.empty()) report->candidate_output = outcome.candidate_output;
  report->graphs.push_back(outcome.report);
  outcomes->push_back(std::move(outcome));
}

bool WorkedBeside(const std::vector<GraphOutcome>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(), [](const GraphOutcome& one) { return one.worked_beside; });
}

// The same fate for every graph of a candidate that never ran.
void FailAll(const passbench::Task& task, GraphStatus status, Verdict verdict, const std::string& reason,
             EvaluationReport* report) {
  for (const passbench::Graph& graph : task.graphs) {
    GraphReport entry = NewReport(graph);
    entry.status = status;
    entry.verdict = verdict;
    entry.reason = reason;
    report->graphs.push_back(std::move(entry));
  }
  report->verdict = verdict;
  report->reason = reason;
}

GraphStatus StatusOfUnprepared(Verdict verdict) {
  if (verdict == Verdict::kUnsupported) return GraphStatus::kUnsupportedLane;
  return verdict == Verdict::kCompile ? GraphStatus::kCompileFail : GraphStatus::kRuntimeFail;
}

// Each operator's share of the graph's eager time.
Status NoteShares(Side& reference, GraphDescription* description) {
  const std::string who = "the profile of " + description->path;
  ASSIGN_OR_RETURN(Json answer, reference.Command({{"cmd", "profile"}}, {}));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, who));
  if (words) return Internal(who + " failed: " + integrity::LastLine(*words));
  std::map<std::string, double> seconds;
  RETURN_IF_ERROR(ReadAnswer(answer, who, [&](FieldVisitor& fields) {
    fields.Required("seconds");
    fields.NumberMap("seconds", &seconds);
  }));
  double total = 0;
  for (const auto& [name, time] : seconds) total += time;
  for (OpRecord& op : description->ops) {
    auto found = seconds.find(op.name);
    if (total > 0 && found != seconds.end()) op.eager_share = found->second / total;
  }
  return OkStatus();
}

}  // namespace

Status Evaluator::CheckDevice(const std::string& device) const {
  if (device == options_.device) return OkStatus();
  return InvalidArgument("device " + device.substr(0, kMostDeviceShown) + ": this lane is " + options_.device);
}

Result<std::unique_ptr<Evaluator::DeviceTurn>> Evaluator::TakeDevice(const RequestHooks& hooks) {
  if (!OnCuda()) return std::unique_ptr<DeviceTurn>();
  ASSIGN_OR_RETURN(HostLock::Hold lease, device_->Lease(Deadline::After(kCoreLimit), hooks.cancelled));
  RETURN_IF_ERROR(device_->LearnQuiet());
  return std::unique_ptr<DeviceTurn>(new DeviceTurn{std::move(lease), *maker_});
}

Status Evaluator::EndTurn() {
  maker_->AwaitIdle();
  return device_->CheckAnswers();
}

std::string Evaluator::KeyOf(const passbench::Graph& graph) const {
  return passbench::CaptureCacheKey(graph, {torch_device_, options_.threads, true, zygote_->torch_version()});
}

Result<std::shared_ptr<TaskChild>> Evaluator::ChildOf(const passbench::Graph& graph) {
  std::string key = KeyOf(graph);
  if (auto child = task_children_.Find(key)) return child;
  ASSIGN_OR_RETURN(auto child, TaskChild::Start(zygote_, graph, Deadline::After(kCaptureLimit)));
  if (OnCuda()) RETURN_IF_ERROR(CheckNoGpuIn(child->pid(), "a task child", gpu_->access));
  task_children_.Put(key, child);
  return child;
}

GraphContext Evaluator::ContextOf(const passbench::Graph& graph, std::shared_ptr<TaskChild> task,
                             std::chrono::milliseconds time_cap, const RequestHooks& hooks) {
  GraphContext context;
  context.task = std::move(task);
  context.graph = &graph;
  context.instruments = &*instruments_;
  context.memory_speed = &memory_speed_;
  context.threads = options_.threads;
  context.candidate_memory_bytes = options_.candidate_memory_bytes;
  context.time_cap = time_cap;
  context.cancelled = hooks.cancelled;
  return context;
}

Result<EvaluationReport> Evaluator::Evaluate(const EvaluateRequest& request, const RequestHooks& hooks) {
  RETURN_IF_ERROR(CheckDevice(request.device));
  EvaluationReport report;
  report.evaluation_id = request.evaluation_id;
  report.profile = request.profile;
  report.device = request.device;
  report.call_path = request.call_path;
  report.matching = request.matching;
  report.environment = environment_;
  SteadyTime started = Clock::System().Now();
  const auto held_before = timing_core_->Held();
  Stopwatch watch(&report.timings_ms);
  ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(request.task.path, request.task.hash));
  report.task = task.name;
  report.sandbox.tier = zygote_->tier();
  report.sandbox.layers = zygote_->layers();
  watch.Lap("load");
  int total = static_cast<int>(task.graphs.size());
  hooks.progress("screen, compile, trace", 0, total);
  Workshop workshop{zygote_, &*compiler_, options_.device};
  workshop.kept = &readers_;
  workshop.ablation = options_.ablation;
  workshop.has_triton = triton_.has_value();
  ASSIGN_OR_RETURN(std::optional<PreparedCandidate> prepared, PrepareCandidate(workshop, request, &report));
  std::vector<GraphOutcome> outcomes;
  if (prepared) {
    ASSIGN_OR_RETURN(outcomes, EvaluateGraphs(task, request, *prepared, hooks, &report));
  } else {
    FailAll(task, StatusOfUnprepared(report.verdict), report.verdict, report.reason, &report);
  }
  const passbench::ScoreOptions score{request.p, request.b, request.interpretation};
  ScoredGraphs scored = ScoreOurs(report.graphs, score);
  report.aggregated_score = scored.aggregated;
  report.es = scored.es;
  if (prepared) report.upstream_score = ScoreUpstream(outcomes, score);
  report.timings_ms["core_held"] = std::chrono::duration<double, std::milli>(timing_core_->Held() - held_before).count();
  report.timings_ms["total"] = std::chrono::duration<double, std::milli>(Clock::System().Now() - started).count();
  return report;
}

Result<Evaluator::Matched> Evaluator::MatchSome(const passbench::Task& task, size_t begin, const EvaluateRequest& request,
                                                const PreparedCandidate& prepared, const RequestHooks& hooks,
                                                EvaluationReport* report) {
  Matched matched;
  const size_t end = std::min(task.graphs.size(), begin + kMostTogether);
  for (size_t at = begin; at < end; ++at) {
    const passbench::Graph& graph = task.graphs[at];
    if (hooks.cancelled()) return Cancelled();
    hooks.progress("graph " + graph.path, static_cast<int>(begin), static_cast<int>(task.graphs.size()));
    Stopwatch capture(&report->timings_ms);
    ASSIGN_OR_RETURN(std::shared_ptr<TaskChild> child, ChildOf(graph));
    capture.Lap("capture");
    GraphContext context = ContextOf(graph, std::move(child), request.time_cap, hooks);
    ASSIGN_OR_RETURN(auto one, GraphEvaluation::Create(std::move(context), request, prepared));
    matched.push_back(std::move(one));
  }
  return matched;
}

Status Evaluator::CompileTritonFor(const Matched& matched, const PreparedCandidate& prepared, EvaluationReport* report) {
  if (!prepared.uses_triton || !triton_) return OkStatus();
  Stopwatch watch(&report->timings_ms);
  std::vector<TritonGraph> jobs;
  std::vector<GraphEvaluation*> theirs;
  for (const auto& one : matched) {
    if (one->Done()) continue;
    jobs.push_back(one->TritonJob());
    theirs.push_back(one.get());
  }
  const auto compile = [&](const std::vector<TritonGraph>& graphs) {
    return triton_->Compile(prepared.files, graphs, Deadline::After(kTritonLimit));
  };
  ASSIGN_OR_RETURN(std::vector<TritonKernels> kernels, CompileTriton(compile, jobs, &report->compile));
  for (size_t i = 0; i < theirs.size(); ++i) theirs[i]->Take(std::move(kernels[i]));
  watch.Lap("compile");
  return OkStatus();
}

Result<std::vector<GraphOutcome>> Evaluator::MeasureTogether(Matched& matched, const std::function<void(int)>& progress,
                                                             const RequestHooks& hooks) {
  const uint64_t most_bytes = OnCuda() ? device_facts_.memory_bytes / kShareOfDevice : kMostRegionBytes;
  std::vector<GraphOutcome> outcomes;
  while (!matched.empty()) {
    std::vector<std::unique_ptr<GraphEvaluation>> together;
    uint64_t bytes = 0;
    do {
      if (hooks.cancelled()) return Cancelled();
      RETURN_IF_ERROR(matched.front()->Begin());
      bytes += matched.front()->RegionBytes();
      together.push_back(std::move(matched.front()));
      matched.pop_front();
    } while (!matched.empty() && bytes < most_bytes);
    RETURN_IF_ERROR(TakeTurns(together, progress));
    for (auto& one : together) {
      ASSIGN_OR_RETURN(GraphOutcome outcome, one->Finish());
      outcomes.push_back(std::move(outcome));
    }
  }
  return outcomes;
}

Result<std::vector<GraphOutcome>> Evaluator::MeasureSome(Matched& matched, const std::function<void(int)>& progress,
                                                         const RequestHooks& hooks) {
  ASSIGN_OR_RETURN(const std::unique_ptr<DeviceTurn> turn, TakeDevice(hooks));
  auto outcomes = MeasureTogether(matched, progress, hooks);
  // What was found out on a device that does no work any more is not believed: whose doing it is, nobody can tell.
  if (turn) RETURN_IF_ERROR(EndTurn());
  if (!outcomes || !WorkedBeside(outcomes.value())) return outcomes;
  // The candidate's processes are gone: who is at work there now is none of them.
  ASSIGN_OR_RETURN(const bool quiet, device_->IsQuiet());
  if (!quiet) return OthersWork(device_facts_.uuid, kLateBeside);
  return outcomes;
}

Result<std::vector<GraphOutcome>> Evaluator::EvaluateGraphs(const passbench::Task& task, const EvaluateRequest& request,
                                                            const PreparedCandidate& prepared,
                                                            const RequestHooks& hooks, EvaluationReport* report) {
  const auto total = static_cast<int>(task.graphs.size());
  std::vector<GraphOutcome> outcomes;
  while (outcomes.size() < task.graphs.size()) {
    const auto done = static_cast<int>(outcomes.size());
    ASSIGN_OR_RETURN(Matched matched, MatchSome(task, outcomes.size(), request, prepared, hooks, report));
    RETURN_IF_ERROR(CompileTritonFor(matched, prepared, report));
    const auto progress = [&](int rounds) { hooks.progress("measuring, round " + std::to_string(rounds), done, total); };
    ASSIGN_OR_RETURN(std::vector<GraphOutcome> some, MeasureSome(matched, progress, hooks));
    for (GraphOutcome& outcome : some) AddOutcome(std::move(outcome), &outcomes, report);
  }
  report->verdict = WorstVerdict(report->graphs);
  for (const GraphReport& graph : report->graphs) {
    if (graph.verdict == report->verdict) {
      report->reason = graph.reason;
      break;
    }
  }
  return outcomes;
}

std::filesystem::path Evaluator::BaselinePath(const std::vector<passbench::Graph>& graphs,
                                              const BaselineRequest& request) const {
  Sha256 hash;
  hash.UpdateField("passnet.baseline/1").UpdateField(BaselineCompilerName(request.compiler));
  hash.UpdateField(kMeasuring).UpdateField(ProfileName(request.profile));
  hash.UpdateField(std::to_string(request.p)).UpdateField(std::to_string(request.b));
  hash.UpdateField(std::to_string(request.time_cap.count()));
  for (const auto& [key, value] : environment_) hash.UpdateField(key).UpdateField(value);
  if (OnCuda()) hash.UpdateField(device_facts_.uuid);
  for (const passbench::Graph& graph : graphs) hash.UpdateField(graph.path).UpdateField(KeyOf(graph));
  return options_.cache_dir / "baselines" / (ToHex(hash.Finish()) + ".json");
}

Result<std::shared_ptr<InductorParent>> Evaluator::Inductor() {
  if (!inductor_) {
    ASSIGN_OR_RETURN(inductor_, InductorParent::Start(zygote_, torch_device_, Deadline::After(kInductorLimit)));
  }
  return inductor_;
}

Result<BaselineReport> Evaluator::Baseline(const BaselineRequest& request, const RequestHooks& hooks) {
  RETURN_IF_ERROR(CheckDevice(request.device));
  SteadyTime started = Clock::System().Now();
  ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(request.task.path, request.task.hash));
  std::filesystem::path path = BaselinePath(task.graphs, request);
  if (auto text = ReadFile(path, kMaxBaselineBytes); request.use_cache && text) {
    if (auto report = BaselineReportFromJson(text.value())) {
      report.value().cached = true;
      return report;
    }
  }
  BaselineReport report;
  report.task = task.name;
  report.compiler = request.compiler;
  report.device = request.device;
  report.environment = environment_;
  BaselineContext baseline{torch_device_, request.profile, nullptr, {}, {}};
  if (request.compiler == BaselineCompiler::kInductor) {
    ASSIGN_OR_RETURN(baseline.inductor, Inductor());
  }
  baseline.context_of = [&](const passbench::Graph& graph) -> Result<GraphContext> {
    if (hooks.cancelled()) return Cancelled();
    ASSIGN_OR_RETURN(std::shared_ptr<TaskChild> child, ChildOf(graph));
    return ContextOf(graph, std::move(child), request.time_cap, hooks);
  };
  baseline.begun = [&, done = 0](const passbench::Graph& graph) mutable {
    hooks.progress(graph.path, done++, static_cast<int>(task.graphs.size()));
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<DeviceTurn> turn, TakeDevice(hooks));
  auto outcomes = MeasureBaselines(task.graphs, baseline);
  if (turn) RETURN_IF_ERROR(EndTurn());
  if (!outcomes) {
    // Its process may be what failed: the next request starts a fresh one.
    if (outcomes.error().code != ErrorCode::kCancelled) inductor_.reset();
    return std::move(outcomes).error();
  }
  if (WorkedBeside(outcomes.value())) return OthersWork(device_facts_.uuid, kLateBeside);
  for (GraphOutcome& outcome : outcomes.value()) {
    AddLaps(outcome.timings_ms, &report.timings_ms);
    report.graphs.push_back(std::move(outcome.report));
  }
  ScoredGraphs scored = ScoreOurs(report.graphs, {request.p, request.b, Interpretation::kDefault});
  report.aggregated_score = scored.aggregated;
  report.es = scored.es;
  report.timings_ms["total"] = std::chrono::duration<double, std::milli>(Clock::System().Now() - started).count();
  // A measurement that something of ours spoiled is not kept.
  if (request.use_cache && WorstVerdict(report.graphs) != Verdict::kInfra) {
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    RETURN_IF_ERROR(WriteFileAtomic(path, ToJson(report)));
  }
  return report;
}

Result<GraphDescription> Evaluator::DescribeGraph(const passbench::Graph& graph, const RequestHooks& hooks) {
  ASSIGN_OR_RETURN(std::shared_ptr<TaskChild> child, ChildOf(graph));
  ASSIGN_OR_RETURN(const std::unique_ptr<DeviceTurn> turn, TakeDevice(hooks));
  ASSIGN_OR_RETURN(std::shared_ptr<GraphFacts> facts, FactsOf(child, graph, {}, *device_));
  GraphDescription description;
  description.path = graph.path;
  description.dtype = graph.Dtype();
  description.model_source = graph.MappedSource(torch_device_);
  description.ops = child->ops();
  const SlotLayout& layout = facts->layout;
  for (const SlotInput& input : layout.inputs) {
    description.inputs.push_back(input.name + ": " + input.dtype + Json(input.shape).Dump());
    description.bytes_touched += input.bytes;
  }
  for (const SlotOutput& output : layout.outputs) {
    std::string text = output.dtype + Json(output.shape).Dump();
    if (output.alias >= 0) text += " (a view of " + layout.inputs[static_cast<size_t>(output.alias)].name + ")";
    description.outputs.push_back(std::move(text));
    if (output.alias < 0) description.bytes_touched += output.bytes;
  }
  double speed = memory_speed_.CopyBytesPerUs(description.bytes_touched);
  description.floor_us = speed > 0 ? static_cast<double>(description.bytes_touched) / speed : 0;
  ASSIGN_OR_RETURN(Side eager, Side::Create(layout, *device_));
  RETURN_IF_ERROR(MakeEager(child, eager));
  ASSIGN_OR_RETURN(TimingCore::Hold hold, timing_core_->Take(Deadline::After(kCoreLimit), hooks.cancelled));
  RETURN_IF_ERROR(PinToCore(options_.timing_core));
  auto micros = EagerMicros(*facts, eager, options_.timing_core, decisions_);
  RETURN_IF_ERROR(PinToCores(other_cores_));
  ASSIGN_OR_RETURN(description.eager_us, std::move(micros));
  RETURN_IF_ERROR(NoteShares(eager, &description));
  return description;
}

Result<TaskDescription> Evaluator::Describe(const DescribeTaskRequest& request, const RequestHooks& hooks) {
  RETURN_IF_ERROR(CheckDevice(request.device));
  ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(request.task.path, request.task.hash));
  TaskDescription description;
  description.task = task.name;
  description.environment = environment_;
  for (const passbench::Graph& graph : task.graphs) {
    if (hooks.cancelled()) return Cancelled();
    hooks.progress(graph.path, static_cast<int>(description.graphs.size()), static_cast<int>(task.graphs.size()));
    ASSIGN_OR_RETURN(GraphDescription entry, DescribeGraph(graph, hooks));
    description.graphs.push_back(std::move(entry));
  }
  return description;
}

}  // namespace passnet::evaluator
