#include "cli/graph_table.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cli/output.h"

namespace passnet::cli {
namespace {

constexpr size_t kShortReasonBytes = 40;   // chosen: one line; longer ones are not said again
constexpr size_t kShownReasonBytes = 240;  // chosen: four lines or so of its column

const double* Pointer(const std::optional<double>& value) { return value ? &*value : nullptr; }

// Where all paths still agree, up to a border of folders: it tells nothing apart.
size_t SharedFront(const std::vector<evaluator::GraphReport>& graphs) {
  if (graphs.size() < 2) return 0;
  std::string front = graphs[0].path;
  for (const evaluator::GraphReport& graph : graphs) {
    const auto differ = std::mismatch(front.begin(), front.end(), graph.path.begin(), graph.path.end());
    front.erase(differ.first, front.end());
  }
  const size_t border = front.rfind('/');
  return border == std::string::npos ? 0 : border + 1;
}

// The same from behind, of what the front leaves.
size_t SharedBack(const std::vector<evaluator::GraphReport>& graphs, size_t front) {
  if (graphs.size() < 2) return 0;
  std::string back = graphs[0].path.substr(front);
  for (const evaluator::GraphReport& graph : graphs) {
    const std::string rest = graph.path.substr(front);
    const auto differ = std::mismatch(back.rbegin(), back.rend(), rest.rbegin(), rest.rend());
    back.erase(back.begin(), differ.first.base());
  }
  const size_t border = back.find('/');
  return border == std::string::npos ? 0 : back.size() - border;
}

std::string Reason(const evaluator::GraphReport& graph) {
  std::string text = OneLine(Printable(graph.reason), kShownReasonBytes);
  if (graph.capped) text += (text.empty() ? "" : " ") + std::string("(time cap)");
  // Rounds that were made again are well; one that counts although the device was slowed is not.
  for (const evaluator::DeviceMoment& moment : graph.device_moments) {
    if (moment.slowed_by.empty() || moment.repeated) continue;
    return text + (text.empty() ? "" : " ") + "(device slowed by " + Printable(moment.slowed_by.front()) + ")";
  }
  return text;
}

}  // namespace

std::string GraphTable(const std::vector<evaluator::GraphReport>& graphs) {
  Table table({"graph", "eager", "candidate", "speed-up", "control", "floor", "verdict", "reason"});
  const size_t front = SharedFront(graphs), back = SharedBack(graphs, front);
  std::string above;
  for (const evaluator::GraphReport& graph : graphs) {
    std::string name = graph.path.substr(front, graph.path.size() - front - back);
    if (name.find(graph.dtype) == std::string::npos) name += ", " + graph.dtype;
    const std::string reason = Reason(graph);
    table.Add({Printable(name), ShowMicros(Pointer(graph.eager_us)), ShowMicros(Pointer(graph.candidate_us)),
               ShowRatio(graph.speedup_call, graph.noise), ShowRatio(graph.control, graph.control_noise),
               ShowMicros(Pointer(graph.floor_us)), evaluator::VerdictName(graph.verdict),
               reason.size() > kShortReasonBytes && reason == above ? "as above" : reason});
    above = reason;
  }
  return table.Text(kScreenColumns);
}

std::string ShowNumber(const std::optional<double>& value) {
  if (!value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", *value);
  return text;
}

std::string ShowRatio(const std::optional<double>& ratio, const std::optional<double>& noise) {
  if (!ratio) return "-";
  char text[64];
  if (noise) {
    std::snprintf(text, sizeof text, "%.2f ±%.2f", *ratio, *ratio * *noise);
  } else {
    std::snprintf(text, sizeof text, "%.2f", *ratio);
  }
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
