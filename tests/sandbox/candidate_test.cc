// Hostile code in candidate children, through the chain that an evaluation uses: Child (zygote) -> task child ->
// candidate child. The fixture asserts that nothing survives.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include <gmock/gmock.h>

#include "base/file.h"
#include "sandbox/asked.h"
#include "sandbox/child.h"
#include "sandbox/landlock.h"
#include "sandbox/memory_watch.h"
#include "sandbox/plan.h"
#include "sandbox/read_back.h"
#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

UniqueFd InMemory(const std::string& bytes) {
  UniqueFd memory(memfd_create("plan", MFD_CLOEXEC));
  EXPECT_EQ(write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return memory;
}

struct Chain {
  std::unique_ptr<Child> zygote;
  UniqueFd output;
  UniqueFd channel;  // descriptor 3 of all three; a byte 'q' waits in it
};

constexpr uint32_t kNumber = 3;  // of SecondUser

class CandidateTest : public JailTest {
 protected:
  static CandidateOptions Options() {
    CandidateOptions options;
    options.readable = {"/usr", TestcaseFolder()};
    options.cores = {0};
    return options;
  }

  static Chain StartChain(const std::vector<std::string>& hostile, const CandidateOptions& options) {
    TaskChildOptions task_options;
    task_options.bound = options.readable;
    task_options.keep_fds = {3};
    task_options.second_user = options.second_user;
    const Result<std::string> task = TaskChildPlan(task_options);
    const Result<std::string> candidate = CandidatePlan(options);
    EXPECT_TRUE(task.has_value() && candidate.has_value());
    const UniqueFd task_plan = InMemory(*task);
    const UniqueFd candidate_plan = InMemory(*candidate);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    Chain chain{nullptr, UniqueFd(ends[0]), UniqueFd(sockets[0])};
    const UniqueFd writer(ends[1]), theirs(sockets[1]);
    EXPECT_EQ(write(sockets[0], "q", 1), 1);
    ChildSpec spec;
    spec.argv = {TestcaseFolder() + "/candidate_host", "10", "11", TestcaseFolder() + "/" + hostile[0] + ".so"};
    spec.argv.insert(spec.argv.end(), hostile.begin() + 1, hostile.end());
    if (options.second_user) spec.second_user = SecondUser(kNumber);
    spec.root = SystemRoot();
    spec.root.read_only_if_present.insert(spec.root.read_only_if_present.end(), options.readable.begin(),
                                          options.readable.end());
    if (options.gpu) {
      ShowGpu(*options.gpu, &spec.root);
      spec.policy.Allow(Loosening::kGpu);
    }
    spec.descriptors = {{writer.get(), 1}, {writer.get(), 2}, {theirs.get(), 3}, {task_plan.get(), 10}, {candidate_plan.get(), 11}};
    Result<std::unique_ptr<Child>> child = Child::Start(spec, Deadline::After(std::chrono::seconds(30)));
    if (child.has_error()) {
      ADD_FAILURE() << ToString(child.error());
    } else {
      chain.zygote = std::move(*child);
    }
    return chain;
  }

  // Zygote, task child and candidate, once the latter has said something: every layer is on by then.
  static std::vector<pid_t> RunningOf(const Chain& chain) {
    char byte;
    EXPECT_EQ(read(chain.output.get(), &byte, 1), 1);
    return Survivors();
  }

  // What the chain printed, once all of it has ended.
  static std::string RunInCandidate(const std::vector<std::string>& hostile, const CandidateOptions& options = Options()) {
    Chain chain = StartChain(hostile, options);
    if (!chain.zygote) return "";
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(chain.output.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
    EXPECT_TRUE(chain.zygote->Wait(Deadline::After(std::chrono::seconds(30)))->Ok());
    return text;
  }
};

TEST_F(CandidateTest, HonestCandidateRunsAndLeaves) {
  EXPECT_EQ(RunInCandidate({"forbidden_call", "signal_self"}),
            "allowed signal_self worked\ncandidate exited 0\ntask exited 0\n");
}

TEST_F(CandidateTest, NeverLegitimateCallsAreDeadly) {
  for (const char* name : {"ptrace", "process_vm_readv", "mount", "umount", "unshare", "setns", "chroot", "open_tree",
                           "bpf", "pidfd_getfd", "execveat", "ptrace_attach", "process_vm_writev", "fsopen", "pivot_root", "int80",
                           "int80_ptrace", "int80_socket", "x32", "x32_ptrace", "x32_socket"}) {
    EXPECT_THAT(RunInCandidate({"forbidden_call", name}), HasSubstr("candidate signalled 31")) << name;
  }
  EXPECT_THAT(RunInCandidate({"exec_other"}), HasSubstr("candidate signalled 31"));
}

TEST_F(CandidateTest, ProbedCallsAreRefused) {
  for (const char* name : {"socket", "inet6", "udp", "netlink", "packet", "vsock", "unix", "io_uring", "seccomp_filter",
                           "clone_namespace", "clone3", "perf_event_open",
                           "userfaultfd", "keyctl", "add_key", "memfd_create", "personality", "prlimit", "setaffinity",
                           "seccomp", "tiocsti", "tiocsti_bit32", "shmget", "fork", "kill_all", "kill_group",
                           "self_memory"}) {
    const std::string text = RunInCandidate({"forbidden_call", name});
    EXPECT_THAT(text, HasSubstr(std::string(name) + " refused")) << text;
    EXPECT_THAT(text, HasSubstr("candidate exited 0")) << name;
  }
}

// A candidate is stopped while others are timed: nothing of it may go off, answer or make anybody wait meanwhile. In a
// compiler's jail most of the same calls work: what refuses them here is the candidate's policy.
TEST_F(CandidateTest, NothingOfAStoppedCandidateGoesOn) {
  for (const char* name : {"setitimer", "alarm", "timer_create", "timerfd_create", "signalfd", "eventfd", "epoll", "io_setup",
                           "inotify", "pidfd_open", "flock", "setlk", "ofd_setlk", "setlease", "notify", "setown", "setsig",
                           "async", "readahead", "shared_anonymous", "shared_zero", "queued_signals"}) {
    const std::string text = RunInCandidate({"forbidden_call", name});
    EXPECT_THAT(text, HasSubstr(std::string(name) + " refused")) << text;
  }
  for (const char* name : {"nanosleep", "pipe", "getfl", "private_anonymous"}) {
    EXPECT_THAT(RunInCandidate({"forbidden_call", name}), HasSubstr(std::string("allowed ") + name + " worked"));
  }
  for (const char* name : {"setitimer", "alarm", "timer_create", "timerfd_create", "signalfd", "eventfd", "epoll", "flock",
                           "setlk", "ofd_setlk", "readahead", "shared_anonymous", "shared_zero", "queued_signals"}) {
    EXPECT_EQ(MustRun(SpecFor("forbidden_call", {name})).outcome.exit_code, 42) << name;
  }
}

TEST_F(CandidateTest, ChannelIsReadAndWriteAlone) {
  CandidateOptions options = Options();
  options.keep_fds = {3};
  for (const char* name : {"sendto", "sendmsg", "recvfrom", "recvmsg", "getsockopt", "setsockopt", "shutdown", "connect",
                           "connect_abstract", "bind"}) {
    EXPECT_THAT(RunInCandidate({"forbidden_call", name}, options), HasSubstr(std::string(name) + " refused"));
  }
  EXPECT_THAT(RunInCandidate({"forbidden_call", "channel"}, options), HasSubstr("allowed channel worked"));
}

TEST_F(CandidateTest, OneCoreMeansOneThread) {
  EXPECT_THAT(RunInCandidate({"start_thread"}), HasSubstr("thread refused"));
  CandidateOptions several = Options();
  several.threads = true;
  EXPECT_THAT(RunInCandidate({"start_thread", "allowed"}, several), HasSubstr("allowed thread worked"));
  EXPECT_THAT(RunInCandidate({"forbidden_call", "fork"}, several), HasSubstr("fork refused"));
  several.max_threads = 20;
  EXPECT_THAT(RunInCandidate({"thread_bomb"}, several), HasSubstr("Resource temporarily unavailable"));
  EXPECT_THAT(RunInCandidate({"thread_bomb", "allowed"}, several), HasSubstr("allowed three threads worked"));
}

// It lives on and /proc says little of it: for whoever looks it is one that ends, and is ended.
TEST_F(CandidateTest, FirstThreadMayEndAndIsTakenForTheEnd) {
  CandidateOptions options = Options();
  options.keep_fds = {3};
  options.threads = true;
  Chain chain = StartChain({"first_thread_ends"}, options);
  ASSERT_TRUE(chain.zygote);
  const std::vector<pid_t> running = RunningOf(chain);
  ASSERT_EQ(running.size(), 3u);
  EXPECT_FALSE(Ending(running.back()));
  ASSERT_EQ(write(chain.channel.get(), "q", 1), 1);
  char byte;
  ASSERT_EQ(read(chain.output.get(), &byte, 1), 1);  // of the thread that goes on
  EXPECT_EQ(byte, 'b');
  EXPECT_TRUE(Ending(running.back()));
  EXPECT_FALSE(ReadBack(running.back()).has_value());
  kill(running.back(), SIGKILL);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(chain.output.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  EXPECT_THAT(text, HasSubstr("candidate signalled 9"));
}

TEST_F(CandidateTest, FilesOutsideItsListAreClosed) {
  for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives", "/proc/1/root/etc/ld.so.cache", "/etc/shadow", "/root",
                           "/box", "/proc/1/environ", "/proc/1/mem", "/proc/2/maps", "/dev/zero"}) {
    EXPECT_THAT(RunInCandidate({"touch_files", "read", path}), HasSubstr("refused")) << path;
  }
  EXPECT_THAT(RunInCandidate({"touch_files", "allowed", "/usr/bin/true"}), HasSubstr("worked"));
  for (const std::string& path : {std::string("/usr/x"), std::string("/dev/shm/x"), std::string("/x"),
                                  TestcaseFolder() + "/echo", std::string("/proc/self/comm")}) {
    EXPECT_THAT(RunInCandidate({"touch_files", "write", path}), HasSubstr("refused")) << path;
  }
  // Its own folder.
  EXPECT_THAT(RunInCandidate({"touch_files", "write", "/tmp/passnet-test-file"}), HasSubstr("candidate exited 42"));
}

// Checkouts below /tmp were refused once, since every jail's own /tmp hid them.
TEST_F(CandidateTest, BoundFolderBelowTmpIsSeenReadOnlyAndNothingBesideIt) {
  const FolderBelowTmp folder;
  const FolderBelowTmp other;
  CandidateOptions options = Options();
  options.readable.push_back(folder / "link");
  for (const char* file : {"shown/file", "link/file"}) {
    EXPECT_THAT(RunInCandidate({"touch_files", "allowed", folder / file}, options), HasSubstr("worked")) << file;
  }
  for (const char* name : {"shown/new", "shown/file", "new"}) {
    EXPECT_THAT(RunInCandidate({"touch_files", "write", folder / name}, options), HasSubstr("Read-only file system")) << name;
  }
  // Otherwise it could put files of its own under the bound paths.
  EXPECT_THAT(RunInCandidate({"touch_files", "move", folder.path()}, options), HasSubstr("refused: Device or resource busy"));
  EXPECT_THAT(RunInCandidate({"touch_files", "move", folder / "shown"}, options), HasSubstr("refused"));
  for (const std::string& path : {folder / "hidden", other.path()}) {
    EXPECT_THAT(RunInCandidate({"touch_files", "list", path}, options), HasSubstr("refused: No such file")) << path;
  }
  EXPECT_THAT(RunInCandidate({"touch_files", "write", "/tmp/passnet-test-file"}, options), HasSubstr("candidate exited 42"));
  EXPECT_THAT(RunInCandidate({"touch_files", "write", "/dev/shm/x"}, options), HasSubstr("refused"));
}

// /dev/full stands for a GPU's node: it opens for reading and writing and knows no command. /dev/random, which every jail
// has, stands for the node of a GPU that is not the candidate's.
CandidateOptions OnGpuLane(CandidateOptions options, bool uses_gpu) {
  options.gpu = GpuAccess{{"/dev/full"}, {}};
  options.uses_gpu = uses_gpu;
  options.second_user = SecondUser(kNumber).has_value();
  options.own_user = options.second_user && uses_gpu;
  return options;
}

constexpr char kListed[] = "0xc020462a";    // _IOWR('F', RM_CONTROL, 0x20)
constexpr char kUnlisted[] = "0xc02046d3";  // _IOWR('F', XFER_CMD, 0x20)

TEST_F(CandidateTest, GpuIsReachedByItsUserAlone) {
  const CandidateOptions user = OnGpuLane(Options(), true), reader = OnGpuLane(Options(), false);
  const auto ask = [](const char* node, const char* command, const CandidateOptions& options) {
    return RunInCandidate({"device_command", node, command}, options);
  };
  EXPECT_THAT(ask("/dev/full", kListed, user), StartsWith("reached the device"));
  EXPECT_THAT(ask("/dev/full", "0x30000001", user), StartsWith("reached the device"));
  EXPECT_THAT(ask("/dev/full", kUnlisted, user), StartsWith("command refused: Function not implemented"));
  EXPECT_THAT(ask("/dev/random", kListed, user), StartsWith("open refused: Permission denied"));
  EXPECT_THAT(ask("/dev/full", kListed, reader), StartsWith("open refused: Permission denied"));
  // On a descriptor that it has anyway a reader is refused by its filter.
  EXPECT_THAT(ask("-", kListed, user), StartsWith("reached the device"));
  EXPECT_THAT(ask("-", kListed, reader), StartsWith("command refused: Operation not permitted"));
  EXPECT_THAT(ask("-", kListed, Options()), StartsWith("command refused: Function not implemented"));
  if (LandlockAbi() >= 5) {
    EXPECT_THAT(ask("/dev/null", kListed, user), StartsWith("command refused: Permission denied")) << "not its node";
  }
}

// Its library starts threads, names them and wants files in memory. Nothing else is looser than for a candidate without.
TEST_F(CandidateTest, GpuCandidateMayNameThreadsAndMakeSmallMemoryFiles) {
  const CandidateOptions user = OnGpuLane(Options(), true);
  EXPECT_THAT(RunInCandidate({"start_thread", "allowed"}, user), HasSubstr("allowed thread worked"));
  // Landlock's rule is for the folder of the threads, so that their names are not the only files that open; nothing
  // outside of it does.
  const std::string opened = RunInCandidate({"own_process_files"}, user);
  EXPECT_THAT(opened, HasSubstr("/proc/1/task/1/comm opened\n"));
  EXPECT_THAT(opened, HasSubstr("tried all\ncandidate exited 0"));
  std::istringstream lines(opened);
  for (std::string line; std::getline(lines, line) && line != "tried all";) EXPECT_THAT(line, StartsWith("/proc/1/task/1/"));
  EXPECT_EQ(RunInCandidate({"own_process_files"}), "tried all\ncandidate exited 0\ntask exited 0\n");
  EXPECT_THAT(RunInCandidate({"forbidden_call", "memfd_create"}, user), HasSubstr("memfd_create worked"));
  EXPECT_THAT(RunInCandidate({"forbidden_call", "memfd_of_1_gb"}, user), HasSubstr("refused: File too large"));
  EXPECT_THAT(RunInCandidate({"forbidden_call", "memfd_huge_pages"}, user), HasSubstr("memfd_huge_pages refused"));
}

std::string CommandLineOf(pid_t process) {
  return ReadFile("/proc/" + std::to_string(process) + "/cmdline", 4096).value();
}

// Its threads' files are open to it, their memory among them. What it can change by that is its own pages, which native code
// changes anyway: neither its parent's, from which it was forked, nor a file's that it has mapped.
TEST_F(CandidateTest, GpuCandidateWritesNobodysMemoryButItsOwn) {
  CandidateOptions user = OnGpuLane(Options(), true);
  user.keep_fds = {3};
  Chain chain = StartChain({"own_memory"}, user);
  ASSERT_TRUE(chain.zygote);
  std::string told;
  for (char byte; told.find("done\n") == std::string::npos && read(chain.output.get(), &byte, 1) == 1;) told += byte;
  EXPECT_THAT(told, HasSubstr("own page written\n"));  // or the others would prove nothing
  EXPECT_THAT(told, HasSubstr("private page of a file written, the file is as it was\n"));
  EXPECT_THAT(told, HasSubstr("shared page of a file refused\n"));
  const std::vector<pid_t> running = Survivors();
  ASSERT_EQ(running.size(), 3u);
  EXPECT_THAT(CommandLineOf(running[2]), HasSubstr("CHANGED"));
  EXPECT_THAT(CommandLineOf(running[1]), Not(HasSubstr("CHANGED"))) << "the task child has the same pages until one writes";
  EXPECT_THAT(CommandLineOf(running[0]), Not(HasSubstr("CHANGED")));
  chain.zygote->Kill();
}

// It may lower its oom_score_adj to what the evaluator was started with, and no further; its limit ends it all the same.
TEST_F(CandidateTest, GpuCandidateWithALowerOomScoreMeetsItsLimit) {
  constexpr uint64_t kLimit = 64 << 20;
  CandidateOptions user = OnGpuLane(Options(), true);
  user.keep_fds = {3};
  const int ours = ReadBack(getpid())->oom_score_adj;
  const bool groups = DetectCgroups().tier != CgroupTier::kNone;
  for (const bool by_group : {false, true}) {
    if (by_group && !groups) continue;
    Chain chain = StartChain({"oom_score", std::to_string(ours), std::to_string(ours - 1)}, user);
    ASSERT_TRUE(chain.zygote);
    std::string told;
    for (char byte; told.find("waits\n") == std::string::npos && read(chain.output.get(), &byte, 1) == 1;) told += byte;
    EXPECT_THAT(told, HasSubstr("below refused: "));
    EXPECT_THAT(told, HasSubstr("lowered\n"));
    const pid_t candidate = Survivors().back();
    EXPECT_EQ(ReadBack(candidate)->oom_score_adj, ours);
    const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, candidate, 0)));
    std::optional<Cgroup> group;
    std::shared_ptr<MemoryWatch> watch;
    std::shared_ptr<WatchedMemory> watched;
    if (by_group) {
      group.emplace(Cgroup::Create("candidate", {kLimit, 8}).value());
      ASSERT_FALSE(group->Add(candidate).has_error());
    } else {
      watch = MemoryWatch::Start({});
      watched = WatchedMemory::Of(candidate, pidfd.get(), kLimit).value();
      watch->Add(watched);
    }
    ASSERT_EQ(write(chain.channel.get(), "q", 1), 1);
    std::string rest;
    char buffer[4096];
    for (ssize_t got; (got = read(chain.output.get(), buffer, sizeof buffer)) > 0;) rest.append(buffer, static_cast<size_t>(got));
    EXPECT_THAT(rest, HasSubstr("candidate signalled 9")) << rest;
    EXPECT_TRUE(by_group ? group->OomKills() > 0 : watched->killed());
    EXPECT_TRUE(chain.zygote->Wait(Deadline::After(std::chrono::seconds(30))).has_value());
  }
}

