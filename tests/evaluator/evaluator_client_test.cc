// The client against programs that stand in for passnet-evaluator: whatever they say ends as an Error, and the next
// request starts a fresh one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/unique_fd.h"
#include "evaluator/api/json.h"
#include "evaluator/client/lane_client.h"
#include "evaluator/client/second_try.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

const std::string kHello = R"({"type": "Hello", "protocol": 2, "environment": {"torch": "2"}})";

// An installation whose evaluator writes the same frames at each start, and then waits until the client goes.
class EvaluatorClientTest : public testing::Test {
 protected:
  void Install(const std::vector<std::string>& frames) {
    namespace fs = std::filesystem;
    fs::create_directories(folder_ / "bin");
    fs::create_directories(folder_ / "lib");
    std::ofstream(folder_ / "lib/python-path") << "/usr/bin/python3\n";
    Write("said", frames);
    const std::string program = folder_ / "bin/passnet-evaluator";
    std::ofstream(program) << "#!/bin/sh\ncd " << folder_.path() << "\necho started >> starts\n"
                           << "start=$(wc -l < starts)\necho $$ > pid\ngrep Cpus_allowed_list /proc/self/status > cores\n"
                           << "test -e hangs.$start && exec sleep 600\ncat said >&3\n"
                           << "test -e leaves.$start && { cat <&3 >/dev/null & exit 0; }\n"
                           << "test -e closes.$start && { exec 3<&-; echo > closed; exec sleep 600; }\n"
                           << "test -e ends.$start && exec head -c 4 <&3 >/dev/null\n"
                           << "test -e then.$start && head -c 4 <&3 >/dev/null && cat then.$start >&3\n"
                           << "exec cat <&3 >/dev/null\n";
    fs::permissions(program, fs::perms::owner_all);
  }

  // That of this start ends by itself, and leaves a child that holds its channel.
  void LeavesAChild(int start) { std::ofstream(folder_ / ("leaves." + std::to_string(start))); }
  // That of this start closes its channel and stays.
  void ClosesAt(int start) { std::ofstream(folder_ / ("closes." + std::to_string(start))); }
  // That of the latest start, which is this process's child; it is not reaped here.
  pid_t Pid() const {
    pid_t pid = 0;
    std::ifstream(folder_ / "pid") >> pid;
    return pid;
  }
  void AwaitItsEnd() const {
    siginfo_t ended{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(Pid()), &ended, WEXITED | WNOWAIT), 0);
  }
  // That of this start ends as soon as it is asked anything.
  void EndsWhenAsked(int start) { std::ofstream(folder_ / ("ends." + std::to_string(start))); }
  // That of this start never says anything.
  void HangsAt(int start) { std::ofstream(folder_ / ("hangs." + std::to_string(start))); }
  // That of this start answers so what it is asked.
  void ThenSays(int start, const std::vector<std::string>& frames) { Write("then." + std::to_string(start), frames); }

  void Write(const std::string& name, const std::vector<std::string>& frames) {
    std::ofstream file(folder_ / name, std::ios::binary);
    for (const std::string& frame : frames) {
      const auto size = static_cast<uint32_t>(frame.size());
      for (int shift : {0, 8, 16, 24}) file.put(static_cast<char>(size >> shift));
      file << frame;
    }
  }

  LaneClientOptions Options() const {
    LaneClientOptions options;
    options.evaluator_binary = folder_ / "bin/passnet-evaluator";
    options.cache_dir = folder_ / "cache";
    return options;
  }
  Result<std::unique_ptr<LaneClient>> Start(const std::string& ablate = "", std::stop_token stop = {}) {
    LaneClientOptions options = Options();
    options.ablate = ablate;
    return StartLane(options, Deadline::Never(), stop);
  }
  // Once the evaluator of this start is there.
  std::thread RequestStopAt(int start, std::stop_source stop) {
    return std::thread([this, start, stop]() mutable {
      while (Starts() < start) ::poll(nullptr, 0, 10);
      stop.request_stop();
    });
  }

  // Of a request to an evaluator that greets and then says `frame`.
  Error ErrorOfReply(const std::string& frame) {
    Install({kHello, frame});
    auto client = Start();
    if (!client) return client.error();
    auto report = client.value()->Baseline({}, Soon(), {});
    return report ? Internal("it was taken") : report.error();
  }

  int Starts() const {
    std::ifstream lines(folder_ / "starts");
    int count = 0;
    for (std::string line; std::getline(lines, line);) ++count;
    return count;
  }

  static Deadline Soon() { return Deadline::After(std::chrono::seconds(20)); }

  const fakes::TempFolder folder_{"client"};
};

