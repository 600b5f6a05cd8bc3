// passnet task marks: by what tasks are known again, and whether the list that is built in knows PassBench's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/fakes/paths.h"
#include "tests/fakes/shared_data.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> MarksBelow(const fs::path& folder) {
  const std::string command = fakes::BinaryDir() + "/bin/passnet task marks " + folder.string();
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  for (size_t got; pipe != nullptr && (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    output.append(buffer.data(), got);
  }
  EXPECT_EQ(::pclose(pipe), 0) << output;
  std::istringstream text(output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// What is shipped was made by this verb. A change of how a task is hashed changes the list too, or journals and list no
// longer speak of the same.
TEST(TaskMarksTest, ShippedListHasTheMarksOfEveryPassBenchTaskAtHand) {
  PASSNET_NEEDS_SHARED_DATA("passbench");
  std::set<std::string> shipped;
  std::ifstream list(fakes::SourceDir() + "/trajectories/export/passbench_tasks.txt");
  for (std::string line; std::getline(list, line);) shipped.insert(line);
  const std::vector<std::string> marks = MarksBelow(fakes::SharedData("passbench"));
  EXPECT_EQ(marks.size(), 35u);
  for (const std::string& line : marks) EXPECT_TRUE(shipped.contains(line)) << line;
}

TEST(TaskMarksTest, NameMayChangeAndFilesMayNot) {
  const fs::path tasks = fs::path(fakes::SourceDir()) / "tasks";
  const fakes::TempFolder folder{"marks"};
  fs::copy(tasks / "rope", folder / "other", fs::copy_options::recursive);
  const auto after_name = [](const std::string& line) { return line.substr(line.find(' ')); };
  const std::string rope = MarksBelow(tasks / "rope").at(0);
  EXPECT_TRUE(rope.starts_with("rope "));
  EXPECT_EQ(after_name(MarksBelow(folder / "other").at(0)), after_name(rope));
  for (const auto& entry : fs::recursive_directory_iterator(folder / "other")) {
    if (entry.path().filename() == "weight_meta.py") std::ofstream(entry.path(), std::ios::app) << "\n";
  }
  const std::string changed = after_name(MarksBelow(folder / "other").at(0));
  EXPECT_NE(changed, after_name(rope));
  EXPECT_EQ(changed.substr(65), after_name(rope).substr(65)) << "another shape, the same op sequence";
}

}  // namespace
}  // namespace passnet::cli
