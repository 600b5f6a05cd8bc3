#include "trajectories/export/evaluation_list.h"

#include <gtest/gtest.h>

namespace passnet::trajectories {
namespace {

TEST(EvaluationListTest, MarksAreWordsAndOfAPathTheLastPart) {
  const EvaluationList list = ParseEvaluationList("file", "# a comment\n\nsamples/set/aa/one \t two three # four\r\nfive/\n");
  EXPECT_EQ(list.source, "file");
  EXPECT_EQ(list.marks, (std::set<std::string>{"one", "two", "three", "five"}));
  EXPECT_TRUE(ParseEvaluationList("none", "").marks.empty());
}

// All 200 names; content and op sequence of the 35 whose files were at hand.
TEST(EvaluationListTest, PassBenchListHasItsTasks) {
  EXPECT_EQ(PassBenchEvaluationTasks().marks.size(), 200u + 35u + 35u);
}

TEST(EvaluationListTest, TheFirstMarkThatIsListedIsTheReason) {
  const std::vector<EvaluationList> lists = {{"a", {"name-1"}}, {"b", {"content-2", "ops-3"}}};
  EXPECT_STREQ(ContaminationOf({"name-1", "", "content-2"}, {}, lists), "contaminated_name");
  EXPECT_STREQ(ContaminationOf({"x", "", "content-2"}, {{"ops-3"}, ""}, lists), "contaminated_content");
  EXPECT_STREQ(ContaminationOf({"x", "", "y"}, {{"ops-0", "ops-3"}, ""}, lists), "contaminated_ops");
  EXPECT_EQ(ContaminationOf({"x", "", ""}, {{}, "unknown"}, lists), nullptr);
}

TEST(TaskListTest, NamesStandOnALineEach) {
  EXPECT_EQ(ParseTaskList("# split\n a task  # the first\n\nzzz\r\n"), (std::set<std::string>{"a task", "zzz"}));
}

}  // namespace
}  // namespace passnet::trajectories
