// A task folder with those graphs of a real task (or of all) whose eager time in INDEX.tsv lies in a range: a temporary
// folder with a graph_list.txt of its own and PassBench's `graphs` link.
// Threads: thread-compatible. Owns: the temporary folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fakes/shared_data.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {

class PassBenchSubset {
 public:
  // Graphs of the task whose folder is `task` ("" for all) with above_ms < eager <= up_to_ms; of these one in `every`.
  PassBenchSubset(const std::string& task, double above_ms, double up_to_ms, size_t every = 1) {
    std::filesystem::create_directory_symlink(fakes::SharedData("passbench/graphs"), folder_ / "graphs");
    std::ifstream index(fakes::SharedData("passbench/INDEX.tsv"));
    std::ofstream list(folder_ / "graph_list.txt");
    std::string line;
    std::getline(index, line);
    size_t seen = 0;
    while (std::getline(index, line)) {
      std::vector<std::string> cells;
      std::istringstream row(line);
      for (std::string cell; std::getline(row, cell, '\t');) cells.push_back(cell);
      if (!task.empty() && std::filesystem::path(cells[0]).filename() != task) continue;
      double ms = std::atof(cells[6].c_str());
      if (ms <= above_ms || ms > up_to_ms) {
        ++left_out_;
        continue;
      }
      if (seen % every == 0) {
        list << cells[1] << "\n";
        ++graphs_;
      }
      ++seen;
    }
  }

  const std::filesystem::path& dir() const { return folder_.path(); }
  int graphs() const { return graphs_; }
  int left_out() const { return left_out_; }

 private:
  fakes::TempFolder folder_{"subset"};
  int graphs_ = 0;
  int left_out_ = 0;
};

}  // namespace passnet::evaluator
