#include "prompts/prompt_folder.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "prompts/refine_prompts.h"

namespace passnet::prompts {
namespace {

namespace fs = std::filesystem;
using evaluator::Verdict;

constexpr size_t kMaxPromptBytes = 256 << 10;  // chosen: fifteen times the longest shipped one
constexpr std::string_view kSuffix = ".md";

// A task and a report in which everything is there that a prompt may tell.
evaluator::TaskDescription FullTask() {
  evaluator::GraphDescription graph;
  graph.path = "graphs/float32_0/a";
  graph.dtype = "float32";
  graph.model_source = "import torch\n";
  graph.inputs = graph.outputs = {"in_0: float32[8]"};
  graph.ops = {{"relu", "call_function", "torch.relu", "in_0", "float32[8]", false, 1.0}};
  graph.eager_us = 1;
  evaluator::TaskDescription task;
  task.task = "a";
  task.graphs.assign(1000, graph);  // more than any prompt shows
  task.environment = {{"cpu", "a CPU"}};
  return task;
}

evaluator::EvaluationReport FullReport(Verdict verdict) {
  evaluator::GraphReport graph;
  graph.path = "graphs/float32_0/a";
  graph.dtype = "float32";
  graph.verdict = verdict;
  graph.reason = "a reason";
  graph.speedup_call = graph.eager_us = graph.candidate_us = graph.floor_us = graph.max_abs_diff = 1.0;
  graph.mismatches = {{"output 0 (float32)", 8, 1, {{"[3]", "1", "2"}}}};
  graph.kernels.assign(100, {"rows(float*)", 1, 2.5, false});
  evaluator::EvaluationReport report;
  report.verdict = verdict;
  report.reason = "a reason";
  report.aggregated_score = 1.0;
  report.graphs.assign(1000, graph);
  report.compile = {{"a.cc", false, false, 0, "an error"}, {"b.cc", true, false, 0, "a warning"}};
  report.candidate_output = "a line";
  return report;
}

void Note(const Result<std::string>& rendered, std::string* problems) {
  if (rendered) return;
  const std::string& problem = rendered.error().context;
  if (problems->find(problem) == std::string::npos) *problems += (problems->empty() ? "" : "\n") + problem;
}

std::string FileOf(const std::string& name) { return name + std::string(kSuffix); }

}  // namespace

Status TryPrompts(const PromptTexts& texts) {
  std::string problems;
  const RoundStanding full{2, 1, BestSoFar{1, Verdict::kOk, 1.5}, {{"graphs/float32_0/a", 1.1}}};
  const RoundStanding bare{1, 2, std::nullopt, {}};
  Note(RenderSystem(texts, {}, 0.1, FullTask().environment), &problems);
  Note(RenderSystem(texts, {}, 0.1, {}), &problems);
  const GpuLane gpu{"a GPU", "9.0", 1, 1 << 30, 1 << 20, 1, 1, "3.7.0", "13.0"};
  Note(RenderSystemForGpu(texts, {}, 0.1, gpu, FullTask().environment), &problems);
  Note(RenderSystemForGpu(texts, {}, 0.1, {}, {}), &problems);
  Note(RenderFirst(texts, FullTask(), "cpu", 6), &problems);
  Note(RenderFirst(texts, {}, "cpu", 6), &problems);
  Note(RenderStart(texts, {"OK", 1.5, {{"a.py", "import torch\n"}}}), &problems);
  Note(RenderFeedback(texts, FullReport(Verdict::kOk), full), &problems);
  Note(RenderFeedback(texts, FullReport(Verdict::kIncorrect), full), &problems);
  Note(RenderFeedback(texts, {}, bare), &problems);
  Note(RenderWrongFormat(texts, "a problem", full), &problems);
  Note(RenderWrongFormat(texts, "a problem", bare), &problems);
  return problems.empty() ? OkStatus() : Status(InvalidArgument(problems));
}

std::vector<std::string> ReplaceablePrompts() {
  std::vector<std::string> names;
  for (const auto& [name, text] : ShippedPrompts()) {
    if (name != "passnet_kernel") names.push_back(name);
  }
  return names;
}

Result<PromptTexts> PromptsFrom(const std::string& folder) {
  PromptTexts texts = ShippedPrompts();
  if (folder.empty()) return texts;
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) return NotFound("prompts: " + folder + " is no folder");
  const std::vector<std::string> names = ReplaceablePrompts();
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const std::string file = entry.path().filename().native();
    // Notes and an editor's own files may lie there; what ends like a prompt must be one, or a misspelt name is silent.
    if (!file.ends_with(kSuffix) || file.starts_with('.') || file == "README.md") continue;
    if (std::none_of(names.begin(), names.end(), [&](const auto& name) { return FileOf(name) == file; })) {
      return InvalidArgument("prompts: " + entry.path().native() + " is none of the prompts: passnet prompts show lists them");
    }
    ASSIGN_OR_RETURN(texts[entry.path().stem().native()], ReadFile(entry.path().native(), kMaxPromptBytes));
  }
  if (failed) return Error::FromErrno("opendir", folder, failed.value());
  for (const Status& checked : {CheckPrompts(texts), TryPrompts(texts)}) {
    if (!checked) return checked.error().Prefixed("prompts of " + folder);
  }
  return texts;
}

Status ExportPrompts(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return Error::FromErrno("mkdir", folder, failed.value());
  const std::vector<std::string> names = ReplaceablePrompts();
  for (const std::string& name : names) {
    const fs::path path = fs::path(folder) / FileOf(name);
    if (fs::exists(path, failed)) {
      return Error{ErrorCode::kAlreadyExists, path.native() + " is there already: choose another folder"};
    }
  }
  for (const std::string& name : names) {
    RETURN_IF_ERROR(WriteFileAtomic(fs::path(folder) / FileOf(name), ShippedPrompts().at(name)));
  }
  return OkStatus();
}

}  // namespace passnet::prompts
