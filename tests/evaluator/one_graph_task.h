// The first graph of a bundled task as a task of its own: a temporary folder with a graph_list.txt of one line and the task's
// `graphs` as a link. For what does not depend on how many graphs a task has and would take as often as long.
// Threads: thread-compatible. Owns: the temporary folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {

class OneGraphTask {
 public:
  explicit OneGraphTask(const std::string& task) {
    const std::filesystem::path whole = std::filesystem::path(fakes::SourceDir()) / "tasks" / task;
    std::filesystem::create_directory_symlink(whole / "graphs", folder_ / "graphs");
    std::string first;
    std::ifstream list(whole / "graph_list.txt");
    std::getline(list, first);
    std::ofstream(folder_ / "graph_list.txt") << first << "\n";
  }

  const std::filesystem::path& dir() const { return folder_.path(); }

 private:
  fakes::TempFolder folder_{"one_graph"};
};

}  // namespace passnet::evaluator
