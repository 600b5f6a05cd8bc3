// Hostile programs in one-shot jails: each asserts how it ended; the fixture asserts that nothing of it survives and
// that no control group stays. Every program has a twin that is allowed, so that a harness that kills everything fails.
#include <signal.h>
#include <sys/syscall.h>

#include <gmock/gmock.h>

#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::HasSubstr;

using HostileRunTest = JailTest;

TEST_F(HostileRunTest, TwinsWork) {
  for (const char* name : {"fork_bomb", "memory_hog", "stdout_flood", "stop_itself", "spin", "forbidden_call", "huge_file",
                           "kill_everyone", "start_thread", "exec_other", "sleep_for_ever"}) {
    const RunReport report = MustRun(SpecFor(name, {"allowed"}));
    EXPECT_TRUE(report.outcome.Ok()) << name << ": " << report.outcome.reason << " " << report.out.Text();
  }
}

TEST_F(HostileRunTest, ForkBombStopsAtTheLimitAndAllOfItDies) {
  const RunReport report = MustRun(SpecFor("fork_bomb"));
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kExited) << report.outcome.reason;
  EXPECT_EQ(report.outcome.exit_code, 7);
  EXPECT_THAT(report.out.Text(), HasSubstr("Resource temporarily unavailable"));
  EXPECT_LE(std::stoi(report.out.Text()), 24);
}

TEST_F(HostileRunTest, ForkBombStopsWithoutGroupsToo) {
  RunSpec spec = SpecFor("fork_bomb");
  spec.limits_by = LimitsBy::kPolling;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.exit_code, 7) << report.outcome.reason;
  EXPECT_LE(std::stoi(report.out.Text()), 24);
}

TEST_F(HostileRunTest, MemoryHogIsMemoryUnderEveryTier) {
  for (const char* kind : {"private", "shared"}) {
    for (LimitsBy by : {LimitsBy::kBestOfHost, LimitsBy::kPolling}) {
      RunSpec spec = SpecFor("memory_hog", {kind});
      spec.limits_by = by;
      EXPECT_EQ(MustRun(spec).outcome.kind, OutcomeKind::kMemory) << kind;
    }
  }
}

TEST_F(HostileRunTest, StdoutFloodIsOutputAndKeepsHeadAndTail) {
  RunSpec spec = SpecFor("stdout_flood");
  spec.limits.output_bytes = 1000;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(report.out.head.substr(0, 5), "HEADx");
  EXPECT_EQ(report.out.head.size(), 500u);
  EXPECT_EQ(report.out.tail.size(), 500u);
  EXPECT_EQ(report.out.dropped_bytes, report.out.total_bytes - 1000);
}

TEST_F(HostileRunTest, UndyingDaemonDoesNotOutliveTheRun) {
  const RunReport report = MustRun(SpecFor("undying_daemon"));
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_EQ(report.out.Text(), "left\n");
}

TEST_F(HostileRunTest, SleepersAndTheStoppedMeetTheWallLimit) {
  for (const char* name : {"sleep_for_ever", "stop_itself"}) {
    RunSpec spec = SpecFor(name);
    spec.limits.wall = std::chrono::milliseconds(500);
    EXPECT_EQ(MustRun(spec).outcome.kind, OutcomeKind::kWallTimeout) << name;
  }
  RunSpec spec = SpecFor("undying_daemon", {"stay"});
  spec.limits.wall = std::chrono::milliseconds(500);
  EXPECT_EQ(MustRun(spec).outcome.kind, OutcomeKind::kWallTimeout);
}

TEST_F(HostileRunTest, ProcessorTimeIsCountedOverTheTree) {
  for (LimitsBy by : {LimitsBy::kBestOfHost, LimitsBy::kPolling}) {
    RunSpec spec = SpecFor("spin");
    spec.limits_by = by;
    spec.limits.cpu = std::chrono::milliseconds(500);
    const RunReport report = MustRun(spec);
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kCpuTimeout) << report.outcome.reason;
  }
}

struct Violation {
  const char* name;
  long nr;
};

TEST_F(HostileRunTest, NeverLegitimateCallsEndTheRunAndAreNamed) {
  for (const Violation& call : {Violation{"ptrace", SYS_ptrace}, {"process_vm_readv", SYS_process_vm_readv},
                                {"mount", SYS_mount}, {"umount", SYS_umount2}, {"unshare", SYS_unshare},
                                {"setns", SYS_setns}, {"chroot", SYS_chroot}, {"open_tree", 428}, {"bpf", SYS_bpf},
                                {"pidfd_getfd", SYS_pidfd_getfd}, {"execveat", SYS_execveat}}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {call.name}));
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall) << call.name << ": " << report.out.Text();
    EXPECT_EQ(report.outcome.syscall_nr, call.nr) << call.name;
  }
}

