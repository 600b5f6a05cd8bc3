// passnet verify, export and trajectory through the real binary: exit codes, the last line of --json, messages.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "tests/fakes/paths.h"
#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

struct Ran {
  int code = -1;
  std::string output;  // standard output and error
  Json Last() const {
    std::string text = output.substr(0, output.find_last_not_of('\n') + 1);
    auto json = ParseJson(text.substr(text.rfind('\n') + 1));
    EXPECT_TRUE(json) << output;
    return json ? json.value() : Json();
  }
};

class VerbsTest : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    OpenStore();
    Launch();
    std::string reply = R"({"choices":[{"message":{"role":"assistant","content":"pass \u001b[31m one"}}]})";
    Call("call-1", ChatRequest({{"user", "write\\nit"}}), reply);
    MustAppend({Draft(EventKind::kEvaluationIntent, "e-1", "final")});
    EventDraft report = Scored(Draft(EventKind::kEvaluationReport, "e-1", "OK"), 1.5, 1);
    report.payload = R"({"graphs":[{"verdict":"OK","speedup_call":1.5}]})";
    MustAppend({std::move(report)});
    MustAppend({Scored(Draft(EventKind::kTrajectoryFinished, "hash", "solved"), 1.5, 1)});
    MustAppend({Of("t-2", Draft(EventKind::kTrajectoryStarted, "gelu"))});
    Call("call-2", ChatRequest({{"user", "write\\nthat"}}), reply, "t-2");
  }

  Ran Run(const std::string& arguments) { return RunPlain(arguments + " --db " + path_); }

  Ran RunPlain(const std::string& arguments) {
    std::string command = (fakes::BinaryDir() + "/bin/passnet") + " " + arguments + " 2>&1";
    Ran ran;
    std::FILE* out = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (size_t size = std::fread(buffer.data(), 1, buffer.size(), out)) ran.output.append(buffer.data(), size);
    int status = ::pclose(out);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
  }

  void WriteList(const std::string& text) { ASSERT_TRUE(WriteFileAtomic(list_, text)); }

  const std::string list_ = (folder_ / "list.txt").string();
};

TEST_F(VerbsTest, VerifyIsDoneWhenIntactAndFourWhenNot) {
  // The events of this journal are no campaign's: hashes alone.
  Ran intact = Run("verify --hashes-only --json");
  EXPECT_EQ(intact.code, 0) << intact.output;
  Json report = intact.Last();
  EXPECT_EQ(report["schema"], "passnet.verify/1");
  EXPECT_EQ(report["intact"], true);
  EXPECT_EQ(report["finding"], nullptr);
  std::string head = report["heads"].At(0).Text();
  EXPECT_EQ(Run("verify --hashes-only --head " + head).code, 0);
  EXPECT_THAT(Run("verify --hashes-only").output, HasSubstr("only be seen against a head"));
  std::ofstream(folder_ / "heads") << head << "\n";
  EXPECT_EQ(Run("verify --hashes-only --head-log " + (folder_ / "heads").string()).code, 0);
  std::ofstream(folder_ / "heads") << head << "\nc-1:99:ab";
  Ran torn = Run("verify --hashes-only --head-log " + (folder_ / "heads").string());
  EXPECT_EQ(torn.code, 0);
  EXPECT_THAT(torn.output, HasSubstr("heads:2: was torn when it was written"));
  Ran torn_json = Run("verify --hashes-only --json --head-log " + (folder_ / "heads").string());
  EXPECT_EQ(torn_json.Last()["head_log_torn"], Json(Json::Array{(folder_ / "heads").string() + ":2"}));
  EXPECT_EQ(Run("verify --hashes-only --json").Last()["head_log_torn"], Json::MakeArray());
  std::ofstream(folder_ / "heads") << "nonsense\n";
  EXPECT_EQ(Run("verify --hashes-only --head-log " + (folder_ / "heads").string()).code, 2);

  Ran unreadable = Run("verify --json");
  EXPECT_EQ(unreadable.code, 4);
  EXPECT_EQ(unreadable.Last()["intact"], false);
  EXPECT_EQ(unreadable.Last()["finding"], nullptr);
  EXPECT_EQ(unreadable.Last()["unfoldable"].At(0)["id"], "c-1");
  EXPECT_THAT(Run("verify").output, HasSubstr("NOT READABLE: c-1: campaign c-1: its launch does not parse"));

  Tamper("UPDATE events SET score = 9 WHERE row_id = 6");
  Ran changed = Run("verify");
  EXPECT_EQ(changed.code, 4);
  EXPECT_THAT(changed.output, HasSubstr("NOT INTACT: changed: event row 6 (trajectory t-1, seq 5, evaluation_report)"));
  EXPECT_EQ(Run("verify --json").Last()["finding"]["row_id"], 6);
}

