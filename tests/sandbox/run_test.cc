#include "sandbox/run.h"

#include <grp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "base/unique_fd.h"
#include "sandbox/cgroup.h"
#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

using RunTest = JailTest;

TEST_F(RunTest, HonestProgramSeesExactlyWhatItWasGiven) {
  RunSpec spec = SpecFor("echo", {"one", "two words"});
  spec.stdin_bytes = "hello\n";
  spec.environment = {{"A", "1"}};
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_EQ(report.out.Text(), "hello\n");
  EXPECT_EQ(report.err.Text(), "one\ntwo words\nA=1\nin /box\n");
}

TEST_F(RunTest, LayersAreReadBackFromTheKernel) {
  const RunReport report = MustRun(SpecFor("echo"));
  EXPECT_THAT(report.layers, Contains("namespaces: user,mount,pid,net,ipc,uts"));
  EXPECT_THAT(report.layers, Contains("no new privileges"));
  EXPECT_THAT(report.layers, Contains("seccomp: 1 filter"));
  EXPECT_THAT(report.layers, Contains("capabilities: none"));
  EXPECT_THAT(report.layers, Contains(StartsWith("landlock: ABI ")));
}

TEST_F(RunTest, FilesGoInAndComeOut) {
  RunSpec spec = SpecFor("touch_files", {"allowed", "in/data"});
  spec.inputs = {{"in/data", "bytes"}};
  spec.outputs = {"in/data", "absent"};
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.out.Text();
  EXPECT_EQ(report.artefacts[0].bytes, "bytes");
  EXPECT_EQ(report.artefacts[1].problem, "missing");
}

TEST_F(RunTest, InputNamesThatLeaveTheFolderAreRefused) {
  for (const std::string& name : {std::string("../x"), std::string("/etc/x"), std::string("a\0b", 3), std::string(300, 'x')}) {
    RunSpec spec = SpecFor("echo");
    spec.inputs = {{name, ""}};
    const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
    ASSERT_TRUE(report.has_error()) << name;
    EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument) << name;
  }
}

TEST_F(RunTest, MissingBindIsRefusedByName) {
  RunSpec spec = SpecFor("echo");
  spec.root.read_only.push_back("/no/such/place");
  const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
  ASSERT_TRUE(report.has_error());
  EXPECT_THAT(report.error().context, HasSubstr("/no/such/place"));
}

TEST_F(RunTest, BoundFolderBelowTmpIsSeenReadOnlyAndNothingBesideIt) {
  const FolderBelowTmp folder;
  const auto run = [&folder](const std::string& how, const std::string& path) {
    RunSpec spec = SpecFor("touch_files", {how, path});
    spec.root.read_only.push_back(folder / "shown");
    return MustRun(spec).out.Text();
  };
  EXPECT_THAT(run("allowed", folder / "shown/file"), HasSubstr("worked"));
  EXPECT_THAT(run("write", folder / "shown/new"), HasSubstr("Read-only file system"));
  EXPECT_THAT(run("write", folder / "new"), HasSubstr("Read-only file system"));
  EXPECT_THAT(run("move", folder.path()), HasSubstr("refused"));
  EXPECT_THAT(run("list", folder / "hidden"), HasSubstr("refused: No such file"));
  EXPECT_THAT(run("write", "/tmp/passnet-test-file"), HasSubstr("worked"));
}

