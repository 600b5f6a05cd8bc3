#include "trajectories/export/evaluation_list.h"

#include <algorithm>
#include <functional>
#include <sstream>
#include <utility>

#include "base/text.h"

namespace passnet::trajectories {

extern const char* const kPassBenchTasks;  // passbench_tasks.cc, made by CMake from passbench_tasks.txt

namespace {

void ForEachLine(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view told = Trimmed(line.substr(0, line.find('#')));
    if (!told.empty()) visit(told);
  }
}

}  // namespace

EvaluationList ParseEvaluationList(std::string source, std::string_view text) {
  EvaluationList list{std::move(source), {}};
  ForEachLine(text, [&](std::string_view line) {
    std::istringstream words{std::string(line)};
    for (std::string word; words >> word;) {
      while (word.size() > 1 && word.ends_with('/')) word.pop_back();
      list.marks.insert(word.substr(word.rfind('/') + 1));
    }
  });
  return list;
}

EvaluationList PassBenchEvaluationTasks() { return ParseEvaluationList("PassBench", kPassBenchTasks); }

const char* ContaminationOf(const StoredTask& task, const OpSequences& ops, const std::vector<EvaluationList>& lists) {
  const auto listed = [&](const std::string& mark) {
    return std::any_of(lists.begin(), lists.end(), [&](const auto& list) { return list.marks.contains(mark); });
  };
  if (listed(task.name)) return "contaminated_name";
  if (listed(task.hash)) return "contaminated_content";
  if (std::any_of(ops.hashes.begin(), ops.hashes.end(), listed)) return "contaminated_ops";
  return nullptr;
}

std::set<std::string> ParseTaskList(std::string_view text) {
  std::set<std::string> tasks;
  ForEachLine(text, [&](std::string_view line) { tasks.emplace(line); });
  return tasks;
}

}  // namespace passnet::trajectories
