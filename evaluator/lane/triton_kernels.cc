#include "evaluator/lane/triton_kernels.h"

#include <utility>

namespace passnet::evaluator {
namespace {

constexpr size_t kMostNotesBytes = 16u << 10;  // as much as a compiler's words have

// What was compiled and chosen, a line each.
std::string NotesOf(const TritonCompilation& compilation) {
  std::string text;
  for (const auto& [notes, what] : {std::pair(&compilation.autotuned, "autotuned "), std::pair(&compilation.kernels, "compiled ")}) {
    for (const TritonNote& note : *notes) {
      const std::string line = what + note.what + " for " + note.graph + "\n";
      if (text.size() + line.size() > kMostNotesBytes) return text + "…\n";
      text += line;
    }
  }
  return text;
}

Result<TritonKernels> CompileTogether(const TritonCompileFn& compile, const std::vector<TritonGraph>& graphs,
                                      std::vector<CompileDiagnostics>* told) {
  ASSIGN_OR_RETURN(TritonCompilation compilation, compile(graphs));
  CompileDiagnostics diagnostics = std::move(compilation.diagnostics);
  if (graphs.size() == 1) diagnostics.file += " (" + graphs[0].path + ")";
  if (compilation.verdict == Verdict::kOk) diagnostics.diagnostics = NotesOf(compilation);
  told->push_back(std::move(diagnostics));
  TritonKernels kernels{compilation.verdict, std::move(compilation.reason), nullptr};
  if (kernels.verdict == Verdict::kOk) kernels.pack = std::make_shared<const std::string>(std::move(compilation.pack));
  return kernels;
}

}  // namespace

Result<std::vector<TritonKernels>> CompileTriton(const TritonCompileFn& compile, const std::vector<TritonGraph>& graphs,
                                                 std::vector<CompileDiagnostics>* told) {
  std::vector<TritonKernels> all;
  if (graphs.empty()) return all;
  std::vector<CompileDiagnostics> words;
  ASSIGN_OR_RETURN(const TritonKernels together, CompileTogether(compile, graphs, &words));
  // One that hangs or dies in the child would do so again for each: its limit is paid once.
  if (together.verdict != Verdict::kCompile || graphs.size() == 1) {
    told->insert(told->end(), words.begin(), words.end());
    return std::vector<TritonKernels>(graphs.size(), together);
  }
  for (const TritonGraph& graph : graphs) {
    const std::vector<TritonGraph> alone = {graph};
    ASSIGN_OR_RETURN(TritonKernels kernels, CompileTogether(compile, alone, told));
    all.push_back(std::move(kernels));
  }
  return all;
}

}  // namespace passnet::evaluator