TEST_F(EvaluatorClientTest, ReportOfAnEvaluatorArrives) {
  BaselineReport report;
  report.task = "rope";
  report.aggregated_score = 1.5;
  Install({kHello, R"({"type": "Progress", "what": "graph a", "done": 1, "total": 2})",
           Json{{"type", "Report"}, {"report", ToJsonValue(report)}}.Dump()});
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  EXPECT_EQ(client.value()->Environment(Soon()).value().at("torch"), "2");
  std::string seen;
  auto answer = client.value()->Baseline({}, Soon(), [&](const std::string& what, int done, int total) {
    seen = what + " " + std::to_string(done) + "/" + std::to_string(total);
  });
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer.value().aggregated_score, 1.5);
  EXPECT_EQ(seen, "graph a 1/2");
}

// Keys of LLM services stand in the environment of whoever starts it.
TEST_F(EvaluatorClientTest, EvaluatorIsBornWithAShortListOfVariables) {
  Install({kHello});
  const std::string program = folder_ / "bin/passnet-evaluator";
  std::ofstream(program) << "#!/bin/sh\nenv > " << folder_ / "env" << "\ncat " << folder_ / "said"
                         << " >&3\nexec cat <&3 >/dev/null\n";
  setenv("SOME_API_KEY", "secret", 1);
  setenv("LD_PRELOAD_OF_SOMEBODY", "x", 1);
  setenv("TZ", "Mars/Olympus", 1);
  EXPECT_TRUE(Start());
  for (const char* name : {"SOME_API_KEY", "LD_PRELOAD_OF_SOMEBODY", "TZ"}) unsetenv(name);
  std::ifstream lines(folder_ / "env");
  bool zone = false;
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find('='));
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
    // PWD, SHLVL and _ are the shell's own.
    EXPECT_THAT(name, testing::AnyOf("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PWD", "SHLVL", "_",
                                     testing::EndsWith("SAN_OPTIONS")));
    zone |= line == "TZ=Mars/Olympus";
  }
  EXPECT_TRUE(zone) << "what is on the list arrives";
}

// What /proc shows of the running process, not what a shell says of itself: the first environment, and descriptors. The
// daemon's sockets are opened by a library that does not say close-on-exec.
TEST_F(EvaluatorClientTest, EvaluatorHasNeitherTheKeyNorTheDaemonsDescriptors) {
  Install({kHello});
  const std::string program = folder_ / "bin/passnet-evaluator";
  std::ofstream(program) << "#!/bin/sh\ncat /proc/$$/environ > " << folder_ / "environ" << "\nreadlink /proc/$$/fd/* > "
                         << folder_ / "descriptors" << "\ncat " << folder_ / "said" << " >&3\nexec cat <&3 >/dev/null\n";
  std::ofstream(folder_ / "of-the-daemon") << "x";
  const UniqueFd low(::open((folder_ / "of-the-daemon").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd of_the_daemon(::fcntl(low.get(), F_DUPFD, 100));  // without close-on-exec, and not where the channel goes
  setenv("OPENAI_API_KEY", "sk-secret", 1);
  EXPECT_TRUE(Start());
  unsetenv("OPENAI_API_KEY");
  const std::string environment = ReadFile(folder_ / "environ", 1 << 20).value();
  EXPECT_THAT(environment, HasSubstr("PATH="));
  EXPECT_THAT(environment, testing::Not(HasSubstr("sk-secret")));
  const std::string descriptors = ReadFile(folder_ / "descriptors", 1 << 20).value();
  EXPECT_THAT(descriptors, HasSubstr("socket:"));
  EXPECT_THAT(descriptors, testing::Not(HasSubstr("of-the-daemon")));
}

TEST_F(EvaluatorClientTest, GreetingThatIsNoneIsAnError) {
  const std::string deep(1'000'000, '[');
  for (const std::string& greeting : {deep, std::string("{}"), std::string(R"({"protocol": "2"})"),
                                      std::string(R"({"protocol": 2, "environment": {"torch": 2}})")}) {
    SCOPED_TRACE(greeting.substr(0, 40));
    Install({greeting});
    auto client = Start();
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::kDataCorrupt) << client.error().context;
  }
}

// Figures of a lane that leaves out checks are no scores: whoever did not ask for one gets none, the daemon first of all.
TEST_F(EvaluatorClientTest, LaneThatLeavesOutChecksServesOnlyWhoAskedForIt) {
  const std::string ablated = R"({"type": "Hello", "protocol": 2, "environment": {"ablated": "screen"}})";
  Install({ablated});
  auto refused = Start();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, HasSubstr("leaves out the checks \"screen\""));
  auto asked = Start("screen");
  EXPECT_TRUE(asked) << asked.error().context;
  Install({kHello});
  EXPECT_FALSE(Start("screen")) << "it left out nothing";
}

