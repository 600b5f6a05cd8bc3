#include "evaluator/lane/ablation.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

TEST(AblationTest, EmptyLeavesEverythingOn) {
  auto none = Ablation::Parse("");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none.value().Omits(Layer::kScreen));
  EXPECT_EQ(none.value().Text(), "");
}

TEST(AblationTest, NamesAreTakenAndToldInOneOrder) {
  auto twice = Ablation::Parse("census,products,screen,screen");
  ASSERT_TRUE(twice.has_value()) << twice.error().context;
  EXPECT_TRUE(twice.value().Omits(Layer::kScreen));
  EXPECT_EQ(twice.value().Text(), "screen,products,census");
}

TEST(AblationTest, NameThatIsNoLayerIsRefusedWithThoseThatAre) {
  for (const char* names : {"screens", ",", "screen,clock5", " screen"}) {
    auto wrong = Ablation::Parse(names);
    ASSERT_TRUE(wrong.has_error()) << names;
    EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(wrong.error().context.find("there are screen"), std::string::npos) << wrong.error().context;
  }
}

}  // namespace
}  // namespace passnet::evaluator
