#include "cli/graph_table.h"

#include <cstdio>

#include "cli/output.h"

namespace passnet::cli {
namespace {

const double* Pointer(const std::optional<double>& value) { return value ? &*value : nullptr; }

// The end of a path tells the graphs of a task apart; its beginning is the same in all of them.
std::string ShortPath(const std::string& path) {
  constexpr size_t kShown = 48;
  return path.size() <= kShown ? path : "…" + path.substr(path.size() - kShown);
}

std::string ShowNoise(const std::optional<double>& noise) {
  if (!noise) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", *noise * 100);
  return text;
}

}  // namespace

std::string GraphTable(const std::vector<evaluator::GraphReport>& graphs) {
  Table table({"graph", "dtype", "status", "verdict", "eager", "candidate", "speedup", "noise", "matched", "reason"});
  for (const evaluator::GraphReport& graph : graphs) {
    table.Add({ShortPath(graph.path), graph.dtype, evaluator::GraphStatusName(graph.status),
               evaluator::VerdictName(graph.verdict), ShowMicros(Pointer(graph.eager_us)),
               ShowMicros(Pointer(graph.candidate_us)), ShowFactor(Pointer(graph.speedup_call)), ShowNoise(graph.noise),
               std::to_string(graph.matched_nodes),
               Printable(graph.reason.substr(0, 160)) + (graph.capped ? " (time cap)" : "")});
  }
  return table.Text();
}

std::string ShowNumber(const std::optional<double>& value) {
  if (!value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", *value);
  return text;
}

std::string Printable(const std::string& bytes) {
  std::string text = bytes;
  for (char& c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return text;
}

}  // namespace passnet::cli