TEST_F(HostileRunTest, ForeignArchitecturesEndTheRun) {
  for (const char* name : {"int80", "x32"}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {name}));
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall) << name << ": " << report.out.Text();
    EXPECT_EQ(report.outcome.syscall_nr, -1) << name;
  }
}

TEST_F(HostileRunTest, ProbedCallsAreRefusedPolitely) {
  for (const char* name : {"socket", "netlink", "unix", "io_uring", "clone_namespace", "clone3", "perf_event_open",
                           "userfaultfd", "keyctl", "add_key", "memfd_create", "personality", "prlimit", "setaffinity",
                           "seccomp", "tiocsti", "tiocsti_bit32", "shmget"}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {name}));
    EXPECT_TRUE(report.outcome.Ok()) << name << ": " << report.outcome.reason << report.out.Text();
    EXPECT_THAT(report.out.Text(), HasSubstr("refused")) << name;
  }
}

TEST_F(HostileRunTest, HostFilesDoNotExist) {
  for (const char* path : {"/etc/shadow", "/etc/passwd", "/root", "/home", "/proc/1/environ", "/proc/1/root/etc/passwd",
                           "/proc/1/mem", "/proc/kcore", "/old/etc/passwd"}) {
    const RunReport report = MustRun(SpecFor("touch_files", {"read", path}));
    EXPECT_TRUE(report.outcome.Ok()) << path << ": " << report.out.Text();
  }
  EXPECT_TRUE(MustRun(SpecFor("touch_files", {"list", "/"})).outcome.Ok());
  EXPECT_TRUE(MustRun(SpecFor("touch_files", {"allowed", "/etc/ld.so.cache"})).outcome.Ok());
}

TEST_F(HostileRunTest, BoundFilesAreReadOnly) {
  for (const std::string& path : {std::string("/usr/bin/passnet-was-here"), std::string("/etc/ld.so.cache"),
                                  std::string("/new-file"), std::string("/dev/x"), TestcaseFolder() + "/echo"}) {
    const RunReport report = MustRun(SpecFor("touch_files", {"write", path}));
    EXPECT_TRUE(report.outcome.Ok()) << path << ": " << report.out.Text();
  }
  EXPECT_EQ(MustRun(SpecFor("touch_files", {"write", "/box/mine"})).outcome.exit_code, 42);  // the folder that is its own
}

TEST_F(HostileRunTest, OddArtefactsAreNamedAndNeverFollowed) {
  RunSpec spec = SpecFor("odd_artefacts");
  spec.outputs = {"link", "up/etc/passwd", "pipe", "folder", "big", "good", "../good", "/etc/passwd"};
  spec.output_file_bytes = 1 << 20;
  const RunReport report = MustRun(spec);
  ASSERT_TRUE(report.outcome.Ok()) << report.out.Text();
  EXPECT_EQ(report.artefacts[0].problem, "symbolic link");
  EXPECT_EQ(report.artefacts[1].problem, "symbolic link");
  EXPECT_FALSE(report.artefacts[2].bytes.has_value());
  EXPECT_EQ(report.artefacts[3].problem, "not a regular file");
  EXPECT_EQ(report.artefacts[4].problem, "larger than 1048576 bytes");
  EXPECT_EQ(report.artefacts[5].bytes, "honest");
  EXPECT_EQ(report.artefacts[6].problem, "not a plain relative name");
  EXPECT_EQ(report.artefacts[7].problem, "not a plain relative name");
}

TEST_F(HostileRunTest, HugeFileIsOutput) {
  RunSpec spec = SpecFor("huge_file");
  spec.limits.file_bytes = 1 << 20;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(report.outcome.signal, SIGXFSZ);
}

TEST_F(HostileRunTest, FullFolderIsTheProgramsProblemAndTheNextRunsFolderIsEmpty) {
  RunSpec spec = SpecFor("huge_file", {"fill"});
  spec.scratch_bytes = 4 << 20;
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_THAT(report.out.Text(), HasSubstr("No space left on device"));
  EXPECT_TRUE(MustRun(SpecFor("huge_file", {"allowed"})).outcome.Ok());
}

TEST_F(HostileRunTest, KillReachesNobodyOutside) {
  const RunReport report = MustRun(SpecFor("kill_everyone"));
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kExited) << report.outcome.reason;
  EXPECT_EQ(report.outcome.exit_code, 9);
}

TEST_F(HostileRunTest, ProgramIsBornWithItsThreeStreamsAlone) {
  EXPECT_EQ(MustRun(SpecFor("list_descriptors")).out.Text(), "0 1 2 ");
}

TEST_F(HostileRunTest, PolicyWithoutExecCannotEvenStart) {
  RunSpec spec = SpecFor("echo");
  spec.policy = SyscallPolicy::Hostile(false);
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall);
  EXPECT_EQ(report.outcome.syscall_nr, SYS_execve);
}

}  // namespace
}  // namespace passnet::sandbox
