// The filters as data: a small interpreter of their BPF says what each system call would get, without installing them.
#include "sandbox/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ioctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "sandbox/policy_gpu.h"

namespace passnet::sandbox {
namespace {

// Classic BPF as seccomp allows it (Linux, Documentation/networking/filter.rst): loads of words of seccomp_data, jumps,
// AND, returns.
uint32_t Decide(const std::string& code, const seccomp_data& data) {
  std::vector<sock_filter> program(code.size() / sizeof(sock_filter));
  std::memcpy(program.data(), code.data(), program.size() * sizeof(sock_filter));
  uint32_t a = 0;
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& i = program[pc];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= i.k;
        break;
      case BPF_JMP | BPF_JA:
        pc += i.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        pc += a == i.k ? i.jt : i.jf;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        pc += a > i.k ? i.jt : i.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        pc += a >= i.k ? i.jt : i.jf;
        break;
      case BPF_RET | BPF_K:
        return i.k;
      default:
        ADD_FAILURE() << "unexpected instruction " << i.code;
        return 0;
    }
  }
  ADD_FAILURE() << "fell off the end";
  return 0;
}

seccomp_data Call(long nr, uint64_t a0 = 0, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0) {
  seccomp_data data{};
  data.nr = static_cast<int>(nr);
  data.arch = AUDIT_ARCH_X86_64;
  data.args[0] = a0;
  data.args[1] = a1;
  data.args[2] = a2;
  data.args[3] = a3;
  return data;
}

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr uint32_t Errno(int err) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(err); }

std::string Full(const SyscallPolicy& policy) { return policy.Compile(false, -1).value(); }

// What the kernel does with several filters: the strictest answer (seccomp(2)).
uint32_t Stacked(const std::vector<std::string>& filters, const seccomp_data& data) {
  uint32_t answer = kAllow;
  for (const std::string& filter : filters) {
    const uint32_t each = Decide(filter, data);
    const auto rank = [](uint32_t action) { return static_cast<int32_t>(action & SECCOMP_RET_ACTION_FULL); };
    if (rank(each) < rank(answer)) answer = each;
  }
  return answer;
}

TEST(PolicyTest, ForeignArchitectureDiesBeforeAnythingElse) {
  const std::string filter = Full(SyscallPolicy::Compiler());
  seccomp_data data = Call(SYS_read);
  EXPECT_EQ(Decide(filter, data), kAllow);
  data.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(Decide(filter, data), kKill);
  EXPECT_EQ(Decide(filter, Call(0x40000000 | SYS_read)), kKill);
}

TEST(PolicyTest, EachLooseningOpensItsOwnCalls) {
  const std::string minimal = Full(SyscallPolicy::Minimal());
  EXPECT_EQ(Decide(minimal, Call(SYS_execve)), kKill);
  EXPECT_EQ(Decide(minimal, Call(SYS_fork)), Errno(EPERM));
  EXPECT_EQ(Decide(minimal, Call(SYS_unlinkat)), Errno(ENOSYS));
  EXPECT_EQ(Decide(Full(SyscallPolicy::Minimal().Allow(Loosening::kExec)), Call(SYS_execve)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::Minimal().Allow(Loosening::kProcesses)), Call(SYS_fork)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::Minimal().Allow(Loosening::kWriting)), Call(SYS_unlinkat)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::Minimal().Allow(Loosening::kMemfd)), Call(SYS_memfd_create)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::Minimal().Allow(Loosening::kAffinity)), Call(SYS_sched_setaffinity)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::JailMaker()), Call(SYS_setresuid)), Errno(EPERM));
  EXPECT_EQ(Decide(Full(SyscallPolicy::JailMaker().Allow(Loosening::kUsers)), Call(SYS_setresuid)), kAllow);
}

TEST(PolicyTest, ThreadsAreNotProcesses) {
  const std::string threads = Full(SyscallPolicy::Hostile(true));
  EXPECT_EQ(Decide(threads, Call(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)), kAllow);
  EXPECT_NE(Decide(threads, Call(SYS_clone, SIGCHLD)), kAllow);
  EXPECT_NE(Decide(threads, Call(SYS_clone, CLONE_THREAD | CLONE_NEWUSER)), kAllow);
  EXPECT_EQ(Decide(threads, Call(SYS_clone3)), Errno(ENOSYS));
  EXPECT_NE(Decide(Full(SyscallPolicy::Hostile(false)), Call(SYS_clone, CLONE_VM | CLONE_THREAD)), kAllow);
}

