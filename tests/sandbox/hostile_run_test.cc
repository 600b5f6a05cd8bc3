// Hostile programs in one-shot jails: each asserts how it ended; the fixture asserts that nothing of it survives and
// that no control group stays. Every program has a twin that is allowed, so that a harness that kills everything fails.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::HasSubstr;

// In each tier of limits that can be had here: what groups refuse must be refused without them.
class HostileRunTest : public JailTest, public testing::WithParamInterface<LimitsBy> {
 protected:
  static RunSpec SpecFor(const std::string& name, const std::vector<std::string>& arguments = {}) {
    RunSpec spec = sandbox::SpecFor(name, arguments);
    spec.limits_by = GetParam();
    return spec;
  }
};

INSTANTIATE_TEST_SUITE_P(Tiers, HostileRunTest, testing::Values(LimitsBy::kBestOfHost, LimitsBy::kPolling),
                         [](const auto& tier) { return tier.param == LimitsBy::kPolling ? "Polling" : "BestOfHost"; });

TEST_P(HostileRunTest, TwinsWork) {
  for (const char* name : {"fork_bomb", "memory_hog", "stdout_flood", "stop_itself", "spin", "forbidden_call", "huge_file",
                           "kill_everyone", "start_thread", "exec_other", "sleep_for_ever", "swap_output", "thread_bomb"}) {
    const RunReport report = MustRun(SpecFor(name, {"allowed"}));
    EXPECT_TRUE(report.outcome.Ok()) << name << ": " << report.outcome.reason << " " << report.out.Text();
  }
}

TEST_P(HostileRunTest, ForkBombStopsAtTheLimitAndAllOfItDies) {
  const RunReport report = MustRun(SpecFor("fork_bomb"));
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kExited) << report.outcome.reason;
  EXPECT_EQ(report.outcome.exit_code, 7);
  EXPECT_THAT(report.out.Text(), HasSubstr("Resource temporarily unavailable"));
  EXPECT_LE(std::stoi(report.out.Text()), 24);
  const RunReport threads = MustRun(SpecFor("thread_bomb"));
  EXPECT_EQ(threads.outcome.exit_code, 7) << threads.outcome.reason;
  EXPECT_THAT(threads.out.Text(), HasSubstr("Resource temporarily unavailable"));
  EXPECT_LE(std::stoi(threads.out.Text()), 24);
}

TEST_P(HostileRunTest, MemoryHogIsMemory) {
  for (const char* kind : {"private", "shared"}) {
    EXPECT_EQ(MustRun(SpecFor("memory_hog", {kind})).outcome.kind, OutcomeKind::kMemory) << kind;
  }
}

TEST_P(HostileRunTest, StdoutFloodIsOutputAndKeepsHeadAndTail) {
  RunSpec spec = SpecFor("stdout_flood");
  spec.limits.output_bytes = 1000;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(report.out.head.substr(0, 5), "HEADx");
  EXPECT_EQ(report.out.head.size(), 500u);
  EXPECT_EQ(report.out.tail.size(), 500u);
  EXPECT_EQ(report.out.dropped_bytes, report.out.total_bytes - 1000);
}

TEST_P(HostileRunTest, OutputIsCountedByteByByteAndMayBeClosed) {
  RunSpec spec = SpecFor("stdout_flood", {"bytes"});
  spec.limits.output_bytes = 100;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(report.out.head.size() + report.out.tail.size() + report.out.dropped_bytes, report.out.total_bytes);
  EXPECT_EQ(MustRun(SpecFor("stdout_flood", {"closed"})).outcome.exit_code, 5);
}

TEST_P(HostileRunTest, UndyingDaemonDoesNotOutliveTheRun) {
  const RunReport report = MustRun(SpecFor("undying_daemon"));
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_EQ(report.out.Text(), "left\n");
}

TEST_P(HostileRunTest, SleepersAndTheStoppedMeetTheWallLimit) {
  for (const char* name : {"sleep_for_ever", "stop_itself"}) {
    RunSpec spec = SpecFor(name);
    spec.limits.wall = std::chrono::milliseconds(500);
    EXPECT_EQ(MustRun(spec).outcome.kind, OutcomeKind::kWallTimeout) << name;
  }
  RunSpec spec = SpecFor("undying_daemon", {"stay"});
  spec.limits.wall = std::chrono::milliseconds(500);
  EXPECT_EQ(MustRun(spec).outcome.kind, OutcomeKind::kWallTimeout);
}

