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

// What models write in place of the marker, each with the rule list beside it in the same form.
TEST(ParseReplyTest, WhatModelsReallyWriteIsTaken) {
  const std::string rules = "sorted_output_pass_rule_names.json", list = "```json\n[\"A\"]\n```\n";
  const std::string body = "x = 1\n```\n";
  const auto over = [&](const std::string& before, const std::string& after) {
    return before + rules + after + "\n" + list + "\n" + before + "A.py" + after + "\n\n```python\n" + body;
  };
  const auto in_fence = [&](const std::string& before, const std::string& after) {
    return "Rules:\n\n```json" + before + rules + after + "\n[\"A\"]\n```\nThe pass:\n```python" + before + "A.py" + after +
           "\n" + body;
  };
  const std::vector<std::string> replies = {
      over("### FILE: ", ""),
      over("## File: ", ""),
      over("#### File: `", "`"),
      over("# FILE : ", ""),
      over("**FILE: ", "**"),
      over("**File:** `", "`"),
      over("**FILE: `", "`**:"),
      over("FILE: ", ""),
      over("File name: ", ""),
      over("Filename: \"", "\""),
      over("- FILE: ", ""),
      over("1. **FILE: ", "**"),
      over("#### ", ""),
      over("### `", "`"),
      over("**", "**"),
      over("**`", "`**"),
      over("`", "`:"),
      over("2) `", "`"),
      over("", ""),
      over("#### FILE: pass_dir/", ""),
      over("### `pass_dir/", "`"),
      in_fence(" ", ""),
      in_fence(":", ""),
      in_fence(" title=\"", "\""),
      in_fence(" file=", ""),
      in_fence(" {title='", "'}"),
      in_fence(" filename=\"pass_dir/", "\""),
      "#### FILE: " + rules + "\n  ```json\n  [\"A\"]\n  ```\n#### FILE: A.py\n   ~~~python\n   x = 1\n   ~~~\n",
  };
  for (const std::string& reply : replies) {
    ParsedReply parsed = Parse(reply);
    EXPECT_EQ(parsed.problem, "") << reply;
    ASSERT_EQ(parsed.files.size(), 2u) << reply;
    EXPECT_EQ(parsed.files[0].name, rules);
    EXPECT_EQ(parsed.files[0].bytes, "[\"A\"]\n") << reply;
    EXPECT_EQ(parsed.files[1].name, "A.py");
    EXPECT_EQ(parsed.files[1].bytes, "x = 1\n") << reply;
  }
}

// Where markers are, what only looks like a file is a piece that the model talks about.
TEST(ParseReplyTest, HintsCountOnlyWhereNoMarkerIs) {
  ParsedReply parsed = Parse("The old loop:\n```cpp old.cc\nx\n```\n**A.py**\n```\ndraft\n```\n" + kRules + kPass);
  EXPECT_EQ(parsed.problem, "");
  ASSERT_EQ(parsed.files.size(), 2u);
  EXPECT_EQ(parsed.files[1].bytes, "x = 1\n");
}

TEST(ParseReplyTest, WhatCanMeanTwoThingsIsAProblem) {
  EXPECT_THAT(Parse("```json\n[\"A\"]\n```\n```python\n# A.py\nx = 1\n```\n").problem,
              HasSubstr("nothing else tells which files its 2 code blocks are"));
  EXPECT_THAT(Parse("**A.py**\n```python B.py\nx = 1\n```\n").problem,
              HasSubstr("called \"A.py\" above it and \"B.py\" in its fence"));
  EXPECT_THAT(Parse("**A.py**\n```\nx\n```\nBetter:\n\n**A.py**\n```\ny\n```\n").problem, HasSubstr("is there twice"));
  EXPECT_THAT(Parse("### FILE: A.py (the pass)\n```\nx\n```\n").problem, HasSubstr("has a character other than"));
}

TEST(ParseReplyTest, TheModelMaySayThatItIsDone) {
  for (const char* reply : {"#### DONE", "I keep round 3.\n\n#### DONE\n", "**DONE**", "DONE.\r\n",
                            "<think>FILE: x</think>### DONE"}) {
    ParsedReply parsed = Parse(reply);
    EXPECT_TRUE(parsed.done) << reply;
    EXPECT_EQ(parsed.problem, "");
  }
  for (const std::string& reply : {std::string("I am DONE with it."), std::string("```\n#### DONE\n```\n"),
                                   std::string("done"), kRules + kPass + "#### DONE\n"}) {
    EXPECT_FALSE(Parse(reply).done) << reply;
  }
}

// A marker line inside the thousand lines of another block, and blocks that never end.
TEST(ParseReplyTest, LongRepliesAreReadOnce) {
  std::string reply = kRules + kPass;
  for (int i = 0; i < 20'000; ++i) reply += "text\n```\nx\n```\n";
  EXPECT_EQ(Parse(reply).problem, "");
  EXPECT_EQ(Parse(reply).files.size(), 2u);
}

// The example is what models copy.
TEST(ParseReplyTest, TheExampleOfThePromptIsAReply) {
  ParsedReply parsed = Parse(prompts::ShippedPrompts().at("refine_example"));
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.files.size(), 5u);
}

TEST(ParseReplyTest, TheExamplesForAGpuAreReplies) {
  const std::string& triton = prompts::ShippedPrompts().at("refine_example_triton");
  EXPECT_EQ(Parse(triton).problem, "");
  EXPECT_EQ(Parse(triton).files.size(), 4u);
  // The kernel in CUDA C++ comes with the one file that it changes. Its form alone is looked at: which endings a lane
  // takes is asked elsewhere.
  const size_t changed = triton.find("#### FILE: add_activation_call.py");
  ASSERT_NE(changed, std::string::npos);
  std::string cuda = prompts::ShippedPrompts().at("refine_example_cuda");
  const size_t ending = cuda.find("#### FILE: add_activation.cu");
  ASSERT_NE(ending, std::string::npos);
  cuda.replace(ending, 28, "#### FILE: add_activation.cc");
  const ParsedReply parsed = Parse(triton.substr(0, changed) + cuda);
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.files.size(), 5u);
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
