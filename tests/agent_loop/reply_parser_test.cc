#include "agent/loop/reply_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::agent {
namespace {

using ::testing::HasSubstr;

const std::string kRules = "#### FILE: sorted_output_pass_rule_names.json\n```json\n[\"A\"]\n```\n";
const std::string kPass = "#### FILE: A.py\n```python\nx = 1\n```\n";

ParsedReply Parse(const std::string& reply) { return ParseReply(reply, {}); }

TEST(ParseReplyTest, FilesComeOutAsTheyAre) {
  ParsedReply parsed = Parse("thoughts\n" + kRules + "more\n#### FILE: `A.py`\n\n````python\n```\nx\n```\n````\n");
  EXPECT_EQ(parsed.problem, "");
  ASSERT_EQ(parsed.files.size(), 2u);
  EXPECT_EQ(parsed.files[0].name, "sorted_output_pass_rule_names.json");
  EXPECT_EQ(parsed.files[0].bytes, "[\"A\"]\n");
  EXPECT_EQ(parsed.files[1].name, "A.py");
  EXPECT_EQ(parsed.files[1].bytes, "```\nx\n```\n");
}

TEST(ParseReplyTest, CarriageReturnsAreTaken) {
  ParsedReply parsed = Parse("#### FILE: sorted_output_pass_rule_names.json\r\n```\r\n[\"A\"]\r\n```\r\n" + kPass);
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.files[0].bytes, "[\"A\"]\n");
}

TEST(ParseReplyTest, DraftsInThoughtsAndInOtherBlocksAreNoFiles) {
  ParsedReply parsed = Parse("<think>\n#### FILE: B.py\n```\nx\n```\n</think>\n" + kRules + kPass +
                             "```text\n#### FILE: C.py\n```\n");
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.files.size(), 2u);
}

TEST(ParseReplyTest, EachProblemIsNamed) {
  EXPECT_THAT(Parse("no files").problem, HasSubstr("no line \"#### FILE: <name>\""));
  EXPECT_THAT(Parse("").problem, HasSubstr("no line"));
  EXPECT_THAT(Parse("#### FILE: A.py\n```\nx").problem, HasSubstr("\"A.py\": its code block is not closed"));
  EXPECT_THAT(Parse("#### FILE: A.py\nx = 1\n").problem, HasSubstr("no fenced code block follows"));
  EXPECT_THAT(Parse("#### FILE: A.py").problem, HasSubstr("no fenced code block follows"));
  EXPECT_THAT(Parse(kRules + kPass + kPass).problem, HasSubstr("\"A.py\" is there twice"));
  EXPECT_THAT(Parse(kPass).problem, HasSubstr("sorted_output_pass_rule_names.json is missing"));
  EXPECT_THAT(Parse(kRules).problem, HasSubstr("without its file \"A.py\""));
  EXPECT_THAT(Parse("#### FILE: sorted_output_pass_rule_names.json\n```\n{}\n```\n").problem,
              HasSubstr("no JSON array"));
  EXPECT_THAT(Parse("#### FILE: A.py\n```\na" + std::string(1, '\0') + "\n```\n").problem, HasSubstr("NUL byte"));
}

TEST(ParseReplyTest, SizesAreBounded) {
  std::string large = "#### FILE: A.py\n```\n" + std::string(600 << 10, 'x') + "\n```\n";
  EXPECT_THAT(Parse(kRules + large).problem, HasSubstr("larger than 524288 bytes"));
  std::string many = kRules;
  for (int i = 0; i < 40; ++i) many += "#### FILE: f" + std::to_string(i) + ".py\n```\n```\n";
  EXPECT_THAT(Parse(many).problem, HasSubstr("more than 32 files"));
}

// The same rule as for a folder from disk: what one takes, the other does not refuse.
TEST(ParseReplyTest, NamesAreThoseOfEveryPassFolder) {
  EXPECT_EQ(Parse(kRules + kPass + "#### FILE: notes.md\n```\nx\n```\n").problem, "");
  EXPECT_EQ(Parse(kRules + kPass + "#### FILE: " + std::string(150, 'a') + ".py\n```\nx\n```\n").problem, "");
  EXPECT_EQ(Parse("#### FILE: ../A.py\n```\nx\n```\n").problem,
            "file name \"../A.py\" has an empty part, or one that begins with a dot");
}

}  // namespace
}  // namespace passnet::agent
