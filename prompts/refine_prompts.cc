#include "prompts/refine_prompts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "prompts/escape.h"
#include "prompts/renderer.h"

namespace passnet::prompts {
namespace {

using evaluator::EvaluationReport;
using evaluator::GraphDescription;
using evaluator::GraphReport;

// Bounds of one prompt, chosen: a feedback of a 6-graph task stays near 1,000 tokens, the worst near 20,000.
constexpr size_t kMaxGraphsShown = 40;
constexpr size_t kMaxOpsShown = 200;
constexpr size_t kMaxSourceBytes = 16 << 10;
constexpr size_t kMaxDiagnosticsBytes = 6 << 10;
constexpr size_t kMaxPrintedBytes = 2 << 10;
constexpr size_t kMaxReasonBytes = 1 << 10;
constexpr size_t kMaxNameBytes = 300;

std::string Number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string OrUnknown(const char* format, const std::optional<double>& value) {
  return value ? Number(format, *value) : "unknown";
}

// "-7..4", or "none". Gaps are shown: "-7..-6,1..4".
std::string Ranges(std::vector<int> levels) {
  if (levels.empty()) return "none";
  std::sort(levels.begin(), levels.end());
  std::string out;
  for (size_t i = 0; i < levels.size();) {
    size_t last = i;
    while (last + 1 < levels.size() && levels[last + 1] == levels[last] + 1) ++last;
    if (!out.empty()) out += ",";
    out += std::to_string(levels[i]);
    if (last > i) out += ".." + std::to_string(levels[last]);
    i = last + 1;
  }
  return out;
}

// A table's cell: one line without the border sign.
std::string Cell(const std::string& text) {
  std::string line = InlineText(text, kMaxNameBytes);
  std::replace(line.begin(), line.end(), '|', '/');
  return line;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + InlineText(part, kMaxNameBytes);
  return out;
}

std::vector<Values> TextItem(const std::string& text) {
  return text.empty() ? std::vector<Values>{} : std::vector<Values>{Values{{"text", Value(text)}}};
}

std::vector<Values> BestItem(const std::optional<BestSoFar>& best) {
  if (!best) return {};
  return {Values{{"round", Value(std::to_string(best->round))},
                 {"verdict", Value(evaluator::VerdictName(best->verdict))},
                 {"score", Value(Number("%.4f", best->score))}}};
}

std::vector<Values> LeftOut(size_t count, size_t shown) {
  if (count <= shown) return {};
  return {Values{{"count", Value(std::to_string(count - shown))}}};
}

Values OpRow(const evaluator::OpRecord& op) {
  return {{"node", Value(Cell(op.name))},
          {"target", Value(Cell(op.target))},
          {"arguments", Value(Cell(op.arguments))},
          {"output", Value(Cell(op.output))},
          {"share", Value(op.eager_share > 0 ? Number("%.0f %%", op.eager_share * 100) : "")},
          {"mark", Value(op.matchable ? "" : "cannot be matched")}};
}

Values GraphRow(const GraphDescription& graph) {
  return {{"path", Value(InlineText(graph.path, kMaxNameBytes))},
          {"dtype", Value(InlineText(graph.dtype, kMaxNameBytes))},
          {"eager_us", Value(Number("%.1f", graph.eager_us))},
          {"bytes", Value(std::to_string(graph.bytes_touched))},
          {"floor_us", Value(Number("%.1f", graph.floor_us))},
          {"inputs", Value(Join(graph.inputs))},
          {"outputs", Value(Join(graph.outputs))}};
}

// Graphs with the same source share one entry; its operator shares are those of the slowest of them.
Values SourceItem(size_t number, const std::vector<const GraphDescription*>& graphs) {
  const GraphDescription* slowest = *std::max_element(
      graphs.begin(), graphs.end(), [](const auto* a, const auto* b) { return a->eager_us < b->eager_us; });
  std::string source = graphs.front()->model_source.substr(0, kMaxSourceBytes);
  while (!source.empty() && source.back() == '\n') source.pop_back();
  std::vector<Values> ops;
  for (const auto& op : slowest->ops) {
    if (ops.size() == kMaxOpsShown) break;
    ops.push_back(OpRow(op));
  }
  std::vector<Values> rows;
  for (const GraphDescription* graph : graphs) rows.push_back(GraphRow(*graph));
  return {{"number", Value(std::to_string(number))},
          {"fence", Value(FenceFor(source))},
          {"source", Value(std::move(source))},
          {"profiled_graph", Value(InlineText(slowest->path, kMaxNameBytes))},
          {"ops", Value(std::move(ops))},
          {"graphs", Value(std::move(rows))}};
}

std::vector<Values> NumberItem(const char* name, const char* format, const std::optional<double>& value) {
  if (!value) return {};
  return {Values{{name, Value(Number(format, *value))}}};
}

bool IsRight(const GraphReport& graph) {
  return graph.verdict == evaluator::Verdict::kOk || graph.verdict == evaluator::Verdict::kTrivial;
}

// What fails first, as it stands in the report; then what is right, the slowest first.
std::vector<const GraphReport*> MostUrgentFirst(const std::vector<GraphReport>& graphs) {
  const auto rank = [](const GraphReport* graph) {
    if (!IsRight(*graph)) return -std::numeric_limits<double>::infinity();
    return graph->speedup_call.value_or(0);
  };
  std::vector<const GraphReport*> sorted;
  for (const GraphReport& graph : graphs) sorted.push_back(&graph);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return sorted;
}

std::vector<Values> FailedCount(const std::vector<GraphReport>& graphs) {
  const auto failed = std::count_if(graphs.begin(), graphs.end(), [](const auto& graph) { return !IsRight(graph); });
  if (failed == 0) return {};
  return {Values{{"count", Value(std::to_string(failed))}, {"all", Value(std::to_string(graphs.size()))}}};
}

std::optional<double> SpeedupOf(const std::map<std::string, double>& speedups, const std::string& path) {
  const auto found = speedups.find(path);
  return found == speedups.end() ? std::nullopt : std::optional(found->second);
}

// Facts of a lane's environment under the words that a model knows them by.
struct ToldFact {
  const char* key;
  const char* what;
};
constexpr std::array<ToldFact, 8> kToldOfCpu = {{{"cpu", "CPU"},
                                                 {"vectors", "vector extensions"},
                                                 {"caches", "caches of the core that times"},
                                                 {"compiler_name", "compiler"},
                                                 {"kernel_features", "a kernel can use"},
                                                 {"threads", "threads"},
                                                 {"torch", "PyTorch"},
                                                 {"python", "Python"}}};
constexpr std::array<ToldFact, 3> kToldBesideGpu = {{{"cpu", "CPU"}, {"torch", "PyTorch"}, {"python", "Python"}}};

std::vector<Values> Machine(const std::map<std::string, std::string>& facts, std::span<const ToldFact> told) {
  std::vector<Values> items;
  for (const auto& [key, what] : told) {
    const auto found = facts.find(key);
    if (found == facts.end()) continue;
    items.push_back({{"what", Value(what)}, {"value", Value(InlineText(found->second, kMaxNameBytes))}});
  }
  return items;
}

// "output 0 (float32): 12 of 4096 elements are wrong", and a line for each element that is told.
std::vector<Values> MismatchItems(const std::vector<evaluator::OutputMismatch>& mismatches) {
  std::vector<Values> items;
  for (const evaluator::OutputMismatch& mismatch : mismatches) {
    std::vector<Values> elements;
    for (const evaluator::ElementMismatch& element : mismatch.told) {
      elements.push_back({{"index", Value(InlineText(element.index, kMaxNameBytes))},
                          {"expected", Value(InlineText(element.expected, kMaxNameBytes))},
                          {"got", Value(InlineText(element.got, kMaxNameBytes))}});
    }
    items.push_back({{"what", Value(InlineText(mismatch.what, kMaxNameBytes))},
                     {"wrong", Value(std::to_string(mismatch.wrong))},
                     {"elements", Value(std::to_string(mismatch.elements))},
                     {"told", Value(std::move(elements))}});
  }
  return items;
}

constexpr size_t kMaxKernels = 8;  // of a graph; the longest come first

std::vector<Values> KernelItems(const std::vector<evaluator::KernelUse>& kernels) {
  std::vector<Values> items;
  for (size_t i = 0; i < kernels.size() && i < kMaxKernels; ++i) {
    items.push_back({{"name", Value(InlineText(kernels[i].name, kMaxNameBytes))},
                     {"launches", Value(Number("%g", kernels[i].launches))},
                     {"device_us", Value(Number("%.1f", kernels[i].device_us))},
                     {"library", Value(!kernels[i].own)}});
  }
  return items;
}

std::vector<Values> KernelsLeftOut(const std::vector<evaluator::KernelUse>& kernels) {
  if (kernels.size() <= kMaxKernels) return {};
  return {Values{{"count", Value(std::to_string(kernels.size() - kMaxKernels))}}};
}

Values ResultRow(const GraphReport& graph, const std::optional<double>& inductor) {
  return {{"path", Value(InlineText(graph.path, kMaxNameBytes))},
          {"dtype", Value(InlineText(graph.dtype, kMaxNameBytes))},
          {"status", Value(evaluator::GraphStatusName(graph.status))},
          {"verdict", Value(evaluator::VerdictName(graph.verdict))},
          {"speedup", Value(graph.speedup_call ? Number("%.3fx", *graph.speedup_call) : "unknown")},
          {"eager_us", Value(OrUnknown("%.1f", graph.eager_us))},
          {"candidate_us", Value(OrUnknown("%.1f", graph.candidate_us))},
          {"floor", Value(NumberItem("us", "%.1f", graph.floor_us))},
          {"inductor", Value(NumberItem("speedup", "%.3fx", inductor))},
          {"matched_nodes", Value(std::to_string(graph.matched_nodes))},
          {"max_abs_diff", Value(OrUnknown("%.3g", graph.max_abs_diff))},
          {"tolerances_ok", Value(Ranges(graph.tolerances_ok))},
          {"detail", Value(TextItem(InlineText(graph.reason, kMaxReasonBytes)))},
          {"mismatches", Value(MismatchItems(graph.mismatches))},
          {"kernels", Value(KernelItems(graph.kernels))},
          {"kernels_left_out", Value(KernelsLeftOut(graph.kernels))}};
}

std::vector<Values> Diagnostics(const EvaluationReport& report, bool ok) {
  std::vector<Values> items;
  for (const auto& file : report.compile) {
    if (file.ok != ok || (ok && file.diagnostics.empty())) continue;
    items.push_back({{"file", Value(InlineText(file.file, kMaxNameBytes))},
                     {"diagnostics", Value(Quoted(file.diagnostics, kMaxDiagnosticsBytes))}});
  }
  return items;
}

Result<std::string> Render(const PromptTexts& texts, const std::string& name, const Values& values) {
  auto text = texts.find(name);
  if (text == texts.end()) return InvalidArgument("prompt " + name + " is missing");
  ASSIGN_OR_RETURN(Template parsed, Template::Parse(name, text->second));
  return parsed.Render(values);
}

// A text that stands in another one as it is, without the line end at its end. Empty for a campaign whose prompts were
// pinned before there was such a text: they do not name it.
std::string QuotedText(const PromptTexts& texts, const std::string& name) {
  auto found = texts.find(name);
  std::string text = found == texts.end() ? std::string() : found->second;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

Result<std::string> RenderSystem(const PromptTexts& texts, const ReplyLimits& limits, double failure_score,
                                 const std::map<std::string, std::string>& machine) {
  const std::string header = QuotedText(texts, "passnet_kernel");
  return Render(texts, "refine_system",
                {{"machine", Value(Machine(machine, kToldOfCpu))},
                 {"kernel_fence", Value(FenceFor(header))},
                 {"kernel_header", Value(header)},
                 {"example", Value(QuotedText(texts, "refine_example"))},
                 {"failure_score", Value(Number("%g", failure_score))},
                 {"max_files", Value(std::to_string(limits.max_files))},
                 {"max_bytes", Value(std::to_string(limits.max_total_bytes))}});
}

std::optional<GpuLane> GpuLaneOf(const std::map<std::string, std::string>& environment) {
  const auto text = [&environment](const char* key) {
    const auto found = environment.find(key);
    return found == environment.end() ? std::string() : found->second;
  };
  const auto number = [&text](const char* key, auto* value) {
    const std::string told = text(key);
    std::from_chars(told.data(), told.data() + told.size(), *value);  // stays 0 where nothing is told
  };
  GpuLane gpu;
  gpu.model = text("gpu_model");
  if (gpu.model.empty()) return std::nullopt;
  gpu.compute_capability = text("gpu_compute_capability");
  number("gpu_multiprocessors", &gpu.multiprocessors);
  number("gpu_memory_bytes", &gpu.memory_bytes);
  number("gpu_l2_bytes", &gpu.l2_bytes);
  number("gpu_bandwidth_gb_s", &gpu.bandwidth_gb_s);
  number("gpu_launch_us", &gpu.launch_us);
  gpu.triton = text("triton");
  gpu.nvcc = text("nvcc");
  return gpu;
}

Result<std::string> RenderSystemForGpu(const PromptTexts& texts, const ReplyLimits& limits, double failure_score,
                                       const GpuLane& gpu, const std::map<std::string, std::string>& machine) {
  const std::string header = QuotedText(texts, "passnet_kernel");
  const auto told = [](const char* format, double value) { return value > 0 ? Number(format, value) : "unknown"; };
  const auto named = [](const std::string& text) { return text.empty() ? "unknown" : InlineText(text, kMaxNameBytes); };
  std::vector<Values> nvcc;
  if (!gpu.nvcc.empty()) nvcc.push_back({{"version", Value(named(gpu.nvcc))}});
  return Render(texts, "refine_system_gpu",
                {{"gpu_model", Value(named(gpu.model))},
                 {"gpu_capability", Value(named(gpu.compute_capability))},
                 {"gpu_multiprocessors", Value(told("%.0f", static_cast<double>(gpu.multiprocessors)))},
                 {"gpu_memory", Value(told("%.1f GiB", static_cast<double>(gpu.memory_bytes) / (1ull << 30)))},
                 {"gpu_bandwidth", Value(told("%.0f GB/s", gpu.bandwidth_gb_s))},
                 {"gpu_cache", Value(told("%.1f MiB", static_cast<double>(gpu.l2_bytes) / (1ull << 20)))},
                 {"gpu_launch", Value(told("%.1f us", gpu.launch_us))},
                 {"gpu_triton", Value(named(gpu.triton))},
                 {"gpu_nvcc", Value(std::move(nvcc))},
                 {"machine", Value(Machine(machine, kToldBesideGpu))},
                 {"kernel_fence", Value(FenceFor(header))},
                 {"kernel_header", Value(header)},
                 {"example_triton", Value(QuotedText(texts, "refine_example_triton"))},
                 {"example_cuda", Value(QuotedText(texts, "refine_example_cuda"))},
                 {"failure_score", Value(Number("%g", failure_score))},
                 {"max_files", Value(std::to_string(limits.max_files))},
                 {"max_bytes", Value(std::to_string(limits.max_total_bytes))}});
}

Result<std::string> RenderFirst(const PromptTexts& texts, const evaluator::TaskDescription& task,
                                const std::string& device, int64_t rounds) {
  std::vector<std::vector<const GraphDescription*>> groups;
  size_t shown = std::min(task.graphs.size(), kMaxGraphsShown);
  for (size_t i = 0; i < shown; ++i) {
    const GraphDescription& graph = task.graphs[i];
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& g) { return g.front()->model_source == graph.model_source; });
    if (group == groups.end()) group = groups.insert(groups.end(), std::vector<const GraphDescription*>{});
    group->push_back(&graph);
  }
  std::vector<Values> sources;
  for (size_t i = 0; i < groups.size(); ++i) sources.push_back(SourceItem(i + 1, groups[i]));
  return Render(texts, "refine_first",
                {{"task", Value(InlineText(task.task, kMaxNameBytes))},
                 {"graph_count", Value(std::to_string(task.graphs.size()))},
                 {"source_count", Value(std::to_string(groups.size()))},
                 {"device", Value(device)},
                 {"rounds", Value(std::to_string(rounds))},
                 {"sources", Value(std::move(sources))},
                 {"left_out", Value(LeftOut(task.graphs.size(), shown))}});
}

Result<std::string> RenderStart(const PromptTexts& texts, const StartingPoint& start) {
  std::vector<Values> files;
  for (const evaluator::CandidateFile& file : start.files) {
    std::string text = file.bytes;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    files.push_back({{"name", Value(InlineText(file.name, kMaxNameBytes))},
                     {"fence", Value(FenceFor(text))},
                     {"text", Value(std::move(text))}});
  }
  return Render(texts, "refine_start",
                {{"verdict", Value(InlineText(start.verdict, kMaxNameBytes))},
                 {"score", Value(Number("%.4f", start.score))},
                 {"files", Value(std::move(files))}});
}

Result<std::string> RenderFeedback(const PromptTexts& texts, const EvaluationReport& report,
                                   const RoundStanding& standing) {
  std::vector<Values> graphs;
  for (const GraphReport* graph : MostUrgentFirst(report.graphs)) {
    if (graphs.size() == kMaxGraphsShown) break;
    graphs.push_back(ResultRow(*graph, SpeedupOf(standing.inductor, graph->path)));
  }
  std::vector<Values> way_back;
  if (standing.best && standing.best->round != standing.round) way_back = BestItem(standing.best);
  bool solved = report.verdict == evaluator::Verdict::kOk || report.verdict == evaluator::Verdict::kTrivial;
  std::string printed = report.candidate_output.empty() ? "" : Quoted(report.candidate_output, kMaxPrintedBytes);
  return Render(texts, "refine_feedback",
                {{"round", Value(std::to_string(standing.round))},
                 {"verdict", Value(evaluator::VerdictName(report.verdict))},
                 {"score", Value(OrUnknown("%.4f", report.aggregated_score))},
                 {"reason", Value(TextItem(InlineText(report.reason, kMaxReasonBytes)))},
                 {"compile_failures", Value(Diagnostics(report, false))},
                 {"compile_warnings", Value(Diagnostics(report, true))},
                 {"failed_count", Value(FailedCount(report.graphs))},
                 {"graphs", Value(std::move(graphs))},
                 {"left_out", Value(LeftOut(report.graphs.size(), kMaxGraphsShown))},
                 {"printed", Value(TextItem(printed))},
                 {"best", Value(BestItem(standing.best))},
                 {"way_back", Value(std::move(way_back))},
                 {"rounds_left", Value(std::to_string(standing.rounds_left))},
                 {"inductor_known", Value(!standing.inductor.empty())},
                 {"solved", Value(solved)}});
}

Result<std::string> RenderWrongFormat(const PromptTexts& texts, const std::string& problem,
                                      const RoundStanding& standing) {
  return Render(texts, "refine_wrong_format",
                {{"round", Value(std::to_string(standing.round))},
                 {"problem", Value(InlineText(problem, kMaxReasonBytes))},
                 {"best", Value(BestItem(standing.best))},
                 {"rounds_left", Value(std::to_string(standing.rounds_left))}});
}

}  // namespace passnet::prompts
