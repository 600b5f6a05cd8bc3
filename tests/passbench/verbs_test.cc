// passnet task and passnet score through the real binary: exit codes, the last line of --json, messages.
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/shared_data.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::passbench {
namespace {

using testing::HasSubstr;

struct Ran {
  int code = -1;
  std::string output;  // standard output and error
  Json Last() const {
    const std::string text = output.substr(0, output.find_last_not_of('\n') + 1);
    return ParseJson(text.substr(text.rfind('\n') + 1)).value();
  }
};

Ran Passnet(const std::string& arguments) {
  Ran ran;
  std::FILE* out = ::popen(((fakes::BinaryDir() + "/bin/passnet") + " " + arguments + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t size = std::fread(buffer.data(), 1, buffer.size(), out)) ran.output.append(buffer.data(), size);
  const int status = ::pclose(out);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class PassbenchVerbsTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("set/good/graph_list.txt", "graphs/g\n");
    Write("set/good/graphs/g/model.py",
          "import torch\nclass GraphModule(torch.nn.Module):\n    def forward(self, in_0):\n"
          "        tmp_0 = torch.relu(in_0)\n        return (tmp_0,)\n");
    Write("set/good/graphs/g/weight_meta.py",
          "class A:\n\tname = 'in_0'\n\tshape = [500]\n\tdtype = 'torch.float16'\n\tmean = float('nan')\n\tstd = 1.0\n");
  }

  void Write(const std::string& file, std::string_view text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::string Path(const std::string& file) { return (root_ / file).native(); }

  const fakes::TempFolder temp_{"verbs"};
  const std::filesystem::path root_ = temp_.path();
};

TEST_F(PassbenchVerbsTest, TaskListNamesEveryTask) {
  Ran text = Passnet("task list " + Path("set"));
  EXPECT_EQ(text.code, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("good  "));
  EXPECT_THAT(text.output, HasSubstr("1.0 kB"));
  Json list = Passnet("task list --json " + Path("set")).Last();
  EXPECT_EQ(list["schema"], "passnet.task_list/1");
  ASSERT_EQ(list["tasks"].size(), 1u);
  EXPECT_EQ(list["tasks"].At(0)["path"], "good");
  EXPECT_EQ(list["tasks"].At(0)["ops"], Json(std::vector<std::string>{"relu"}));
  EXPECT_EQ(list["tasks"].At(0)["input_bytes_max"], 1000);
}

TEST_F(PassbenchVerbsTest, MalformedTaskIsNamedAndTheOthersAreListed) {
  Write("set/bad/graph_list.txt", "graphs/g\n");
  Write("set/bad/graphs/g/model.py", "import os\n");
  Write("set/bad/graphs/g/weight_meta.py", "");
  Ran ran = Passnet("task list " + Path("set"));
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.output, HasSubstr("model.py:1: \"os\"; \"import torch\" and no other module is expected"));
  EXPECT_THAT(ran.output, HasSubstr("good  "));
  EXPECT_EQ(Passnet("task list --json " + Path("set")).Last()["refused"].At(0)["path"], "bad");
  EXPECT_EQ(Passnet("task show " + Path("set/bad")).code, 2);
}

TEST_F(PassbenchVerbsTest, TaskShowTellsGraphsInputsAndOperators) {
  Ran text = Passnet("task show " + Path("set/good"));
  EXPECT_EQ(text.code, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("ops: relu"));
  EXPECT_THAT(text.output, HasSubstr("in_0: float16[500], random_float"));
  Json task = Passnet("task show --json " + Path("set/good")).Last();
  EXPECT_EQ(task["schema"], "passnet.task/1");
  EXPECT_EQ(task["graphs"].At(0)["inputs"].At(0)["mean"], nullptr);
  EXPECT_EQ(task["graphs"].At(0)["inputs"].At(0)["shape"], Json(std::vector<int>{500}));
}

TEST_F(PassbenchVerbsTest, BadInputIsTwo) {
  EXPECT_EQ(Passnet("task list " + Path("none")).code, 2);
  EXPECT_EQ(Passnet("task").code, 2);
  EXPECT_EQ(Passnet("score").code, 2);
  EXPECT_EQ(Passnet("score " + Path("none.log")).code, 2);
  Write("empty.log", "nothing\n");
  Ran empty = Passnet("score " + Path("empty.log"));
  EXPECT_EQ(empty.code, 2);
  EXPECT_THAT(empty.output, HasSubstr("no [Processing] line"));
  EXPECT_EQ(Passnet("score --b 2 " + Path("empty.log")).code, 2);
  EXPECT_EQ(Passnet("score --interpretation other " + Path("empty.log")).code, 2);
}

constexpr std::string_view kMiss = "[Processing] graphs/g\nRuntimeError: no match\n";

TEST_F(PassbenchVerbsTest, ScoreTakesParametersAndPrintsOneObject) {
  Write("miss.log", kMiss);
  Json score = Passnet("score --json " + Path("miss.log")).Last();
  EXPECT_EQ(score["schema"], "passnet.score/1");
  EXPECT_EQ(score["graphs"].At(0)["status"], "eager_fail");
  EXPECT_NEAR(score["aggregated_score"].Number(), 0.1, 1e-12);
  EXPECT_NEAR(Passnet("score --json --b 0.001 " + Path("miss.log")).Last()["es"]["4"].Number(), 0.001, 1e-12);
  Json extended = Passnet("score --json --interpretation mismatch_extended " + Path("miss.log")).Last();
  EXPECT_TRUE(extended.Has("aggregated_score") && extended["aggregated_score"].is_null());
  EXPECT_TRUE(extended["es"].Has("5"));
  EXPECT_THAT(Passnet("score " + Path("miss.log")).output, HasSubstr("aggregated speed-up AS  0.100000"));
}

TEST_F(PassbenchVerbsTest, CasesThatDifferAreListedWithExitFour) {
  Write("cases.json", R"({"cases":[{"name":"wrong","p":0,"b":0.1,"interpretation":"default",
    "graphs":[{"status":"eager_fail"}],"expect":{"S":{},"ES":{},"AS":0.2}}]})");
  Ran ran = Passnet("score --cases " + Path("cases.json"));
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.output, HasSubstr("AS: 0.2"));
  EXPECT_THAT(ran.output, HasSubstr("0 of 1 cases agree"));
  EXPECT_EQ(Passnet("score --json --cases " + Path("cases.json")).Last()["differ"].At(0)["name"], "wrong");
}

TEST_F(PassbenchVerbsTest, EveryOracleCaseAgrees) {
  for (const char* file : {"es_oracle.json", "es_oracle_logs.json"}) {
    PASSNET_NEEDS_SHARED_DATA(file);
    Ran ran = Passnet("score --cases " + fakes::SharedData(file).native());
    EXPECT_EQ(ran.code, 0) << ran.output;
  }
}

TEST_F(PassbenchVerbsTest, RealTaskSetIsListedWhole) {
  PASSNET_NEEDS_SHARED_DATA("passbench");
  Ran ran = Passnet("task list --json " + fakes::SharedData("passbench").native());
  EXPECT_EQ(ran.code, 0) << ran.output;
  size_t graphs = 0;
  const Json list = ran.Last();
  for (const Json& task : list["tasks"].Items()) graphs += task["graphs"].Unsigned();
  EXPECT_EQ(list["tasks"].size(), 35u);
  EXPECT_EQ(graphs, 188u);
}

}  // namespace
}  // namespace passnet::passbench