TEST_F(EvaluatorClientTest, ReplyThatIsNoneIsAnErrorWithWhatAndWhere) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(ErrorOfReply(deep).context, HasSubstr("nested deeper"));
  EXPECT_THAT(ErrorOfReply(R"({"type":"Report","report":)" + deep).context, HasSubstr("nested deeper"));
  EXPECT_THAT(ErrorOfReply("[1]").context, HasSubstr("expected an object, found a list"));
  EXPECT_THAT(ErrorOfReply(R"({"type": "Failed", "code": [1]})").context, HasSubstr("code: expected a text"));
  EXPECT_THAT(ErrorOfReply(R"({"type": "Report", "report": [1]})").context,
              HasSubstr("passnet.baseline/1: expected an object, found a list"));
  EXPECT_THAT(ErrorOfReply(R"({"type": "Report"})").context, HasSubstr("passnet.baseline/1: expected an object"));
  EXPECT_THAT(ErrorOfReply(R"({"type": "Report", "report": {"schema": "passnet.baseline/1", "task": 5}})").context,
              HasSubstr("passnet.baseline/1: task: expected a text, found an integer"));
}

TEST_F(EvaluatorClientTest, RequestsOwnMistakeKeepsTheEvaluator) {
  const std::string failed = R"({"type": "Failed", "code": "not_found", "message": "no task"})";
  Install({kHello, failed, failed});
  auto client = Start();
  for (int i = 0; i < 2; ++i) {
    const Error error = client.value()->Baseline({}, Soon(), {}).error();
    EXPECT_EQ(error.code, ErrorCode::kNotFound);
    EXPECT_EQ(error.context, "no task");
  }
  EXPECT_EQ(Starts(), 1);
}

// Its zygote may be gone: the candidate after it would have suffered for that.
TEST_F(EvaluatorClientTest, EvaluatorThatFailedByItselfIsReplaced) {
  Install({kHello, R"({"type": "Failed", "code": "unavailable", "message": "the worker process ended"})"});
  auto client = Start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.value()->Baseline({}, Soon(), {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Starts(), 2);
  EvaluationReport infra;
  Install({kHello, Json{{"type", "Report"}, {"report", ToJsonValue(infra)}}.Dump()});
  client = Start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.value()->Evaluate({}, Soon(), {}).value().verdict, Verdict::kInfra);
  EXPECT_EQ(Starts(), 4);
}

// A report that cannot be read is no mistake in the request, after which nobody would ask again.
TEST_F(EvaluatorClientTest, UnreadableReportIsTheEvaluatorsFault) {
  EXPECT_EQ(ErrorOfReply(R"({"type": "Report", "report": [1]})").code, ErrorCode::kDataCorrupt);
}

// The whole way: two evaluators end when they are asked, the third describes the task and measures the next candidate.
TEST_F(EvaluatorClientTest, CandidateThatEndsTwoEvaluatorsHasCrashed) {
  EvaluateRequest request;
  request.evaluation_id = "e";
  request.task.path = "tasks/rope";
  TaskDescription task;
  task.graphs.resize(1);
  task.graphs[0].path = "graphs/a";
  EvaluationReport fine;
  fine.verdict = Verdict::kOk;
  Install({kHello});
  EndsWhenAsked(1);
  EndsWhenAsked(2);
  ThenSays(3, {Json{{"type", "Report"}, {"report", ToJsonValue(task)}}.Dump(),
               Json{{"type", "Report"}, {"report", ToJsonValue(fine)}}.Dump()});
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  const auto report = EvaluateWithSecondTry(*client.value(), request, {}, {});
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(report.value().verdict, Verdict::kCrash);
  EXPECT_THAT(report.value().reason, testing::StartsWith("ended two evaluators: evaluation lane: the other side closed"));
  EXPECT_EQ(report.value().graphs[0].path, "graphs/a");
  EXPECT_EQ(Starts(), 3);
  EXPECT_EQ(EvaluateWithSecondTry(*client.value(), request, {}, {}).value().verdict, Verdict::kOk);
  EXPECT_EQ(Starts(), 3);
}

// The kernel's OOM killer, say, took it between two requests. It counted as the first of the two deaths that make a CRASH.
TEST_F(EvaluatorClientTest, DeathOfAnIdleEvaluatorCountsAgainstNobody) {
  EvaluationReport fine;
  fine.verdict = Verdict::kOk;
  Install({kHello});
  EndsWhenAsked(2);
  ThenSays(3, {Json{{"type", "Report"}, {"report", ToJsonValue(fine)}}.Dump()});
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  ASSERT_EQ(::kill(Pid(), SIGKILL), 0);
  AwaitItsEnd();
  const auto report = EvaluateWithSecondTry(*client.value(), {}, {}, {});
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(report.value().verdict, Verdict::kOk) << report.value().reason;
  EXPECT_EQ(Starts(), 3);
}