TEST_F(CandidateTest, GpuCandidateIsRefusedWhatOthersAre) {
  const CandidateOptions user = OnGpuLane(Options(), true);
  for (const char* name : {"ptrace", "process_vm_readv", "mount", "unshare", "bpf", "execveat", "int80", "x32"}) {
    EXPECT_THAT(RunInCandidate({"forbidden_call", name}, user), HasSubstr("candidate signalled 31")) << name;
  }
  for (const char* name : {"socket", "netlink", "unix", "io_uring", "seccomp_filter", "clone_namespace", "perf_event_open",
                           "userfaultfd", "prlimit", "setaffinity", "tiocsti", "shmget", "fork", "kill_all",
                           "setitimer", "timerfd_create", "eventfd", "epoll", "pidfd_open", "flock", "async",
                           "shared_anonymous", "shared_zero", "queued_signals", "setresuid", "setresgid"}) {
    EXPECT_THAT(RunInCandidate({"forbidden_call", name}, user), HasSubstr(std::string(name) + " refused")) << name;
  }
}

// A context in an ancestor would be every child's: neither the zygote nor the task child holds a node.
TEST_F(CandidateTest, AncestorsOfAGpuCandidateHoldNoNode) {
  Chain chain = StartChain({"sleep_for_ever"}, OnGpuLane(Options(), true));
  ASSERT_TRUE(chain.zygote);
  const std::vector<pid_t> running = RunningOf(chain);
  ASSERT_EQ(running.size(), 3u);
  for (const pid_t process : running) EXPECT_EQ(OpenNodes(process, {"/dev/full"}).value(), std::vector<std::string>());
  Asked asked = AskedBy(CandidatePlan(OnGpuLane(Options(), true)).value(), 2);
  EXPECT_EQ(asked.takes_user, SecondUser(kNumber).has_value());
  asked.uid = SecondUser(kNumber).value_or(JailUser());
  const Result<ReadBackReport> found = ReadBack(running.back());
  EXPECT_FALSE(CheckInForce(asked, *found, "it").has_error()) << CheckInForce(asked, *found, "it").error().context;
  chain.zygote->Kill();
}