TEST(PolicyTest, IoctlIsComparedOnTheLowHalf) {
  const std::string filter = Full(SyscallPolicy::Compiler());
  EXPECT_EQ(Decide(filter, Call(SYS_ioctl, 0, 0x5401 /* TCGETS */)), kAllow);
  EXPECT_EQ(Decide(filter, Call(SYS_ioctl, 0, 0x100005401)), kAllow);
  EXPECT_NE(Decide(filter, Call(SYS_ioctl, 0, 0x5412 /* TIOCSTI */)), kAllow);
  EXPECT_NE(Decide(filter, Call(SYS_ioctl, 0, 0x100005412)), kAllow);
}

TEST(PolicyTest, LimitsMayBeReadNotSet) {
  const std::string filter = Full(SyscallPolicy::Hostile(false));
  EXPECT_EQ(Decide(filter, Call(SYS_prlimit64, 0, 7, 0)), kAllow);
  EXPECT_NE(Decide(filter, Call(SYS_prlimit64, 0, 7, 4096)), kAllow);
  EXPECT_NE(Decide(filter, Call(SYS_prlimit64, 99, 7, 0)), kAllow);
}

// What fires or answers while its process is stopped, and what others wait for. Each has a twin that the same code may use.
TEST(PolicyTest, HostileCodeHasNothingThatWorksWhileItIsStopped) {
  for (bool threads : {false, true}) {
    const std::string filter = Full(SyscallPolicy::Hostile(threads));
    for (long nr : {SYS_alarm, SYS_setitimer, SYS_timer_create, SYS_timerfd_create, SYS_recvfrom, SYS_recvmsg, SYS_sendto,
                    SYS_sendmsg, SYS_getsockopt, SYS_setsockopt, SYS_shutdown, SYS_flock, SYS_eventfd2, SYS_signalfd4,
                    SYS_epoll_create1, SYS_readahead, SYS_fadvise64, SYS_pidfd_open}) {
      EXPECT_EQ(Decide(filter, Call(nr)), Errno(EPERM)) << SyscallName(static_cast<int>(nr));
    }
    for (long nr : {SYS_io_setup, SYS_io_submit, SYS_mq_notify, SYS_inotify_init1, SYS_timer_settime, SYS_timerfd_settime}) {
      EXPECT_EQ(Decide(filter, Call(nr)), Errno(ENOSYS)) << SyscallName(static_cast<int>(nr));
    }
    for (long nr : {SYS_clock_gettime, SYS_clock_nanosleep, SYS_read, SYS_write, SYS_poll, SYS_rt_sigaction, SYS_futex}) {
      EXPECT_EQ(Decide(filter, Call(nr)), kAllow) << SyscallName(static_cast<int>(nr));
    }
  }
  const std::string compiler = Full(SyscallPolicy::Compiler());
  for (long nr : {SYS_timer_create, SYS_flock, SYS_eventfd2}) EXPECT_EQ(Decide(compiler, Call(nr)), kAllow);
  EXPECT_EQ(Decide(compiler, Call(SYS_recvmsg)), Errno(EPERM));
}

TEST(PolicyTest, FcntlIsAListOfCommands) {
  const std::string hostile = Full(SyscallPolicy::Hostile(false));
  const std::string compiler = Full(SyscallPolicy::Compiler());
  for (uint64_t command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL}) {
    EXPECT_EQ(Decide(hostile, Call(SYS_fcntl, 3, command)), kAllow) << command;
  }
  EXPECT_EQ(Decide(hostile, Call(SYS_fcntl, 3, F_SETFL, O_NONBLOCK)), kAllow);
  EXPECT_NE(Decide(hostile, Call(SYS_fcntl, 3, F_SETFL, O_NONBLOCK | O_ASYNC)), kAllow);
  for (uint64_t command : {F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW}) {
    EXPECT_NE(Decide(hostile, Call(SYS_fcntl, 3, command)), kAllow) << command;
    EXPECT_EQ(Decide(compiler, Call(SYS_fcntl, 3, command)), kAllow) << command;
  }
  for (uint64_t command : {F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY, F_ADD_SEALS, F_SETPIPE_SZ}) {
    EXPECT_NE(Decide(hostile, Call(SYS_fcntl, 3, command)), kAllow) << command;
    EXPECT_NE(Decide(hostile, Call(SYS_fcntl, 3, 0x100000000ull | command)), kAllow) << command;
    EXPECT_NE(Decide(compiler, Call(SYS_fcntl, 3, command)), kAllow) << command;
  }
}

