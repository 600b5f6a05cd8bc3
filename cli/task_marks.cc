#include "cli/task_marks.h"

#include <utility>
#include <vector>

#include "agent/campaign/spec.h"
#include "base/file.h"
#include "base/sha256.h"
#include "passbench/task.h"

namespace passnet::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListBytes = size_t{16} << 20;  // chosen: 80,000 tasks with all their marks

std::string HashOfOps(const std::vector<std::string>& ops) {
  Sha256 sha;
  sha.UpdateField("passnet op sequence 1");
  for (const std::string& op : ops) sha.UpdateField(op);
  return ToHex(sha.Finish());
}

}  // namespace

Result<TaskMarks> MarksOfFolder(const fs::path& folder) {
  ASSIGN_OR_RETURN(passbench::Task task, passbench::LoadTask(folder));
  agent::TaskSource source;
  source.path = folder.native();
  ASSIGN_OR_RETURN(std::vector<agent::CampaignTask> resolved, agent::ResolveTasks(source));
  TaskMarks marks{task.name, resolved.front().hash, {}};
  for (const passbench::Graph& graph : task.graphs) marks.ops.insert(HashOfOps(graph.ops()));
  return marks;
}

// The one place that looks for a stored task's files. Once journals hold them, they are read here first, and the folder
// only where an older journal has none.
trajectories::OpSequences OpSequencesOfStored(const trajectories::StoredTask& task) {
  if (task.hash.empty()) return {{}, "the journal has no hash of its files"};
  auto marks = MarksOfFolder(task.path);
  if (!marks) return {{}, marks.error().context};
  if (marks->content != task.hash) return {{}, task.path + ": its files are not those of the launch"};
  return {std::move(marks->ops), ""};
}

Result<trajectories::EvaluationList> EvaluationListAt(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxListBytes));
    trajectories::EvaluationList list = trajectories::ParseEvaluationList(path, text);
    if (list.marks.empty()) {
      return InvalidArgument(path + ": no mark in it; `passnet task marks FOLDER` writes such a list");
    }
    return list;
  }
  ASSIGN_OR_RETURN(std::vector<fs::path> folders, passbench::FindTasks(path));
  if (folders.empty()) return InvalidArgument(path + ": no task folder (one with graph_list.txt) is there");
  trajectories::EvaluationList list{path, {}};
  for (const fs::path& folder : folders) {
    // A task that cannot be read cannot be kept out either.
    ASSIGN_OR_RETURN(TaskMarks marks, MarksOfFolder(folder));
    list.marks.insert(marks.name);
    list.marks.insert(marks.content);
    list.marks.merge(marks.ops);
  }
  return list;
}

}  // namespace passnet::cli
