// Where a campaign's tasks come from, on the bundled ones.
#include "agent/campaign/task_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TaskSourceTest : public ::testing::Test {
 protected:
  // Their names, or the error.
  static std::vector<std::string> Names(const TaskSource& source) {
    auto tasks = ResolveTasks(source);
    if (!tasks) return {tasks.error().context};
    std::vector<std::string> names;
    for (const auto& task : tasks.value()) names.push_back(task.name);
    return names;
  }

  const fakes::TempFolder folder_{"tasks"};
  const std::string tasks_ = fakes::SourceDir() + "/tasks";
};

TEST_F(TaskSourceTest, BundledTasksAreFoundFromTheProgram) {
  TaskSource source;
  source.bundled = true;
  source.include = {"rope"};
  auto tasks = ResolveTasks(source);
  ASSERT_TRUE(tasks) << tasks.error().context;
  EXPECT_EQ(tasks.value()[0].path, std::filesystem::canonical(tasks_ + "/rope").native());
}

TEST_F(TaskSourceTest, ListIsInItsOwnOrderRelativeToItselfWithComments) {
  std::filesystem::create_directory_symlink(tasks_, folder_ / "linked");
  const std::string list = (folder_ / "list.txt").native();
  ASSERT_TRUE(WriteFileAtomic(list, "# mine\nlinked/swiglu\n\n  " + tasks_ + "/rope  # the second\n"));
  TaskSource source;
  source.list = list;
  EXPECT_THAT(Names(source), ElementsAre("swiglu", "rope"));
  ASSERT_TRUE(WriteFileAtomic(list, "linked/swiglu\nlinked/nothing\n"));
  EXPECT_THAT(Names(source), ElementsAre(HasSubstr("list.txt:2: linked/nothing")));
}

TEST_F(TaskSourceTest, GlobTakesFoldersThatHaveTasks) {
  TaskSource source;
  source.glob = tasks_ + "/{r,s}[ow]*";  // rope, swiglu; generate.py is none
  EXPECT_THAT(Names(source), ElementsAre("rope", "swiglu"));
  source.glob = tasks_ + "/nothing*";
  EXPECT_THAT(Names(source), ElementsAre(HasSubstr("no task folder")));
}

TEST_F(TaskSourceTest, ShardsAreDisjointAndWhole) {
  TaskSource source;
  source.path = tasks_;
  const std::vector<std::string> all = Names(source);
  std::vector<std::string> of_shards(all.size());
  for (size_t part = 1; part <= 3; ++part) {
    source.shard = std::to_string(part) + "/3";
    const std::vector<std::string> shard = Names(source);
    for (size_t i = 0; i < shard.size(); ++i) of_shards.at(part - 1 + 3 * i) = shard[i];
  }
  EXPECT_EQ(of_shards, all);
  source.shard = "90/90";
  EXPECT_THAT(Names(source), ElementsAre(HasSubstr("shard 90/90 is empty")));
}

TEST_F(TaskSourceTest, LimitTakesTheFirst) {
  TaskSource source;
  source.path = tasks_;
  const std::vector<std::string> all = Names(source);
  source.limit = 2;
  EXPECT_THAT(Names(source), ElementsAre(all[0], all[1]));
}

TEST_F(TaskSourceTest, TwoTasksOfOneNameAreRefused) {
  const std::string list = (folder_ / "list.txt").native();
  ASSERT_TRUE(WriteFileAtomic(list, tasks_ + "/rope\n" + tasks_ + "/rope\n"));
  TaskSource source;
  source.list = list;
  EXPECT_THAT(Names(source), ElementsAre(HasSubstr("two tasks are called rope")));
  source.include = {"rope"};
  EXPECT_THAT(Names(source), ElementsAre(HasSubstr("two tasks are called rope")));
}

TEST_F(TaskSourceTest, MistakesAreNamed) {
  TaskSource source;
  EXPECT_EQ(Check(source).at(0).key, "tasks.path");
  source.path = "/t";
  EXPECT_TRUE(Check(source).empty());
  source.bundled = true;
  EXPECT_EQ(Check(source).at(0).key, "tasks");
  source.bundled = false;
  for (const char* shard : {"0/2", "3/2", "1", "1/", "/2", "1/2x", "-1/2", "1/99999999999999999999"}) {
    source.shard = shard;
    ASSERT_EQ(Check(source).size(), 1u) << shard;
    EXPECT_EQ(Check(source)[0].key, "tasks.shard");
  }
}

}  // namespace
}  // namespace passnet::agent