TEST_F(VerbsTest, ReplayNamesWhatCannotBeReplayed) {
  Ran replay = Run("replay --agent --json");
  EXPECT_EQ(replay.code, 4) << replay.output;
  EXPECT_EQ(replay.Last()["schema"], "passnet.replay/1");
  EXPECT_EQ(replay.Last()["same"], false);
  EXPECT_EQ(replay.Last()["unreadable"].At(0)["id"], "c-1");
  EXPECT_EQ(Run("replay").code, 2);
  EXPECT_EQ(Run("replay --agent --regrade").code, 2);
  EXPECT_THAT(Run("replay t-none --agent").output, HasSubstr("neither a trajectory nor a campaign t-none"));
}

// Nothing else than what was asked for is replayed in its place.
TEST_F(VerbsTest, ReplayTakesWhatIsNamedOrNothing) {
  for (const char* both : {"t-1 --campaign c-1", "t-1 --trajectory t-2"}) {
    Ran ran = Run(std::string("replay --agent ") + both);
    EXPECT_EQ(ran.code, 2) << both;
    EXPECT_THAT(ran.output, HasSubstr("give an ID, or --campaign and --trajectory, not both"));
  }
  Ran misspelt = Run("replay --agent --campaign c-1 --trajectory t-none");
  EXPECT_EQ(misspelt.code, 2) << misspelt.output;
  EXPECT_THAT(misspelt.output, HasSubstr("t-none"));
  EXPECT_EQ(Run("replay --agent --trajectory c-1").code, 2) << "a campaign is no trajectory";
  Ran part = Run("replay --agent --sample 3");
  EXPECT_EQ(part.code, 2);
  EXPECT_THAT(part.output, HasSubstr("go with --regrade"));
}

TEST_F(VerbsTest, ReplayOfNothingIsNoAgreement) {
  StoreOptions options;
  options.path = (folder_ / "empty.db").string();
  ASSERT_TRUE(Store::Open(options));
  Ran replay = RunPlain("replay --agent --db " + options.path);
  EXPECT_EQ(replay.code, 2) << replay.output;
  EXPECT_THAT(replay.output, HasSubstr("nothing of this selection"));
}

TEST_F(VerbsTest, BadInputIsTwoAndSaysWhat) {
  Ran head = Run("verify --head nonsense");
  EXPECT_EQ(head.code, 2);
  EXPECT_THAT(head.output, HasSubstr("nonsense"));
  EXPECT_EQ(Run("verify --campaign c-none").code, 2);
  EXPECT_EQ(Run("trajectory show t-none").code, 2);
  EXPECT_EQ(Run("trajectory show t-1 --seq 0").code, 2) << "events are counted from 1";
  EXPECT_EQ(Run("export --format parquet --out x").code, 2);
  path_ += "-none";
  Ran missing = Run("verify");
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.output, HasSubstr("-none"));
}

