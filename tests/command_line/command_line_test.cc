#include "command_line/command_line.h"

#include <gtest/gtest.h>

#include "command_line/exit_code.h"

namespace passnet::command_line {
namespace {

// What a run of `program` prints and ends with.
struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome RunTool(const Command& program, std::vector<const char*> words) {
  words.insert(words.begin(), "tool");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = Main(program, "tool 1.2", static_cast<int>(words.size()), const_cast<char**>(words.data()));
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

class CommandLineTest : public testing::Test {
 protected:
  Command Tool() {
    Command copy{.name = "copy", .help = "copies", .footer = "Example:\n  tool copy --from a", .run = [this] {
                   ran_ = "copy";
                   return 7;
                 }};
    copy.options = {
        {.name = "--from", .help = "source", .value = &from_, .required = true},
        {.name = "--mode", .help = "how", .value = &mode_, .show_default = true, .allowed = OneOf{{"fast", "safe"}}},
        {.name = "--size", .help = "how much", .value = &size_, .allowed = Integers{1, 9}},
        {.name = "--share", .help = "how much", .value = &share_, .allowed = Numbers{0, 1}},
        {.name = "--cap", .help = "at most", .value = &cap_, .allowed = NotNegative()},
        {.name = "--fault", .help = "which", .value = &faults_, .one_value_each = true},
        {.name = "--quiet", .help = "says nothing", .value = &quiet_, .excludes = "--size"},
    };
    auto act = [this](const char* name) {
      return [this, name] {
        ran_ = name;
        return kExitDone;
      };
    };
    Command task{.name = "task", .help = "tasks", .verbs = {{.name = "list", .help = "all", .run = act("list")},
                                                            {.name = "show", .help = "one", .run = act("show")}}};
    return {.name = "tool", .help = "does things", .verbs = {copy, task}};
  }

  std::string from_, mode_ = "fast", ran_;
  int64_t size_ = 2;
  double share_ = 0.5;
  std::optional<int64_t> cap_;
  std::vector<std::string> faults_;
  bool quiet_ = false;
};

TEST_F(CommandLineTest, ValuesArriveAndTheVerbsCodeIsTheProgramsCode) {
  Outcome outcome = RunTool(Tool(), {"copy", "--from", "x", "--mode", "safe", "--size", "9", "--share", "0.25",
                                     "--cap", "3", "--fault", "a", "--fault", "b"});
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(ran_, "copy");
  EXPECT_EQ(from_, "x");
  EXPECT_EQ(mode_, "safe");
  EXPECT_EQ(size_, 9);
  EXPECT_EQ(share_, 0.25);
  EXPECT_EQ(cap_, 3);
  EXPECT_EQ(faults_, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(quiet_);
}

TEST_F(CommandLineTest, SubVerbRuns) {
  EXPECT_EQ(RunTool(Tool(), {"task", "show"}).code, kExitDone);
  EXPECT_EQ(ran_, "show");
}

TEST_F(CommandLineTest, WrongUsageIsToldAndRunsNothing) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{}, "A subcommand is required"},
      {{"task"}, "A subcommand is required"},
      {{"copy"}, "--from is required"},
      {{"copy", "--from"}, "--from: 1 required TEXT"},
      {{"copy", "--from", "x", "--mode", "slow"}, "--mode: slow not in {fast,safe}"},
      {{"copy", "--from", "x", "--size", "10"}, "--size: Value 10 not in range 1 to 9"},
      {{"copy", "--from", "x", "--size", "many"}, "--size"},
      {{"copy", "--from", "x", "--share", "1.5"}, "--share: Value 1.5 not in range 0.000000 to 1.000000"},
      {{"copy", "--from", "x", "--cap", "-1"}, "--cap"},
      {{"copy", "--from", "x", "--quiet", "--size", "3"}, "excludes"},
      {{"copy", "--from", "x", "--fault", "a", "b"}, "The following argument was not expected: b"},
      {{"copy", "--from", "x", "--nonsense"}, "The following argument was not expected: --nonsense"},
  };
  for (const auto& [words, text] : cases) {
    Outcome outcome = RunTool(Tool(), words);
    EXPECT_EQ(outcome.code, kExitUsage) << text;
    EXPECT_NE(outcome.err.find(text), std::string::npos) << outcome.err;
    EXPECT_EQ(ran_, "") << text;
  }
}

TEST_F(CommandLineTest, HelpAndVersionAreNoMistakes) {
  Outcome help = RunTool(Tool(), {"copy", "--help"});
  EXPECT_EQ(help.code, kExitDone);
  EXPECT_NE(help.out.find("--mode TEXT:{fast,safe}=fast"), std::string::npos) << help.out;
  EXPECT_NE(help.out.find("--from TEXT REQUIRED"), std::string::npos) << help.out;
  EXPECT_NE(help.out.find("Example:\n  tool copy --from a"), std::string::npos) << help.out;
  Outcome version = RunTool(Tool(), {"--version"});
  EXPECT_EQ(version.code, kExitDone);
  EXPECT_EQ(version.out, "tool 1.2\n");
}

TEST_F(CommandLineTest, MisspeltVerbNamesTheClosestOne) {
  Outcome outcome = RunTool(Tool(), {"cpoy", "--from", "x"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "tool: unknown verb 'cpoy', did you mean 'copy'? tool has copy, task. "
            "Run with --help for more information.\n");
  outcome = RunTool(Tool(), {"task", "lst"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err.rfind("tool task: unknown verb 'lst', did you mean 'list'? tool task has list, show.", 0), 0u)
      << outcome.err;
  EXPECT_EQ(ran_, "");
}

TEST_F(CommandLineTest, VerbThatIsNearNoneListsThemAll) {
  EXPECT_EQ(RunTool(Tool(), {"frobnicate"}).err,
            "tool: unknown verb 'frobnicate'; there are copy, task. Run with --help for more information.\n");
}

TEST_F(CommandLineTest, OptionsAndArgumentsAreNoVerbs) {
  EXPECT_EQ(UnknownVerb(Tool(), {"--nonsense", "cpoy"}), "");
  EXPECT_EQ(UnknownVerb(Tool(), {"copy", "anything"}), "");
  EXPECT_EQ(UnknownVerb(Tool(), {"task", "--help"}), "");
  EXPECT_EQ(UnknownVerb(Tool(), {}), "");
}

TEST(ExitCodeTest, WhatTheUserCanPutRightIsUsage) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Fail("tool", InvalidArgument("no such flag")), kExitUsage);
  EXPECT_EQ(Fail("tool", NotFound("no such file")), kExitUsage);
  EXPECT_EQ(Fail("tool", Error{ErrorCode::kUnavailable, "gone"}), kExitInfrastructure);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tool: no such flag\ntool: no such file\ntool: gone\n");
}

}  // namespace
}  // namespace passnet::command_line