// Shared anonymous pages that are touched and let go of stay allocated and count in nobody's resident size.
TEST(PolicyTest, AnonymousMemoryIsPrivate) {
  const std::string hostile = Full(SyscallPolicy::Hostile(false));
  EXPECT_NE(Decide(hostile, Call(SYS_mmap, 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS)), kAllow);
  EXPECT_NE(Decide(hostile, Call(SYS_mmap, 0, 4096, 3, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | MAP_NORESERVE)), kAllow);
  EXPECT_EQ(Decide(hostile, Call(SYS_mmap, 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)), kAllow);
  EXPECT_EQ(Decide(hostile, Call(SYS_mmap, 0, 4096, 3, MAP_SHARED)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::JailMaker()), Call(SYS_mmap, 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS)), kAllow);
}

uint64_t Frontend(unsigned number, unsigned size, unsigned type = 'F', unsigned direction = _IOC_READ | _IOC_WRITE) {
  return _IOC(direction, type, number, size);
}

// The driver ignores a command's type and direction: whatever is spelt otherwise than its library does stays outside.
TEST(PolicyTest, CommandsOfTheGpuAreAList) {
  const std::string gpu = Full(SyscallPolicy::HostileOnGpu());
  const std::string without = Full(SyscallPolicy::Hostile(true));
  const auto answer = [](const std::string& filter, uint64_t command) { return Decide(filter, Call(SYS_ioctl, 5, command)); };
  for (unsigned number : {0x2au /* RM_CONTROL */, 0x2bu /* RM_ALLOC */, 0x4eu /* RM_MAP_MEMORY */, 200u, 214u, 218u}) {
    for (unsigned size : {0u, 0x20u, 0x38u, 0x3fffu}) {
      EXPECT_EQ(answer(gpu, Frontend(number, size)), kAllow) << number;
      EXPECT_NE(answer(without, Frontend(number, size)), kAllow) << number;
      EXPECT_NE(answer(gpu, Frontend(number, size, 'G')), kAllow) << number;
      EXPECT_NE(answer(gpu, Frontend(number, size, 'F', _IOC_NONE)), kAllow) << number;
    }
  }
  for (unsigned number : {211u /* XFER_CMD: any command behind a pointer */, 217u /* EXPORT_TO_DMABUF_FD */, 219u, 0x41u,
                          0x54u, 0x57u, 0x5cu, 0x5fu, 0u, 1u}) {
    EXPECT_NE(answer(gpu, Frontend(number, 0x20)), kAllow) << number;
  }
  for (uint64_t command : {0x30000001ull, 0x30000002ull, 23ull, 37ull, 75ull}) {
    EXPECT_EQ(answer(gpu, command), kAllow) << command;
    EXPECT_NE(answer(without, command), kAllow) << command;
  }
  // 56 to 63: the memory driver's tools, which read and write the memory of others.
  for (uint64_t command : {0ull, 1ull, 2ull, 22ull, 56ull, 57ull, 58ull, 62ull, 63ull, 64ull, 76ull, 0x5412ull}) {
    EXPECT_NE(answer(gpu, command), kAllow) << command;
    EXPECT_NE(answer(gpu, 0x100000000ull | command), kAllow) << command;
  }
}

TEST(PolicyTest, MemoryFilesOfAGpuCandidateAreOrdinaryOnes) {
  const std::string gpu = Full(SyscallPolicy::HostileOnGpu());
  EXPECT_EQ(Decide(gpu, Call(SYS_memfd_create, 0, MFD_CLOEXEC | MFD_ALLOW_SEALING)), kAllow);
  EXPECT_NE(Decide(gpu, Call(SYS_memfd_create, 0, MFD_CLOEXEC | MFD_HUGETLB)), kAllow);
  EXPECT_EQ(Decide(Full(SyscallPolicy::Hostile(true)), Call(SYS_memfd_create)), Errno(EPERM));
}

TEST(PolicyTest, SetUpChannelIsOneDescriptor) {
  const std::string filter = SyscallPolicy::Compiler().Compile(true, 250).value();
  EXPECT_EQ(Decide(filter, Call(SYS_sendmsg, 250)), kAllow);
  EXPECT_NE(Decide(filter, Call(SYS_sendmsg, 3)), kAllow);
  EXPECT_EQ(Decide(filter, Call(SYS_ptrace)), SECCOMP_RET_USER_NOTIF);
}