TEST_F(VerbsTest, ExportWritesRowsAndSaysWhatItLeftOut) {
  const std::string out = " --out " + (folder_ / "sft").string();
  Ran ran = Run("export --format openai-chat --json" + out);
  EXPECT_EQ(ran.code, 0) << ran.output;
  Json summary = ran.Last();
  EXPECT_EQ(summary["schema"], "passnet.export/2");
  EXPECT_EQ(summary["rows"], 1);
  EXPECT_EQ(summary["excluded"]["not_finished"], 1);
  EXPECT_EQ(summary["op_sequences_unknown"], 1);
  EXPECT_TRUE(std::filesystem::exists(summary["files"].At(0)["path"].Text()));
  EXPECT_TRUE(std::filesystem::exists(summary["manifest_path"].Text()));
  Ran told = Run("export --format openai-chat" + out);
  EXPECT_THAT(told.output, HasSubstr("1 rows from 1 of 2 trajectories on 1 tasks"));
  EXPECT_THAT(told.output, HasSubstr("not_finished"));
  EXPECT_THAT(told.output, HasSubstr("still running"));
  EXPECT_THAT(told.output, HasSubstr("the journal has no hash of its files"));
  Ran none = Run("export --format openai-chat --min-speedup 2" + out);
  EXPECT_EQ(none.code, 0);
  EXPECT_THAT(none.output, HasSubstr("Nothing was exported"));
  EXPECT_THAT(none.output, HasSubstr("--min-speedup 0 takes slower ones"));
}

TEST_F(VerbsTest, ExportTakesEveryForm) {
  const std::string out = " --json --out " + (folder_ / "sft").string();
  const std::pair<const char*, const char*> forms[] = {
      {"--format sharegpt", "sharegpt.jsonl"},
      {"--format sharegpt --history-masked", "sharegpt.jsonl"},
      {"--format trl", "trl-prompt-completion.jsonl"},
      {"--format trl --trl-form messages", "trl-messages.jsonl"},
      {"--format openai-chat --split train=1", "openai-chat.train.jsonl"},
      {"--format openai-chat --best-of --turns all", "openai-chat.jsonl"}};
  for (const auto& [form, file] : forms) {
    Ran ran = Run(std::string("export ") + form + out);
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_EQ(ran.Last()["rows"], 1) << form;
    EXPECT_TRUE(std::filesystem::exists(folder_ / "sft" / file)) << form;
  }
  EXPECT_EQ(Run("export --format trl --trl-form preference" + out).Last()["excluded"]["no_pair"], 1);
  EXPECT_EQ(Run("export --format openai-chat --beats inductor" + out).Last()["excluded"]["baseline_unknown"], 1);
}

TEST_F(VerbsTest, ExportThatMakesNoSenseIsRefusedWithTheNextStep) {
  const std::pair<const char*, const char*> refused[] = {
      {"--format sharegpt --trl-form messages", "--trl-form goes with --format trl"},
      {"--format openai-chat --history-masked", "--history-masked is for forms without weights"},
      {"--format openai-chat --split train=0.9,test=0.2", "not to 1; an example: --split train=0.9,validation=0.1"},
      {"--format openai-chat --campaign c-none", "without --campaign all of the journal's are taken"},
      {"--format openai-chat --decontaminate /no/such/list", "/no/such/list"},
      {"--format openai-chat --decontaminate /dev/null", "not a regular file"},
      {"--format openai-chat --best-of --per-task 2", "--best-of excludes --per-task"},
      {"--format openai-chat --beats eager", "--beats"}};
  for (const auto& [arguments, message] : refused) {
    Ran ran = Run(std::string("export ") + arguments + " --out " + (folder_ / "sft").string());
    EXPECT_EQ(ran.code, 2) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(message));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sft" / "manifest.json"));
}

// The list's file is what the verb for it prints; the bundled tasks are an evaluation set like any other.
TEST_F(VerbsTest, DecontaminationTakesAFolderOrAFileOfMarks) {
  const std::string tasks = fakes::SourceDir() + "/tasks";
  const std::string out = " --json --out " + (folder_ / "sft").string();
  EXPECT_EQ(Run("export --format openai-chat --decontaminate " + tasks + out).Last()["rows"], 1);
  WriteList("gelu  # the name of the journal's task\n");
  Json named = Run("export --format openai-chat --decontaminate " + list_ + out).Last();
  EXPECT_EQ(named["excluded"]["contaminated_name"], 1);
  WriteList("# nothing\n");
  Ran empty = Run("export --format openai-chat --decontaminate " + list_ + out);
  EXPECT_EQ(empty.code, 2);
  EXPECT_THAT(empty.output, HasSubstr("`passnet task marks FOLDER` writes such a list"));
}

