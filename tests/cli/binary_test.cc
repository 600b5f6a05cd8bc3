// passnet through the real binary: what it makes of a misspelt verb, of a narrow screen, of a stranger's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/cli/one_answer_server.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::cli {
namespace {

using testing::HasSubstr;

struct Ran {
  int code = -1;  // -1: a signal ended it
  std::string output;  // standard output and error
};

Ran Passnet(const std::string& arguments) {
  const std::string command = fakes::BinaryDir() + "/bin/passnet " + arguments + " 2>&1";
  Ran ran;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.output.append(buffer, got);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

TEST(VerbTest, MisspeltVerbNamesTheClosestOne) {
  Ran verb = Passnet("evla --task tasks/rope");
  EXPECT_EQ(verb.code, 2);
  EXPECT_THAT(verb.output, HasSubstr("passnet: unknown verb 'evla', did you mean 'eval'?"));
  Ran sub_verb = Passnet("campaign lanch my.toml");
  EXPECT_EQ(sub_verb.code, 2);
  EXPECT_THAT(sub_verb.output, HasSubstr("passnet campaign: unknown verb 'lanch', did you mean 'launch'?"));
  EXPECT_THAT(Passnet("trajectory shwo t-1").output, HasSubstr("did you mean 'show'?"));
  Ran none = Passnet("frobnicate");
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.output, HasSubstr("unknown verb 'frobnicate'; there are task, score, eval, baseline"));
}

TEST(VerbTest, EveryVerbHasHelp) {
  for (const char* verb : {"task", "score", "eval", "baseline", "doctor", "campaign", "lanes", "config", "trajectory",
                           "verify", "replay", "export", "prompts", "prompts check", "task list", "task show",
                           "task marks", "campaign launch", "campaign run", "campaign compare", "campaign report",
                           "config check",
                           "trajectory list", "trajectory show", "trajectory diff"}) {
    Ran help = Passnet(std::string(verb) + " --help");
    EXPECT_EQ(help.code, 0) << help.output;
    EXPECT_THAT(help.output, HasSubstr(std::string("Usage: passnet ") + verb + " "));
  }
}

// Without a lane, whose start takes seconds: the wide lines are those of the sandbox.
TEST(DoctorTest, TableFitsTheScreen) {
  Ran doctor = Passnet("doctor --cache-dir /proc/none/" + std::string(300, 'x'));
  EXPECT_EQ(doctor.code, 3) << doctor.output;
  EXPECT_THAT(doctor.output, HasSubstr("sandbox: a whole jail"));
  EXPECT_THAT(doctor.output, HasSubstr("evaluation lane (cpu)"));
  const bool gpu = ::access("/dev/nvidiactl", F_OK) == 0;
  EXPECT_TRUE(gpu || doctor.output.find("no GPU") != std::string::npos) << doctor.output;
  std::istringstream lines(doctor.output);
  for (std::string line; std::getline(lines, line);) {
    auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(columns, 120) << line;
  }
}

TEST(CampaignTest, NestingWithoutEndIsAnErrorThatSaysWhoSentIt) {
  OneAnswerServer server(std::string(1'000'000, '['));
  for (const char* verb : {"list", "show c-1", "report c-1", "cancel c-1"}) {
    Ran ran = Passnet(std::string("campaign ") + verb + " --server " + server.url());
    EXPECT_EQ(ran.code, 3) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("the daemon's answer: nested deeper than 100"));
  }
}

// One name, one shape: the daemon's pages have a cursor, the CLI's list has all of them.
TEST(CampaignTest, ListHasANameOfItsOwn) {
  OneAnswerServer server(R"({"schema":"passnet.campaigns/1","campaigns":[{"campaign_id":"c-1"}],"next":null})");
  Ran list = Passnet("campaign list --json --server " + server.url());
  EXPECT_EQ(list.code, 0);
  EXPECT_EQ(list.output, R"({"schema":"passnet.campaign_list/1","campaigns":[{"campaign_id":"c-1"}]})" "\n");
}

TEST(CampaignTest, FileThatIsNoReportIsNamed) {
  fakes::TempFolder folder("report");
  const std::string file = folder / "notes.json";
  std::ofstream(file) << "{}";
  for (const std::string& verb : {"report " + file, "compare " + file + " " + file}) {
    Ran ran = Passnet("campaign " + verb);
    EXPECT_EQ(ran.code, 2) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("notes.json: not a campaign's report; `passnet campaign report ID --json"));
  }
}

