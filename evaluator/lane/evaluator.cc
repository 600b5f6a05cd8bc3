#include "evaluator/lane/evaluator.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "base/file.h"
#include "base/sha256.h"
#include "evaluator/api/json.h"
#include "evaluator/integrity/judge.h"
#include "evaluator/lane/baseline.h"
#include "evaluator/lane/host_facts.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/scoring.h"
#include "evaluator/lane/stopwatch.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kStartLimit{120};    // importing torch on a cold disk
constexpr std::chrono::seconds kCaptureLimit{120};
constexpr std::chrono::minutes kInductorLimit{5};   // a first compile with everything cold
constexpr std::chrono::minutes kCoreLimit{60};  // another evaluator may be measuring a graph of a minute a call
constexpr const char* kMeasuring = "rounds 2";  // changes with docs/measuring.md: other figures are not to be compared
constexpr size_t kMaxBaselineBytes = 8u << 20;

Result<std::vector<int>> UsableCores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return Error::FromErrno("sched_getaffinity", "", errno);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

Error Cancelled() { return {ErrorCode::kCancelled, "the request was cancelled"}; }

void AddLaps(const std::map<std::string, double>& laps, std::map<std::string, double>* to) {
  for (const auto& [name, ms] : laps) (*to)[name] += ms;
}

// Graphs whose rounds take turns: enough to spread each one's over some seconds, few enough that their processes' memory is
// no matter.
constexpr size_t kMostTogether = 8;
constexpr uint64_t kMostRegionBytes = 1ull << 30;

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

Result<std::unique_ptr<Evaluator>> Evaluator::Create(const EvaluatorOptions& options) {
  if (options.threads != 1) {
    return InvalidArgument("a CPU lane times on one core: threads = " + std::to_string(options.threads) +
                           " is not supported");
  }
  std::unique_ptr<Evaluator> made(new Evaluator(options));
  RETURN_IF_ERROR(made->CheckDevice(options.device));
  ASSIGN_OR_RETURN(std::vector<int> cores, UsableCores());
  if (options.timing_core < 0) made->options_.timing_core = cores.back();
  int timing = made->options_.timing_core;
  if (std::find(cores.begin(), cores.end(), timing) == cores.end()) {
    return InvalidArgument("timing core " + std::to_string(timing) + " is not among the cores this process may use");
  }
  for (int core : cores) {
    if (core != timing) made->other_cores_.push_back(core);
  }
  // With a single core everything shares it; the noise in the report then shows it.
  if (made->other_cores_.empty()) made->other_cores_ = {timing};

  ZygoteOptions zygote{options.python, options.worker_dir, options.threads, made->other_cores_,
                       options.candidate_memory_bytes,
                       options.polled_limits ? sandbox::LimitsBy::kPolling : sandbox::LimitsBy::kBestOfHost};
  ASSIGN_OR_RETURN(made->zygote_, Zygote::Start(zygote, Deadline::After(kStartLimit)));
  KernelCompilerOptions compile;
  compile.include_dir = options.include_dir;
  compile.cache_dir = options.cache_dir / "kernels";
  compile.cores = made->other_cores_;
  compile.check_products = !options.ablation.Omits(Layer::kProducts);
  ASSIGN_OR_RETURN(KernelCompiler compiler, KernelCompiler::Create(std::move(compile), Deadline::After(kStartLimit)));
  made->compiler_.emplace(std::move(compiler));
  ASSIGN_OR_RETURN(TimingCore core, TimingCore::Open(timing));
  made->timing_core_.emplace(std::move(core));
  {
    ASSIGN_OR_RETURN(TimingCore::Hold hold, made->timing_core_->Take(Deadline::After(kStartLimit), {}));
    RETURN_IF_ERROR(PinToCore(timing));
    made->memory_speed_ = MeasureMemorySpeed();
    RETURN_IF_ERROR(PinToCores(made->other_cores_));
  }
  made->data_ = std::make_unique<HelperThread>("pn-data", made->other_cores_);
  made->maker_ = std::make_unique<HelperThread>("pn-maker", made->other_cores_);
  made->instruments_.emplace(Instruments{*made->timing_core_, *made->device_, made->other_cores_, *made->data_,
                                   *made->maker_, made->decisions_, made->draws_, made->blocks_, made->options_.ablation});
  made->environment_ = {
      {"device", options.device},
      {"threads", std::to_string(options.threads)},
      {"torch", made->zygote_->torch_version()},
      {"python", made->zygote_->python_version()},
      {"compiler", Sha256Hex(made->compiler_->version()).substr(0, 16)},
      {"cpu", CpuModel()},
      {"caches", CachesOf(timing)},
      {"kernel", KernelRelease()},
      {"build", PASSNET_VERSION},
  };
  for (const auto& [key, value] : made->compiler_->facts()) made->environment_[key] = value;
  if (const std::string ablated = options.ablation.Text(); !ablated.empty()) made->environment_["ablated"] = ablated;
  return made;
}