// A stored task whose folder is still what it was tells its op sequence; one that was changed since tells nothing.
TEST_F(VerbsTest, OpSequenceComesFromTheTasksFolderWhileItIsThatOfTheLaunch) {
  const std::string folder = fakes::SourceDir() + "/tasks/rope";
  const Json marks = RunPlain("task marks " + folder + " --json").Last();
  EXPECT_EQ(marks["schema"], "passnet.task_marks/1");
  const std::string hash = marks["tasks"].At(0)["content"].Text();
  ASSERT_EQ(hash.size(), 64u);
  for (const std::string& stored : {hash, std::string(64, '0')}) {
    const std::string id = "t-" + stored.substr(0, 4);
    EventDraft start = Of(id, Draft(EventKind::kTrajectoryStarted, "renamed"));
    start.payload = Json({{"task_path", folder}, {"task_hash", stored}}).Dump();
    MustAppend({std::move(start)});
    MustAppend({Scored(Of(id, Draft(EventKind::kTrajectoryFinished, "h" + id, "solved")), 1.5, 1)});
  }
  WriteList(marks["tasks"].At(0)["ops"].At(0).Text() + "\n");
  const std::string out = " --json --out " + (folder_ / "sft").string();
  Json summary = Run("export --format openai-chat --min-speedup 0 --decontaminate " + list_ + out).Last();
  EXPECT_EQ(summary["excluded"]["contaminated_ops"], 1);
  EXPECT_EQ(summary["excluded"]["no_winner"], 1);
}

TEST_F(VerbsTest, TrajectoriesAreListedAndShown) {
  Json list = Run("trajectory list --json").Last();
  EXPECT_EQ(list["schema"], "passnet.trajectory_list/1");
  EXPECT_EQ(list["trajectories"].At(0)["trajectory_id"], "t-1");
  EXPECT_EQ(list["trajectories"].At(0)["final_score"], 1.5);
  EXPECT_EQ(list["trajectories"].At(1)["final_score"], nullptr);
  Json shown = Run("trajectory show t-1 --json").Last();
  EXPECT_EQ(shown["schema"], "passnet.trajectory/1");
  EXPECT_EQ(shown["events"].size(), 6u);
  EXPECT_THAT(Run("trajectory show t-1").output, HasSubstr("evaluation_report"));
  EXPECT_EQ(Run("trajectory show t-1 --seq 2 --json").Last()["contents"]["request"],
            ChatRequest({{"user", "write\\nit"}}));
}

// What a model wrote must not steer the reader's terminal.
TEST_F(VerbsTest, ControlCharactersOfAReplyDoNotReachTheTerminal) {
  Batch batch;
  EventDraft draft = Draft(EventKind::kFeedback);
  draft.refs.push_back({"message", batch.AddBlob("\x1b[2J gone").value()});
  ASSERT_TRUE(batch.Add(draft));
  ASSERT_TRUE(store_->Append(batch));
  Ran ran = Run("trajectory show t-1 --seq 7");
  EXPECT_THAT(ran.output, HasSubstr("gone"));
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);
}

TEST_F(VerbsTest, DiffNamesTheFirstDifference) {
  Json diff = Run("trajectory diff t-1 t-2 --json").Last();
  EXPECT_EQ(diff["schema"], "passnet.trajectory_diff/1");
  EXPECT_EQ(diff["same"], false);
  EXPECT_EQ(diff["first_step"]["step"], 4);
  EXPECT_EQ(diff["first_step"]["b"], "");
  EXPECT_EQ(diff["first_content"]["what"], "request");
  EXPECT_EQ(diff["first_content"]["call"], 1);
  EXPECT_EQ(diff["first_content"]["line"], 2);
  EXPECT_THAT(diff["first_content"]["a"].Text(), HasSubstr("it"));
  EXPECT_EQ(Run("trajectory diff t-1 t-1 --json").Last()["same"], true);
}

}  // namespace
}  // namespace passnet::trajectories