TEST(CampaignTest, DryRunNeedsNeitherDaemonNorFileAndFlagsStandAboveTheFile) {
  const std::string flags = " --dry-run --json --endpoint http://127.0.0.1:1/v1 --samples 8 --rounds 2";
  Ran plan = Passnet("campaign run --model m --tasks rope,swiglu" + flags);
  EXPECT_EQ(plan.code, 0) << plan.output;
  EXPECT_THAT(plan.output, HasSubstr(R"("tasks":["rope","swiglu"],"samples":8,"rounds":2,"trajectories":16,"calls":32)"));
  Ran from_file = Passnet("campaign launch " + fakes::SourceDir() + "/configs/demo-campaign.toml --shard 2/13" + flags);
  EXPECT_EQ(from_file.code, 0) << from_file.output;
  EXPECT_THAT(from_file.output, HasSubstr(R"("tasks":["batchnorm_eval_act"])"));
  EXPECT_THAT(from_file.output, HasSubstr(R"("model":"recorded")"));
  EXPECT_THAT(from_file.output, HasSubstr(R"("restart":"fresh")"));
  Ran restarted = Passnet("campaign run --model m --tasks rope --restart best" + flags);
  EXPECT_THAT(restarted.output, HasSubstr(R"("restart":"best")"));
  Ran misspelt = Passnet("campaign run --model m --tasks rope --restart bests" + flags);
  EXPECT_EQ(misspelt.code, 2);
  EXPECT_THAT(misspelt.output, HasSubstr("best"));
  Ran nothing = Passnet("campaign run");
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.output, HasSubstr("name a spec file, or a model with --model"));
  EXPECT_EQ(Passnet("campaign run --model m --samples 0" + flags.substr(0, flags.find(" --samples"))).code, 2);
}

TEST(CampaignTest, SavedReportsAreShownAndComparedWithoutADaemon) {
  fakes::TempFolder folder("saved-report");
  const std::string file = folder.path() / "report.json";
  const std::string page = folder.path() / "page.html";
  std::ofstream(file) << R"({"schema":"passnet.campaign_report/1","name":"saved","by_task":[
    {"task":"rope","hash":"h","graphs":1,"scored":1,"solved":1,"score":1.5,"noise":0.01}]})";
  Ran shown = Passnet("campaign report " + file + " --html " + page);
  EXPECT_EQ(shown.code, 0) << shown.output;
  EXPECT_THAT(shown.output, HasSubstr("campaign saved"));
  std::ifstream written(page);
  std::string first;
  std::getline(written, first);
  EXPECT_EQ(first, "<!DOCTYPE html>");
  Ran compared = Passnet("campaign compare --json " + file + " " + file);
  EXPECT_EQ(compared.code, 0) << compared.output;
  EXPECT_THAT(compared.output, HasSubstr(R"("wins":0,"losses":0,"ties":1)"));
}

TEST(ScoreTest, CasesHaveANameOfTheirOwn) {
  fakes::TempFolder folder("score-cases");
  const std::string file = folder.path() / "score_cases.json";
  std::ofstream(file) << R"({"cases":[{"name":"one","p":0,"b":0.1,"interpretation":"default",
    "graphs":[{"status":"eager_fail"}],"expect":{"S":{},"ES":{},"AS":0.2}}]})";
  Ran cases = Passnet("score --json --cases " + file);
  EXPECT_EQ(cases.code, 4);
  EXPECT_THAT(cases.output, HasSubstr(R"({"schema":"passnet.score_cases/1","cases":")"));
}

TEST(CampaignTest, AnswersOfAnotherShapeAreShownAsAbsent) {
  OneAnswerServer server(
      R"({"campaigns": 7, "tasks": [5, {"task": 3}], "es": [], "usage": "none", "lost_calls": [{}]})");
  EXPECT_EQ(Passnet("campaign list --server " + server.url()).code, 0);
  Ran report = Passnet("campaign report c-1 --server " + server.url());
  EXPECT_EQ(report.code, 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("AS of the campaign      - over - tasks"));
  EXPECT_THAT(report.output, HasSubstr("lost: -"));
}

TEST(LanesTest, ProcessesQueueAndOutageAreShown) {
  const std::string body =
      R"({"schema":"passnet.lanes/2","outage":null,"processes":[{"name":"cpu:1@6#1","lane":"cpu:1@6","timing_core":6,)"
      R"("state":"busy","working_on":"evaluate 3f2a","campaign_id":"c-1","served":12,"restarts":1,)"
      R"("last_error":"the other side closed","outage":null},{"name":"cpu:1@6#2","timing_core":null,"state":"down",)"
      R"("served":0,"restarts":0,"last_error":"no such file","outage":{"what":"lane cpu:1@6#2","reason":"no such file",)"
      R"("since":"2026-01-31T12:00:00Z","next_try":"2026-01-31T12:01:00Z"}}],"waiting":[{"campaign_id":"c-2","requests":7}]})";
  OneAnswerServer server(body);
  Ran table = Passnet("lanes --server " + server.url());
  EXPECT_EQ(table.code, 0) << table.output;
  for (const char* part : {"evaluate 3f2a", "cpu:1@6#1 failed last with: the other side closed",
                           "cpu:1@6#2 fails since 2026-01-31T12:00:00Z: no such file; tried again at 2026-01-31T12:01:00Z",
                           "waiting: 7 of campaign c-2"}) {
    EXPECT_THAT(table.output, HasSubstr(part));
  }
  EXPECT_EQ(Passnet("lanes --json --server " + server.url()).output, body + "\n");
  OneAnswerServer stranger(R"({"processes": 7, "waiting": [5], "outage": 3})");
  EXPECT_EQ(Passnet("lanes --server " + stranger.url()).code, 0);
}

}  // namespace
}  // namespace passnet::cli