TEST_P(HostileRunTest, ProcessorTimeIsCountedOverTheTree) {
  for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"threads"}}) {
    RunSpec spec = SpecFor("spin", how);
    spec.limits.cpu = std::chrono::milliseconds(500);
    const RunReport report = MustRun(spec);
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kCpuTimeout) << report.outcome.reason;
  }
}

struct Violation {
  const char* name;
  long nr;
};

TEST_P(HostileRunTest, NeverLegitimateCallsEndTheRunAndAreNamed) {
  for (const Violation& call : {Violation{"ptrace", SYS_ptrace}, {"process_vm_readv", SYS_process_vm_readv},
                                {"mount", SYS_mount}, {"umount", SYS_umount2}, {"unshare", SYS_unshare},
                                {"setns", SYS_setns}, {"chroot", SYS_chroot}, {"open_tree", 428}, {"bpf", SYS_bpf},
                                {"ptrace_attach", SYS_ptrace}, {"process_vm_writev", SYS_process_vm_writev},
                                {"fsopen", 430}, {"pivot_root", SYS_pivot_root},
                                {"pidfd_getfd", SYS_pidfd_getfd}, {"execveat", SYS_execveat}}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {call.name}));
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall) << call.name << ": " << report.out.Text();
    EXPECT_EQ(report.outcome.syscall_nr, call.nr) << call.name;
  }
}

TEST_P(HostileRunTest, ForeignArchitecturesEndTheRun) {
  for (const char* name : {"int80", "int80_ptrace", "int80_socket", "x32", "x32_ptrace", "x32_socket"}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {name}));
    EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall) << name << ": " << report.out.Text();
    EXPECT_EQ(report.outcome.syscall_nr, -1) << name;
  }
}

TEST_P(HostileRunTest, ProbedCallsAreRefusedPolitely) {
  for (const char* name : {"socket", "inet6", "udp", "netlink", "packet", "vsock", "unix", "connect", "connect_abstract", "bind",
                           "io_uring", "seccomp_filter", "clone_namespace", "clone3", "perf_event_open",
                           "userfaultfd", "keyctl", "add_key", "memfd_create", "personality", "prlimit", "setaffinity",
                           "seccomp", "tiocsti", "tiocsti_bit32", "shmget"}) {
    const RunReport report = MustRun(SpecFor("forbidden_call", {name}));
    EXPECT_TRUE(report.outcome.Ok()) << name << ": " << report.outcome.reason << report.out.Text();
    EXPECT_THAT(report.out.Text(), HasSubstr("refused")) << name;
  }
}

TEST_P(HostileRunTest, HostFilesDoNotExist) {
  for (const char* path : {"/etc/shadow", "/etc/passwd", "/root", "/home", "/proc/1/environ", "/proc/1/root/etc/passwd",
                           "/proc/1/mem", "/proc/1/fd/0", "/proc/1/cwd/etc/passwd", "/proc/kcore", "/old/etc/passwd"}) {
    const RunReport report = MustRun(SpecFor("touch_files", {"read", path}));
    EXPECT_TRUE(report.outcome.Ok()) << path << ": " << report.out.Text();
  }
  EXPECT_TRUE(MustRun(SpecFor("touch_files", {"list", "/"})).outcome.Ok());
  EXPECT_TRUE(MustRun(SpecFor("touch_files", {"allowed", "/etc/ld.so.cache"})).outcome.Ok());
}

TEST_P(HostileRunTest, BoundFilesAreReadOnly) {
  for (const std::string& path : {std::string("/usr/bin/passnet-was-here"), std::string("/etc/ld.so.cache"),
                                  std::string("/new-file"), std::string("/dev/x"), TestcaseFolder() + "/echo"}) {
    const RunReport report = MustRun(SpecFor("touch_files", {"write", path}));
    EXPECT_TRUE(report.outcome.Ok()) << path << ": " << report.out.Text();
  }
  EXPECT_EQ(MustRun(SpecFor("touch_files", {"write", "/box/mine"})).outcome.exit_code, 42);  // the folder that is its own
}

TEST_P(HostileRunTest, OddArtefactsAreNamedAndNeverFollowed) {
  RunSpec spec = SpecFor("odd_artefacts");
  spec.outputs = {"link", "up/etc/passwd", "pipe", "folder", "big", "good", "../good", "/etc/passwd", std::string("good\0x", 6),
                  std::string(300, 'x')};
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
  EXPECT_EQ(report.artefacts[8].problem, "not a plain relative name");
  EXPECT_EQ(report.artefacts[9].problem, "not a plain relative name");
}