Status Evaluator::CheckDevice(const std::string& device) const {
  if (device == options_.device && device == "cpu") return OkStatus();
  return InvalidArgument("device " + device + ": this lane is " + options_.device +
                         ", and only \"cpu\" lanes exist in this build");
}

std::string Evaluator::KeyOf(const passbench::Graph& graph) const {
  return passbench::CaptureCacheKey(graph, {options_.device, options_.threads, true, zygote_->torch_version()});
}

Result<std::shared_ptr<TaskChild>> Evaluator::ChildOf(const passbench::Graph& graph) {
  std::string key = KeyOf(graph);
  if (auto child = task_children_.Find(key)) return child;
  ASSIGN_OR_RETURN(auto child, TaskChild::Start(zygote_, graph, options_.device, Deadline::After(kCaptureLimit)));
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

Result<std::vector<GraphOutcome>> Evaluator::EvaluateGraphs(const passbench::Task& task, const EvaluateRequest& request,
                                                            const PreparedCandidate& prepared,
                                                            const RequestHooks& hooks, EvaluationReport* report) {
  const auto total = static_cast<int>(task.graphs.size());
  std::vector<GraphOutcome> outcomes;
  for (size_t begin = 0; begin < task.graphs.size();) {
    std::vector<std::unique_ptr<GraphEvaluation>> together;
    uint64_t bytes = 0;
    do {
      const passbench::Graph& graph = task.graphs[begin + together.size()];
      if (hooks.cancelled()) return Cancelled();
      hooks.progress("graph " + graph.path, static_cast<int>(outcomes.size()), total);
      Stopwatch capture(&report->timings_ms);
      ASSIGN_OR_RETURN(std::shared_ptr<TaskChild> child, ChildOf(graph));
      capture.Lap("capture");
      GraphContext context = ContextOf(graph, std::move(child), request.time_cap, hooks);
      ASSIGN_OR_RETURN(auto one, GraphEvaluation::Begin(std::move(context), request, prepared));
      bytes += one->RegionBytes();
      together.push_back(std::move(one));
    } while (begin + together.size() < task.graphs.size() && together.size() < kMostTogether && bytes < kMostRegionBytes);
    begin += together.size();
    RETURN_IF_ERROR(TakeTurns(together, [&](int rounds) {
      hooks.progress("measuring, round " + std::to_string(rounds), static_cast<int>(outcomes.size()), total);
    }));
    for (auto& one : together) {
      ASSIGN_OR_RETURN(GraphOutcome outcome, one->Finish());
      AddOutcome(std::move(outcome), &outcomes, report);
    }
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
  for (const passbench::Graph& graph : graphs) hash.UpdateField(graph.path).UpdateField(KeyOf(graph));
  return options_.cache_dir / "baselines" / (ToHex(hash.Finish()) + ".json");
}

Result<std::shared_ptr<InductorParent>> Evaluator::Inductor() {
  if (!inductor_) {
    ASSIGN_OR_RETURN(inductor_, InductorParent::Start(zygote_, options_.device, Deadline::After(kInductorLimit)));
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
  BaselineContext baseline{options_.device, request.profile, nullptr, {}, {}};
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
  auto outcomes = MeasureBaselines(task.graphs, baseline);
  if (!outcomes) {
    // Its process may be what failed: the next request starts a fresh one.
    if (outcomes.error().code != ErrorCode::kCancelled) inductor_.reset();
    return std::move(outcomes).error();
  }
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
  ASSIGN_OR_RETURN(std::shared_ptr<GraphFacts> facts, FactsOf(child, graph, {}, *device_));
  GraphDescription description;
  description.path = graph.path;
  description.dtype = graph.Dtype();
  description.model_source = graph.MappedSource(options_.device);
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