// A driver lets processes of one user reach into one another's memory: eager's are of another one.
TEST_F(CandidateTest, GpuCandidateIsOfNoUserThatItsNeighboursAreOf) {
  if (!SecondUser(kNumber)) GTEST_SKIP() << "only root has a second user to give";
  CandidateOptions neighbour = OnGpuLane(Options(), true);
  neighbour.own_user = false;
  for (const CandidateOptions& options : {OnGpuLane(Options(), true), neighbour}) {
    Chain chain = StartChain({"sleep_for_ever"}, options);
    ASSERT_TRUE(chain.zygote);
    const std::vector<pid_t> running = RunningOf(chain);
    ASSERT_EQ(running.size(), 3u);
    EXPECT_EQ(ReadBack(running[0])->uid, JailUser());
    EXPECT_EQ(ReadBack(running[1])->uid, JailUser());
    const Result<ReadBackReport> found = ReadBack(running[2]);
    EXPECT_EQ(found->uid, options.own_user ? *SecondUser(kNumber) : JailUser());
    EXPECT_THAT(found->Layers(), Contains("capabilities: none"));
    EXPECT_EQ(kill(running[1], SIGKILL), 0);
    for (int look = 0; look < 500 && Survivors().size() > 1; ++look) usleep(10'000);
    EXPECT_LE(Survivors().size(), 1u) << "a change of user must not make it outlive its parent";
    chain.zygote->Kill();
  }
  EXPECT_NE(*SecondUser(kNumber), JailUser());
  EXPECT_NE(*SecondUser(kNumber), *SecondUser(kNumber + 1)) << "candidates may be on another GPU meanwhile";
  CandidateOptions writing = OnGpuLane(Options(), true);
  writing.file_bytes = 1 << 20;
  EXPECT_THAT(RunInCandidate({"huge_file"}, writing), HasSubstr("write refused: File too large")) << "its /tmp is its own";
  CandidateOptions without = OnGpuLane(Options(), true);
  without.second_user = false;
  EXPECT_EQ(CandidatePlan(without).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CandidateTest, ReadableRootIsRefusedAtPlanning) {
  CandidateOptions options = Options();
  options.readable.push_back("/");
  EXPECT_EQ(CandidatePlan(options).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CandidateTest, MissingReadablePathFailsClosed) {
  CandidateOptions options = Options();
  options.readable.push_back("/no/such/path");
  EXPECT_THAT(RunInCandidate({"echo"}, options), HasSubstr("apply failed: landlock /no/such/path: No such file"));
}

TEST_F(CandidateTest, ResourceLimitsHold) {
  CandidateOptions options = Options();
  options.file_bytes = 1 << 20;
  // Not SIGXFSZ: the init of a pid namespace does not die of signals that it has no handler for (pid_namespaces(7)).
  EXPECT_THAT(RunInCandidate({"huge_file"}, options), HasSubstr("write refused: File too large"));
  options = Options();
  options.tmp_bytes = 1 << 20;
  EXPECT_THAT(RunInCandidate({"huge_file", "fill"}, options), HasSubstr("No space left on device"));
  EXPECT_THAT(RunInCandidate({"huge_file", "inodes"}, options), HasSubstr("No space left on device"));
  EXPECT_THAT(RunInCandidate({"huge_file", "sparse"}, options), HasSubstr("sparse refused: File too large"));
  options = Options();
  options.data_bytes = 64 << 20;
  EXPECT_THAT(RunInCandidate({"memory_hog"}, options), HasSubstr("allowed mmap Cannot allocate memory"));
  options = Options();
  options.cpu = std::chrono::seconds(1);
  // SIGXCPU is ignored for the same reason; the SIGKILL of the hard limit, one second later, is not.
  EXPECT_THAT(RunInCandidate({"spin"}, options), HasSubstr("candidate signalled " + std::to_string(SIGKILL)));
}

TEST_F(CandidateTest, CrashesOfAnInitAreSeen) {
  EXPECT_THAT(RunInCandidate({"crash", "segv"}), HasSubstr("candidate signalled " + std::to_string(SIGSEGV)));
  // Its own SIGABRT and SIGKILL do not reach the init of a pid namespace: abort() then faults, kill() returns.
  EXPECT_THAT(RunInCandidate({"crash", "abort"}), HasSubstr("candidate signalled " + std::to_string(SIGSEGV)));
  EXPECT_THAT(RunInCandidate({"crash", "kill"}), HasSubstr("candidate exited 3"));
}

TEST_F(CandidateTest, CandidateIsBornWithTheGivenDescriptorsAlone) {
  EXPECT_THAT(RunInCandidate({"list_descriptors"}), StartsWith("0 1 2 candidate exited 0"));
}

TEST_F(CandidateTest, LayersOfTheCandidateAreReadBack) {
  Chain chain = StartChain({"sleep_for_ever"}, Options());
  ASSERT_TRUE(chain.zygote);
  const std::vector<pid_t> running = RunningOf(chain);
  ASSERT_EQ(running.size(), 3u) << "zygote, task child, candidate child";
  const pid_t candidate = running.back();
  const Result<ReadBackReport> found = ReadBack(candidate);
  ASSERT_TRUE(found.has_value()) << found.error().context;
  EXPECT_THAT(found->Layers(), Contains("namespaces: user,mount,pid,net,ipc,uts"));
  EXPECT_THAT(found->Layers(), Contains("seccomp: 3 filters"));
  EXPECT_THAT(found->Layers(), Contains("capabilities: none"));
  EXPECT_EQ(found->cores, std::vector<int>{0});
  EXPECT_EQ(found->threads, 1);
  const Asked asked = AskedBy(CandidatePlan(Options()).value(), 2);
  EXPECT_FALSE(CheckInForce(asked, *found, "it").has_error()) << CheckInForce(asked, *found, "it").error().context;
  const Result<ReadBackReport> zygote = ReadBack(chain.zygote->pid());
  EXPECT_EQ(zygote->seccomp_filters, 1);
  // Candidates die first where the host itself runs out of memory.
  EXPECT_GT(found->oom_score_adj, ReadBack(running[1])->oom_score_adj);
  EXPECT_GT(ReadBack(running[1])->oom_score_adj, zygote->oom_score_adj);
  EXPECT_GT(zygote->oom_score_adj, ReadBack(getpid())->oom_score_adj);
  EXPECT_NE(zygote->effective_capabilities, 0u);  // of its own user namespace alone
  EXPECT_EQ(chain.zygote->Kill().signal, SIGKILL);
}

TEST_F(CandidateTest, GroupTakesAGrandchildAndItsEndIsKnown) {
  if (DetectCgroups().tier == CgroupTier::kNone) GTEST_SKIP() << "no control groups: " << DetectCgroups().why;
  Chain chain = StartChain({"sleep_for_ever"}, Options());
  ASSERT_TRUE(chain.zygote);
  char byte;
  ASSERT_EQ(read(chain.output.get(), &byte, 1), 1);
  const pid_t candidate = Survivors().back();
  Result<Cgroup> group = Cgroup::Create("candidate", {64 << 20, 8});
  ASSERT_TRUE(group.has_value()) << group.error().context;
  ASSERT_FALSE(group->Add(candidate).has_error());
  EXPECT_EQ(group->Members(), std::vector<pid_t>{candidate});
  EXPECT_THAT(ReadBack(candidate)->Layers(), Contains(HasSubstr("passnet-candidate")));
  EXPECT_FALSE(group->KillAll().has_error());
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(chain.output.get(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  EXPECT_THAT(text, HasSubstr("candidate signalled 9"));
}

}  // namespace
}  // namespace passnet::sandbox
