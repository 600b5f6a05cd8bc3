#include "bench/bundled.h"

#include <algorithm>

#include "evaluator/candidate/candidate.h"
#include "tests/fakes/paths.h"

namespace passnet::bench {

namespace fs = std::filesystem;

Result<std::vector<BundledTask>> BundledTasks() {
  const fs::path source = fakes::SourceDir();
  std::vector<BundledTask> tasks;
  for (const auto& entry : fs::directory_iterator(source / "tasks")) {
    if (!fs::exists(entry.path() / "graph_list.txt")) continue;
    BundledTask task{entry.path().filename().native(), entry.path(), {}};
    ASSIGN_OR_RETURN(task.pass, evaluator::ReadPassDir(source / "tests/fixtures/passes" / task.name));
    tasks.push_back(std::move(task));
  }
  std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return tasks;
}

}  // namespace passnet::bench