// A call with every mixture of the arguments that decide somewhere; with none where arguments never do.
std::vector<seccomp_data> CallsOf(long nr) {
  constexpr long kDecidedByArguments[] = {SYS_clone,  SYS_fcntl,       SYS_ioctl,     SYS_kill,    SYS_mmap, SYS_prctl,
                                          SYS_tgkill, SYS_personality, SYS_prlimit64, SYS_sendmsg, SYS_memfd_create};
  if (std::find(std::begin(kDecidedByArguments), std::end(kDecidedByArguments), nr) == std::end(kDecidedByArguments)) {
    return {Call(nr), Call(nr, 1, 0x5412, 4096, MAP_SHARED | MAP_ANONYMOUS)};
  }
  std::vector<seccomp_data> calls;
  for (uint64_t a0 : {0ull, 1ull, 2ull, 15ull, 22ull, 24ull, 0xffffffffull, (unsigned long long)(CLONE_VM | CLONE_THREAD),
                      (unsigned long long)(CLONE_THREAD | CLONE_NEWNS), 17ull}) {
    for (uint64_t a1 : {0ull, 0x5401ull, 0x5412ull, (unsigned long long)F_SETLK, (unsigned long long)F_SETFL,
                        (unsigned long long)F_SETOWN, (unsigned long long)Frontend(0x2a, 0x20),
                        (unsigned long long)Frontend(211, 0x20), 0x30000001ull, 75ull}) {
      for (uint64_t a2 : {0ull, 4096ull, (unsigned long long)O_ASYNC}) {
        for (uint64_t a3 : {0, MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS}) {
          calls.push_back(Call(nr, a0, a1, a2, a3));
        }
      }
    }
  }
  return calls;
}

// The deltas must leave exactly what the whole inner policy allows: compared for every call number, and for the
// arguments that decide.
TEST(PolicyTest, DeltasOnTopOfOuterFiltersEqualTheInnerPolicy) {
  const SyscallPolicy zygote = SyscallPolicy::JailMaker();
  const SyscallPolicy task = SyscallPolicy::JailMakerWithoutExec();
  for (bool threads : {false, true}) {
    const SyscallPolicy inner = SyscallPolicy::Hostile(threads);
    const std::vector<std::string> stack = {Full(zygote), task.CompileDelta(zygote).value(),
                                            inner.CompileDelta(task).value()};
    const std::string whole = Full(inner);
    for (long nr = 0; nr < 500; ++nr) {
      for (const seccomp_data& data : CallsOf(nr)) {
        EXPECT_EQ(Stacked(stack, data) == kAllow, Decide(whole, data) == kAllow)
            << "call " << SyscallName(static_cast<int>(nr)) << " " << data.args[0] << " " << data.args[1] << " "
            << data.args[2] << " " << data.args[3];
      }
    }
  }
}

// The chain of a GPU lane: its zygote and task children let the driver's commands through, so that a candidate may have
// them; a screen or a trace must not.
TEST(PolicyTest, DeltasOfAGpuLaneEqualTheInnerPolicy) {
  const SyscallPolicy zygote = SyscallPolicy::JailMaker().Allow(Loosening::kGpu).Allow(Loosening::kUsers);
  const SyscallPolicy task = SyscallPolicy::JailMakerWithoutExec().Allow(Loosening::kGpu).Allow(Loosening::kUsers);
  const std::string to_task = SyscallPolicy::JailMakerWithoutExec().CompileDelta(SyscallPolicy::JailMaker()).value();
  for (const SyscallPolicy& inner : {SyscallPolicy::HostileOnGpu(), SyscallPolicy::Hostile(true), SyscallPolicy::Hostile(false)}) {
    const std::vector<std::string> stack = {Full(zygote), to_task, inner.CompileDelta(task).value()};
    const std::string whole = Full(inner);
    for (long nr = 0; nr < 500; ++nr) {
      for (const seccomp_data& data : CallsOf(nr)) {
        EXPECT_EQ(Stacked(stack, data) == kAllow, Decide(whole, data) == kAllow)
            << "call " << SyscallName(static_cast<int>(nr)) << " " << data.args[0] << " " << data.args[1] << " "
            << data.args[2] << " " << data.args[3];
      }
    }
  }
}

TEST(PolicyTest, AGpuLoosensNothingElse) {
  const std::string gpu = Full(SyscallPolicy::HostileOnGpu());
  const std::string without = Full(SyscallPolicy::Hostile(true));
  for (long nr = 0; nr < 500; ++nr) {
    for (const seccomp_data& data : CallsOf(nr)) {
      if (nr == SYS_ioctl || nr == SYS_memfd_create) continue;  // each has a test of its own
      EXPECT_EQ(Decide(gpu, data), Decide(without, data)) << SyscallName(static_cast<int>(nr));
    }
  }
}

TEST(PolicyTest, DeltaIsMuchShorterThanTheWhole) {
  const std::string delta = SyscallPolicy::Hostile(false).CompileDelta(SyscallPolicy::JailMakerWithoutExec()).value();
  EXPECT_LT(delta.size() * 3, Full(SyscallPolicy::Hostile(false)).size());
}

}  // namespace
}  // namespace passnet::sandbox
