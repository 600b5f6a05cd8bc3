#include "trajectories/export/split.h"

#include <gmock/gmock.h>

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

TEST(SplitTest, PartsAreNamesWithShares) {
  const auto parts = ParseSplit("train=0.8, validation=0.15,test=0.05").value();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1].name, "validation");
  EXPECT_EQ(parts[1].share, 0.15);
}

TEST(SplitTest, NonsenseSaysWhatAndAnExample) {
  const std::pair<const char*, const char*> refused[] = {
      {"", "is not name=share"},          {"train", "'train' is not name=share"},
      {"train=0.9,", "'' is not"},        {"../x=1", "is not name=share"},
      {"train=x,test=0.5", "'x', not a"}, {"train=0.5,train=0.5", "train stands there twice"},
      {"train=0.9,test=0.2", "1.1"},      {"train=-0.5,test=1.5", "'-0.5'"},
      {"train=nan,test=1", "'nan'"},      {"train=0,test=1", "above 0"}};
  for (const auto& [text, message] : refused) {
    auto parts = ParseSplit(text);
    ASSERT_FALSE(parts) << text;
    EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parts.error().context, HasSubstr(message));
  }
}

class SplitPlanTest : public testing::Test {
 protected:
  static StoredTask Task(int number) {
    const std::string text = std::to_string(number);
    return {"task-" + text, "", "hash-" + text};
  }
  static OpSequences Ops(const std::string& text) { return {{"ops-" + text}, ""}; }

  SplitPlan plan_{ParseSplit("a=0.5,b=0.5").value()};
};

TEST_F(SplitPlanTest, SharesAreAboutThoseAsked) {
  for (int i = 0; i < 2000; ++i) plan_.Add(Task(i), Ops(std::to_string(i)));
  int first = 0;
  for (int i = 0; i < 2000; ++i) first += plan_.PartOf(Task(i), Ops(std::to_string(i))) == 0;
  EXPECT_NEAR(first, 1000, 100);  // four standard deviations; the hash is what it is
}

// More tasks do not move those that were there: a training file grows, and its validation set stays one.
TEST_F(SplitPlanTest, PartDoesNotDependOnTheOthers) {
  SplitPlan alone(ParseSplit("a=0.5,b=0.5").value());
  for (int i = 0; i < 100; ++i) plan_.Add(Task(i), Ops(std::to_string(i % 50)));
  for (int i = 0; i < 50; ++i) {
    alone.Add(Task(i), Ops(std::to_string(i)));
    EXPECT_EQ(alone.PartOf(Task(i), Ops(std::to_string(i))), plan_.PartOf(Task(i), Ops(std::to_string(i))));
    EXPECT_EQ(plan_.PartOf(Task(i), Ops(std::to_string(i))), plan_.PartOf(Task(i + 50), Ops(std::to_string(i))));
  }
}

// A task of two sequences ties those of either together, in whichever order they come.
TEST_F(SplitPlanTest, TaskOfTwoSequencesBindsBoth) {
  for (int i = 0; i < 40; ++i) plan_.Add(Task(i), Ops(std::to_string(i)));
  for (int i = 1; i < 40; ++i) {
    plan_.Add(Task(100 + i), {{"ops-" + std::to_string(i - 1), "ops-" + std::to_string(i)}, ""});
  }
  for (int i = 1; i < 40; ++i) {
    EXPECT_EQ(plan_.PartOf(Task(i), Ops(std::to_string(i))), plan_.PartOf(Task(0), Ops("0")));
  }
}

// The same files, read in one campaign and gone in another: still one task.
TEST_F(SplitPlanTest, UnknownSequenceFollowsTheContent) {
  for (int i = 0; i < 40; ++i) {
    plan_.Add(Task(i), {{}, "gone"});
    plan_.Add({"other-name", "", "hash-" + std::to_string(i)}, Ops(std::to_string(i)));
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(plan_.PartOf(Task(i), {{}, "gone"}), plan_.PartOf(Task(i), Ops(std::to_string(i))));
  }
}

}  // namespace
}  // namespace passnet::trajectories