// One sign of its end each: the process, although a child of its holds the channel; and the channel.
TEST_F(EvaluatorClientTest, EvaluatorThatIsGoneIsReplacedBeforeItIsAsked) {
  BaselineReport report;
  report.task = "rope";
  Install({kHello});
  LeavesAChild(1);
  ClosesAt(2);
  ThenSays(3, {Json{{"type", "Report"}, {"report", ToJsonValue(report)}}.Dump()});
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  AwaitItsEnd();
  ASSERT_TRUE(client.value()->Environment(Soon()));
  EXPECT_EQ(Starts(), 2);
  while (!std::filesystem::exists(folder_ / "closed")) ::poll(nullptr, 0, 10);
  const auto answer = client.value()->Baseline({}, Soon(), {});
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer.value().task, "rope");
  EXPECT_EQ(Starts(), 3);
}

// A start imports torch for seconds and has two minutes: whoever wanted to stop the daemon waited for it.
TEST_F(EvaluatorClientTest, StopEndsAStartThatHangs) {
  Install({kHello});
  HangsAt(1);
  std::stop_source stop;
  std::thread stopping = RequestStopAt(1, stop);
  auto client = Start("", stop.get_token());
  stopping.join();
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(Start("", stop.get_token())) << "it is a state";
  EXPECT_EQ(Starts(), 1);
}

TEST_F(EvaluatorClientTest, CancelEndsTheStartOfTheNextEvaluator) {
  Install({kHello});
  EndsWhenAsked(1);
  HangsAt(2);
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  std::stop_source cancel;
  client.value()->CancelWith(cancel.get_token());
  std::thread cancelling = RequestStopAt(2, cancel);
  // Its first try ends the evaluator; the second one has to start another.
  const auto report = EvaluateWithSecondTry(*client.value(), {}, {}, {});
  cancelling.join();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
  client.value()->CancelWith({});
  EXPECT_TRUE(client.value()->Environment(Soon())) << "the request was cancelled, the client was not";
  EXPECT_EQ(Starts(), 3);
}

TEST_F(EvaluatorClientTest, StopEndsARequestOfAnEvaluatorThatDoesNotAnswer) {
  Install({kHello});
  ThenSays(1, {R"({"type": "Progress", "what": "graph a", "done": 1, "total": 2})"});
  std::stop_source stop;
  auto client = Start("", stop.get_token());
  ASSERT_TRUE(client) << client.error().context;
  const auto report = client.value()->Baseline({}, Deadline::Never(),
                                               [&](const std::string&, int, int) { stop.request_stop(); });
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

// It was kNotFound, which a trajectory takes for its task's.
TEST_F(EvaluatorClientTest, ProgramThatIsGoneIsNoMistakeOfTheRequest) {
  Install({kHello});
  EndsWhenAsked(1);
  auto client = Start();
  ASSERT_TRUE(client) << client.error().context;
  std::filesystem::rename(folder_ / "bin/passnet-evaluator", folder_ / "bin/away");
  EXPECT_FALSE(client.value()->Baseline({}, Soon(), {}));
  const auto report = client.value()->Baseline({}, Soon(), {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(report.error().context, HasSubstr("passnet-evaluator"));
  std::filesystem::rename(folder_ / "bin/away", folder_ / "bin/passnet-evaluator");
  EXPECT_TRUE(client.value()->Environment(Soon()));
}

TEST_F(EvaluatorClientTest, NothingRunsOnTheTimingCoresOfOtherLanes) {
  Install({kHello});
  LaneClientOptions options = Options();
  cpu_set_t cores;
  ASSERT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
  if (CPU_COUNT(&cores) < 2) GTEST_SKIP() << "a machine of one core has no other lanes";
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &cores)) --last;
  options.other_timing_cores = {last};
  auto client = StartLane(options, Soon());
  ASSERT_TRUE(client) << client.error().context;
  std::string line;
  std::getline(std::ifstream(folder_ / "cores") >> std::ws, line);
  CPU_CLR(last, &cores);
  int highest = last;
  while (!CPU_ISSET(highest, &cores)) --highest;
  EXPECT_THAT(line, testing::EndsWith(std::to_string(highest)));
}

TEST_F(EvaluatorClientTest, EvaluatorThatLeftTheProtocolIsReplaced) {
  Install({kHello, "5"});
  auto client = Start();
  EXPECT_FALSE(client.value()->Baseline({}, Soon(), {}));
  EXPECT_FALSE(client.value()->Baseline({}, Soon(), {}));
  EXPECT_EQ(Starts(), 2);
}

}  // namespace
}  // namespace passnet::evaluator