TEST_P(HostileRunTest, OutputThatIsExchangedForALinkIsNeverFollowed) {
  RunSpec spec = SpecFor("swap_output");
  spec.outputs = {"out"};
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_EQ(report.artefacts[0].bytes.value_or("honest"), "honest");
  if (!report.artefacts[0].bytes) {
    EXPECT_EQ(report.artefacts[0].problem, "symbolic link");
  }
}

// A set-uid program of root's that would read root's file, and its twin: the same file open to all.
TEST_P(HostileRunTest, SetUidProgramGainsNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to make a set-uid program of root's";
  char folder[] = "/var/tmp/passnet-setuid-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string program = std::string(folder) + "/touch_files", secret = std::string(folder) + "/secret";
  std::filesystem::copy(TestcaseFolder() + "/touch_files", program);
  std::ofstream(secret) << "x";
  ASSERT_EQ(chmod(folder, 0755) + chmod(program.c_str(), 04755) + chmod(secret.c_str(), 0600), 0);
  RunSpec spec = SpecFor("touch_files", {"read", secret});
  spec.argv[0] = program;
  spec.root.read_only.push_back(folder);
  EXPECT_THAT(MustRun(spec).out.Text(), HasSubstr("refused: Permission denied"));
  ASSERT_EQ(chmod(secret.c_str(), 0644), 0);
  spec.argv[1] = "allowed";
  EXPECT_TRUE(MustRun(spec).outcome.Ok());
  std::filesystem::remove_all(folder);
}

TEST_P(HostileRunTest, NextRunFindsNothingOfTheLastOne) {
  for (const char* path : {"/tmp/left", "/dev/shm/left", "/box/left"}) {
    EXPECT_EQ(MustRun(SpecFor("touch_files", {"write", path})).outcome.exit_code, 42) << path;
    EXPECT_THAT(MustRun(SpecFor("touch_files", {"read", path})).out.Text(), HasSubstr("refused: No such file")) << path;
  }
}

TEST_P(HostileRunTest, HugeFileIsOutput) {
  RunSpec spec = SpecFor("huge_file");
  spec.limits.file_bytes = 1 << 20;
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kOutput);
  EXPECT_EQ(report.outcome.signal, SIGXFSZ);
  EXPECT_EQ(MustRun(SpecFor("huge_file", {"sparse"})).outcome.signal, SIGXFSZ);
}

TEST_P(HostileRunTest, FullFolderIsTheProgramsProblemAndTheNextRunsFolderIsEmpty) {
  RunSpec spec = SpecFor("huge_file", {"fill"});
  spec.scratch_bytes = 4 << 20;
  const RunReport report = MustRun(spec);
  EXPECT_TRUE(report.outcome.Ok()) << report.outcome.reason;
  EXPECT_THAT(report.out.Text(), HasSubstr("No space left on device"));
  for (const std::vector<std::string>& how : {std::vector<std::string>{"inodes"}, {"fill", "/tmp"}, {"fill", "/dev/shm"}}) {
    spec = SpecFor("huge_file", how);
    spec.root.tmp_bytes = spec.root.shm_bytes = spec.scratch_bytes = 4 << 20;
    EXPECT_THAT(MustRun(spec).out.Text(), HasSubstr("No space left on device")) << how.back();
  }
  EXPECT_TRUE(MustRun(SpecFor("huge_file", {"allowed"})).outcome.Ok());
}

TEST_P(HostileRunTest, KillReachesNobodyOutside) {
  const RunReport report = MustRun(SpecFor("kill_everyone"));
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kExited) << report.outcome.reason;
  EXPECT_EQ(report.outcome.exit_code, 9);
}

TEST_P(HostileRunTest, ProgramIsBornWithItsThreeStreamsAlone) {
  EXPECT_EQ(MustRun(SpecFor("list_descriptors")).out.Text(), "0 1 2 ");
}

TEST_P(HostileRunTest, PolicyWithoutExecCannotEvenStart) {
  RunSpec spec = SpecFor("echo");
  spec.policy = SyscallPolicy::Hostile(false);
  const RunReport report = MustRun(spec);
  EXPECT_EQ(report.outcome.kind, OutcomeKind::kSyscall);
  EXPECT_EQ(report.outcome.syscall_nr, SYS_execve);
}

}  // namespace
}  // namespace passnet::sandbox