TEST_F(RunTest, TmpItselfCannotBeBound) {
  RunSpec spec = SpecFor("echo");
  spec.root.read_only.push_back("/tmp");
  EXPECT_EQ(sandbox::Run(spec, Deadline::After(std::chrono::seconds(30))).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(RunTest, MissingProgramIsASetupFailureThatNamesStepAndFix) {
  RunSpec spec = SpecFor("no_such_program");
  const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
  ASSERT_TRUE(report.has_value()) << report.error().context;
  EXPECT_EQ(report->outcome.kind, OutcomeKind::kSetupFailed);
  EXPECT_THAT(report->outcome.reason, HasSubstr("execve"));
  EXPECT_THAT(report->outcome.reason, HasSubstr("bind the program"));
}

TEST_F(RunTest, LimitThatTheKernelRefusesIsASetupFailure) {
  RunSpec spec = SpecFor("echo");
  spec.cores = {1000};
  const RunReport report = *sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kSetupFailed);
  EXPECT_THAT(report.outcome.reason, HasSubstr("affinity"));
}

TEST_F(RunTest, EveryEndHasItsOwnName) {
  EXPECT_EQ(MustRun(SpecFor("crash", {"exit"})).outcome.exit_code, 3);
  EXPECT_EQ(MustRun(SpecFor("crash", {"segv"})).outcome.signal, SIGSEGV);
  EXPECT_EQ(MustRun(SpecFor("crash", {"abort"})).outcome.signal, SIGABRT);
  const RunReport killed = MustRun(SpecFor("crash", {"kill"}));
  EXPECT_EQ(killed.outcome.kind, OutcomeKind::kSignalled);
  EXPECT_EQ(killed.outcome.signal, SIGKILL);
  EXPECT_TRUE(MustRun(SpecFor("crash", {"writing"})).outcome.Ok());
}

TEST_F(RunTest, CancelEndsTheTree) {
  RunSpec spec = SpecFor("sleep_for_ever");
  const UniqueFd cancel(eventfd(1, EFD_CLOEXEC));
  spec.cancel_fd = cancel.get();
  const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
  ASSERT_TRUE(report.has_error());
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

TEST_F(RunTest, CallersDeadlineIsAnErrorNotAnOutcome) {
  RunSpec spec = SpecFor("sleep_for_ever");
  const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(2)));
  ASSERT_TRUE(report.has_error());
  EXPECT_EQ(report.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(RunTest, AccountingCountsTheWholeTree) {
  RunSpec spec = SpecFor("memory_hog", {"allowed"});
  const RunReport report = MustRun(spec);
  EXPECT_GT(report.accounting.cpu.count(), 0);
  EXPECT_GT(report.accounting.wall.count(), 0);
  EXPECT_GE(report.accounting.peak_process_rss_bytes, 8u << 20);
  if (report.tier != "rlimits") {
    ASSERT_TRUE(report.accounting.peak_memory_bytes.has_value());
    EXPECT_GE(*report.accounting.peak_memory_bytes, 8u << 20);
  }
}

TEST_F(RunTest, CompilerCompiles) {
  if (access("/usr/bin/g++", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/g++ on this host";
  RunSpec spec = SpecFor("echo");
  spec.argv = {"/usr/bin/g++", "-O2", "-shared", "-fPIC", "-o", "k.so", "k.cc"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.inputs = {{"k.cc", "#include <cmath>\nextern \"C\" float f(float x) { return std::exp(x); }\n"}};
  spec.outputs = {"k.so"};
  spec.limits.memory_bytes = 1ull << 30;
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason << report.err.Text();
  ASSERT_TRUE(report.artefacts[0].bytes.has_value()) << report.artefacts[0].problem;
  EXPECT_THAT(*report.artefacts[0].bytes, StartsWith("\x7f" "ELF"));
}

// An orphaned jail would outlive a crashed evaluator, with nobody to stop it.
TEST_F(RunTest, TreeDiesWithTheProcessThatStartedIt) {
  const pid_t starter = fork();
  if (starter == 0) {
    const RunSpec spec = SpecFor("undying_daemon", {"stay"});
    (void)sandbox::Run(spec, Deadline::After(std::chrono::seconds(60)));
    _exit(0);
  }
  const Deadline patience = Deadline::After(std::chrono::seconds(20));
  while (Survivors().empty() && !patience.Passed()) usleep(1000);
  EXPECT_FALSE(patience.Passed()) << "the jailed program never started";
  // Counted while the starter lives: nobody sweeps its groups yet.
  if (DetectCgroups().tier != CgroupTier::kNone) {
    EXPECT_GE(LeftGroups(starter).size(), 2u);
  }
  kill(starter, SIGKILL);
  waitpid(starter, nullptr, 0);
  while (!Survivors().empty() && !patience.Passed()) usleep(1000);
  EXPECT_TRUE(Survivors().empty());
  // A killed starter cannot remove its groups; whoever comes next does, once the kernel has let go of the last member.
  const auto left = [&] {
    (void)SweepDeadGroups();
    return LeftGroups(starter);
  };
  while (!left().empty() && !patience.Passed()) usleep(1000);
  EXPECT_EQ(left(), std::vector<std::string>());
}

// The same jail without any privilege: the user's own namespaces, no groups.
TEST_F(RunTest, OrdinaryUserGetsTheSameLayers) {
  if (geteuid() != 0) GTEST_SKIP() << "already an ordinary user";
  const auto as_user = [] {
    if (setgroups(0, nullptr) != 0 || setresgid(54321, 54321, 54321) != 0 || setresuid(54321, 54321, 54321) != 0) return 1;
    RunSpec spec = SpecFor("echo");
    // Not the build folder: this user may not be able to reach it.
    spec.argv = {"/usr/bin/cat"};
    spec.root = SystemRoot();
    spec.stdin_bytes = "fine";
    spec.limits_by = LimitsBy::kPolling;
    const Result<RunReport> report = sandbox::Run(spec, Deadline::After(std::chrono::seconds(30)));
    if (report.has_error()) {
      fprintf(stderr, "%s\n", report.error().context.c_str());
      return 2;
    }
    if (!report->outcome.Ok()) {
      fprintf(stderr, "%s\n", report->outcome.reason.c_str());
      return 3;
    }
    return report->out.Text() == "fine" && report->layers.size() >= 5 ? 0 : 4;
  };
  EXPECT_EXIT(_exit(as_user()), testing::ExitedWithCode(0), "");
}

// With it, what a program of ours wants of a policy is found out; every call is answered as without.
TEST_F(RunTest, RefusedCallsAreToldAndAnsweredAsEver) {
  for (const bool told : {false, true}) {
    RunSpec spec = SpecFor("forbidden_call", {"userfaultfd"});
    spec.tell_refused = told;
    const RunReport report = MustRun(spec);
    EXPECT_EQ(report.outcome.exit_code, 0) << report.outcome.reason;
    EXPECT_THAT(report.out.Text(), HasSubstr("userfaultfd refused: Operation not permitted"));
    const auto is_it = [](const RefusedCall& call) { return call.name == "userfaultfd (323)" && call.times == 1; };
    EXPECT_EQ(std::any_of(report.refused.begin(), report.refused.end(), is_it), told);
  }
  // Never-legitimate ones are refused instead of ending the run, so that all of them are seen.
  RunSpec spec = SpecFor("forbidden_call", {"ptrace"});
  spec.tell_refused = true;
  const RunReport report = MustRun(spec);
  EXPECT_THAT(report.out.Text(), HasSubstr("ptrace refused: Operation not permitted"));
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
}

}  // namespace
}  // namespace passnet::sandbox
