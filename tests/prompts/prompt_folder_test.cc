#include "prompts/prompt_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::prompts {
namespace {

using ::testing::HasSubstr;

class PromptFolderTest : public ::testing::Test {
 protected:
  void Put(const std::string& file, const std::string& text) { ASSERT_TRUE(WriteFileAtomic(folder_ / file, text)); }
  Result<PromptTexts> Read() const { return PromptsFrom(folder_.path().native()); }
  std::string Problem() const {
    auto texts = Read();
    return texts ? "no problem" : texts.error().context;
  }

  const fakes::TempFolder folder_{"prompts"};
};

TEST_F(PromptFolderTest, MissingFilesAreTheShippedOnes) {
  EXPECT_EQ(PromptsFrom("").value(), ShippedPrompts());
  EXPECT_EQ(Read().value(), ShippedPrompts());
  Put("refine_wrong_format.md", "Not so: {{problem}}\n");
  Put("README.md", "notes");
  Put("notes.txt", "notes");
  PromptTexts texts = Read().value();
  EXPECT_EQ(texts["refine_wrong_format"], "Not so: {{problem}}\n");
  EXPECT_EQ(texts["refine_system"], ShippedPrompts().at("refine_system"));
}

TEST_F(PromptFolderTest, ExportedOnesAreReadBack) {
  const std::string folder = (folder_ / "mine").native();
  ASSERT_TRUE(ExportPrompts(folder));
  EXPECT_EQ(PromptsFrom(folder).value(), ShippedPrompts());
  Status again = ExportPrompts(folder);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
}

TEST_F(PromptFolderTest, MisspeltFileIsNamed) {
  Put("refine_sytem.md", "x");
  EXPECT_THAT(Problem(), HasSubstr("refine_sytem.md is none of the prompts"));
}

TEST_F(PromptFolderTest, KernelHeaderIsNoMatterOfTaste) {
  Put("passnet_kernel.md", "x");
  EXPECT_THAT(Problem(), HasSubstr("is none of the prompts"));
}

TEST_F(PromptFolderTest, TemplateThatDoesNotParseIsNamed) {
  Put("refine_system.md", "\n{{#machine}}");
  EXPECT_THAT(Problem(), HasSubstr("prompt refine_system, line 2: section machine is not closed"));
}

// Each of these would have ended trajectories, the last one only in its first round with a best one before.
TEST_F(PromptFolderTest, NamesWithoutAValueAreFoundOnTrial) {
  Put("refine_system.md", "{{mashine}}");
  Put("refine_feedback.md", "{{#way_back}}{{rund}}{{/way_back}}{{^best}}{{skore}}{{/best}}");
  const std::string problem = Problem();
  EXPECT_THAT(problem, HasSubstr("prompt refine_system: no value for {{mashine}}"));
  EXPECT_THAT(problem, HasSubstr("no value for {{rund}}"));
  EXPECT_THAT(problem, HasSubstr("no value for {{skore}}"));
}

TEST_F(PromptFolderTest, FolderMustBeThere) {
  auto texts = PromptsFrom((folder_ / "none").native());
  ASSERT_FALSE(texts);
  EXPECT_EQ(texts.error().code, ErrorCode::kNotFound);
}

TEST_F(PromptFolderTest, ExampleMayHoldWhatWouldBeATag) {
  Put("refine_example.md", "{{not a tag}}");
  EXPECT_EQ(Problem(), "no problem");
}

}  // namespace
}  // namespace passnet::prompts
