#include "sandbox/policy.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/policy_gpu.h"

namespace passnet::sandbox {
namespace {

using Names = std::vector<const char*>;

// Files that are reachable, memory, time, waiting, oneself. Measured: what torch on a CPU uses.
const Names kMinimal = {
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "open",
    "openat", "openat2", "close", "close_range", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs",
    "lseek", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir",
    "fchdir", "dup", "dup2", "dup3", "sendfile", "copy_file_range", "fsync", "fdatasync", "umask", "pipe", "pipe2",
    "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
    "poll", "ppoll", "select", "pselect6",
    "munmap", "mprotect", "mremap", "madvise", "brk", "msync", "mincore", "mlock", "mlock2", "munlock",
    "membarrier", "get_mempolicy", "set_mempolicy", "mbind",
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl",
    "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "getpriority", "getcpu",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
    "sigaltstack", "pause", "restart_syscall",
    "clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "nanosleep", "time", "times",
    "getrandom", "uname", "sysinfo", "getrusage", "getrlimit", "getuid", "geteuid", "getgid", "getegid", "getresuid",
    "getresgid", "getgroups", "getpid", "getppid", "gettid", "getpgrp", "getpgid", "getsid", "capget",
    "exit", "exit_group"};
// A sleep (clock_nanosleep, a time-out of poll, futex or rt_sigtimedwait) leaves no timer behind when its process is
// stopped: the stop ends the wait, and SIGCONT begins it again.

const Names kWritingCalls = {"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
                             "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate", "fallocate", "creat",
                             "chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "utimensat", "futimesat"};
const Names kExecCalls = {"execve"};
const Names kProcessCalls = {"fork", "vfork", "wait4", "waitid", "setsid", "setpgid", "socketpair"};
const Names kNamespaceCalls = {"unshare", "setns", "mount", "umount2", "pivot_root", "mount_setattr", "pidfd_open",
                               "pidfd_send_signal", "sethostname"};
const Names kAffinityCalls = {"sched_setaffinity", "setpriority", "sched_setscheduler", "sched_setparam"};
const Names kMemfdCalls = {"memfd_create", "ftruncate"};
const Names kDescriptorPassingCalls = {"sendmsg", "sendmmsg", "recvmmsg", "socketpair", "setsockopt"};
const Names kTimerCalls = {"alarm", "getitimer", "setitimer", "timer_create", "timer_settime", "timer_gettime",
                           "timer_getoverrun", "timer_delete", "timerfd_create", "timerfd_settime", "timerfd_gettime"};
// On inherited sockets only; descriptors can come in, from whom the socket leads to, but not out.
const Names kSocketCalls = {"recvfrom", "recvmsg", "sendto", "getsockopt", "getsockname", "getpeername", "shutdown"};
const Names kFileLockCalls = {"flock"};
const Names kEventCalls = {"eventfd", "eventfd2", "signalfd4", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
                           "epoll_pwait", "epoll_pwait2", "readahead", "fadvise64", "sync_file_range"};
const Names kJailingCalls = {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
                             "capset", "prlimit64", "setrlimit"};

const Names kUserCalls = {"setresuid", "setresgid"};

// Never part of honest work here: the process ends (or its watcher is told the number and ends the tree).
const Names kViolations = {
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "bpf", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "acct",
    "quotactl", "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "open_by_handle_at",
    "name_to_handle_at", "fanotify_init", "fanotify_mark", "iopl", "ioperm", "modify_ldt", "chroot", "open_tree",
    "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount", "umount2", "pivot_root", "mount_setattr",
    "unshare", "setns", "execve", "execveat", "setdomainname", "sethostname", "vhangup", "pidfd_send_signal"};

// Things that libraries try and can live without: a polite refusal.
struct Refusal {
  const char* name;
  int errno_value;
};
constexpr Refusal kRefusals[] = {
    {"socket", EAFNOSUPPORT},      {"bind", EPERM},           {"connect", EPERM},         {"listen", EPERM},
    {"accept", EPERM},             {"accept4", EPERM},        {"perf_event_open", EPERM}, {"userfaultfd", EPERM},
    {"add_key", EPERM},            {"keyctl", EPERM},         {"request_key", EPERM},     {"personality", EPERM},
    {"memfd_create", EPERM},       {"memfd_secret", EPERM},   {"sched_setaffinity", EPERM},
    {"sched_setattr", EPERM},      {"sched_setscheduler", EPERM}, {"sched_setparam", EPERM}, {"setpriority", EPERM},
    {"sendmsg", EPERM},            {"sendmmsg", EPERM},        {"recvmmsg", EPERM},
    {"socketpair", EPERM},         {"setsockopt", EPERM},     {"fork", EPERM},            {"vfork", EPERM},
    {"setuid", EPERM},             {"setgid", EPERM},         {"setreuid", EPERM},        {"setregid", EPERM},
    {"setresuid", EPERM},          {"setresgid", EPERM},      {"setgroups", EPERM},       {"setfsuid", EPERM},
    {"setfsgid", EPERM},           {"capset", EPERM},         {"seccomp", EPERM},         {"setrlimit", EPERM},
    {"landlock_create_ruleset", EPERM}, {"landlock_add_rule", EPERM}, {"landlock_restrict_self", EPERM},
    {"shmget", EPERM},             {"shmat", EPERM},          {"shmctl", EPERM},          {"shmdt", EPERM},
    {"semget", EPERM},             {"semop", EPERM},          {"semctl", EPERM},          {"semtimedop", EPERM},
    {"msgget", EPERM},             {"msgsnd", EPERM},         {"msgrcv", EPERM},          {"msgctl", EPERM},
    {"mq_open", EPERM},            {"vmsplice", EPERM},       {"move_pages", EPERM},      {"migrate_pages", EPERM},
    {"remap_file_pages", EPERM},   {"mknod", EPERM},          {"mknodat", EPERM},         {"syslog", EPERM},
    {"ioprio_set", EPERM},         {"chown", EPERM},          {"fchown", EPERM},          {"lchown", EPERM},
    {"fchownat", EPERM},           {"pidfd_open", EPERM},     {"setsid", EPERM},          {"setpgid", EPERM},
    {"wait4", ECHILD},             {"waitid", ECHILD},        {"tkill", EPERM},           {"rt_sigqueueinfo", EPERM},
    {"rt_tgsigqueueinfo", EPERM},  {"mkdir", EPERM},          {"mkdirat", EPERM},         {"symlink", EPERM},
    {"symlinkat", EPERM},          {"link", EPERM},           {"linkat", EPERM},
    {"alarm", EPERM},              {"setitimer", EPERM},      {"timer_create", EPERM},    {"timerfd_create", EPERM},
    {"recvfrom", EPERM},           {"recvmsg", EPERM},        {"sendto", EPERM},          {"getsockopt", EPERM},
    {"getsockname", EPERM},        {"getpeername", EPERM},    {"shutdown", EPERM},        {"flock", EPERM},
    {"eventfd2", EPERM},           {"signalfd4", EPERM},      {"epoll_create1", EPERM},   {"readahead", EPERM},
    {"fadvise64", EPERM},          {"sync_file_range", EPERM}};

constexpr uint64_t kLow32 = 0xffffffff;

// Commands on descriptors that say nothing to a device driver. Compared on the low 32 bits, as the kernel does, so that
// a set bit 32 does not slip TIOCSTI through (CVE-2019-10063).
constexpr uint64_t kIoctls[] = {TCGETS, FIONREAD, FIOCLEX, FIONCLEX, FIONBIO, TIOCGWINSZ};

// Commands of fcntl. What is on neither list sends signals when somebody uses a file (leases, F_NOTIFY, F_SETOWN,
// F_SETSIG) or seals it.
constexpr uint64_t kFcntls[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
constexpr uint64_t kLockFcntls[] = {F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

constexpr uint64_t kSharedAnonymous = MAP_SHARED | MAP_ANONYMOUS;  // the bit of MAP_SHARED is in MAP_SHARED_VALIDATE too

constexpr uint64_t kMinimalPrctls[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_CAPBSET_READ,
                                       PR_GET_NO_NEW_PRIVS, PR_GET_TIMERSLACK, PR_GET_KEEPCAPS, PR_GET_SECUREBITS,
                                       0x53564d41 /* PR_SET_VMA: names of mappings */};

constexpr uint64_t kJailingPrctls[] = {PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP,   PR_CAPBSET_DROP,      PR_CAP_AMBIENT,
                                       PR_SET_DUMPABLE,     PR_SET_PDEATHSIG, PR_SET_THP_DISABLE,   PR_SET_SECUREBITS,
                                       PR_GET_PDEATHSIG,    PR_SET_TIMERSLACK, PR_SET_CHILD_SUBREAPER};

constexpr uint64_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                     CLONE_NEWUTS | CLONE_NEWCGROUP;

using Arguments = std::vector<scmp_arg_cmp>;

scmp_arg_cmp Masked(unsigned arg, uint64_t mask, uint64_t value) {
  return scmp_arg_cmp{arg, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp Not(unsigned arg, uint64_t value) { return scmp_arg_cmp{arg, SCMP_CMP_NE, value, 0}; }

bool Same(const Arguments& a, const Arguments& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const scmp_arg_cmp& x, const scmp_arg_cmp& y) {
    return x.arg == y.arg && x.op == y.op && x.datum_a == y.datum_a && x.datum_b == y.datum_b;
  });
}

// Calls unknown to this libseccomp come back negative and stay with the default answer.
int Number(const char* name) { return seccomp_syscall_resolve_name(name); }

}  // namespace

struct PolicyTable {
  // A call that is allowed for some arguments only. `unless` says the same from the other side, for a filter whose
  // default is to allow; empty where each condition can be taken away by itself.
  struct Partly {
    std::vector<Arguments> when;
    std::vector<Arguments> unless;
  };

  explicit PolicyTable(uint32_t violation_action) {
    for (const Refusal& refusal : kRefusals) Refuse(refusal.name, SCMP_ACT_ERRNO(refusal.errno_value));
    for (const char* name : kViolations) Refuse(name, violation_action);
    for (const char* name : {"clone", "ioctl", "fcntl", "mmap", "prctl", "kill", "tgkill", "prlimit64"}) {
      Refuse(name, SCMP_ACT_ERRNO(EPERM));
    }
  }

  void Allow(const Names& names) {
    for (const char* name : names) {
      if (const int nr = Number(name); nr >= 0) whole[nr] = true;
    }
  }
  void AllowWhen(const char* name, const std::vector<Arguments>& when, const std::vector<Arguments>& unless) {
    const int nr = Number(name);
    if (nr < 0 || whole.count(nr)) return;
    Partly& rules = partly[nr];
    rules.when.insert(rules.when.end(), when.begin(), when.end());
    rules.unless.insert(rules.unless.end(), unless.begin(), unless.end());
  }
  // The answer where the call is not allowed. ENOSYS by default, clone3 and io_uring_* included: libraries then use
  // the older way (moby/moby#42680).
  uint32_t Answer(int nr) const {
    const auto found = refused.find(nr);
    return found == refused.end() ? SCMP_ACT_ERRNO(ENOSYS) : found->second;
  }

  std::map<int, bool> whole;
  std::map<int, Partly> partly;
  std::map<int, uint32_t> refused;

 private:
  void Refuse(const char* name, uint32_t action) {
    if (const int nr = Number(name); nr >= 0) refused[nr] = action;
  }
};

PolicyTable SyscallPolicy::Table(uint32_t violation_action, int control_fd) const {
  PolicyTable table(violation_action);
  table.Allow(kMinimal);
  if (Has(Loosening::kWriting)) table.Allow(kWritingCalls);
  if (Has(Loosening::kExec)) table.Allow(kExecCalls);
  if (Has(Loosening::kProcesses)) table.Allow(kProcessCalls);
  if (Has(Loosening::kNamespaces)) table.Allow(kNamespaceCalls);
  if (Has(Loosening::kAffinity)) table.Allow(kAffinityCalls);
  if (Has(Loosening::kMemfd)) table.Allow(kMemfdCalls);
  if (Has(Loosening::kDescriptorPassing)) table.Allow(kDescriptorPassingCalls);
  if (Has(Loosening::kJailing)) table.Allow(kJailingCalls);
  if (Has(Loosening::kUsers)) table.Allow(kUserCalls);
  if (Has(Loosening::kTimers)) table.Allow(kTimerCalls);
  if (Has(Loosening::kSocketCalls)) table.Allow(kSocketCalls);
  if (Has(Loosening::kFileLocks)) table.Allow(kFileLockCalls);
  if (Has(Loosening::kEvents)) table.Allow(kEventCalls);
  AllowByArgument(table);
  if (control_fd >= 0) {
    table.AllowWhen("sendmsg", {{Masked(0, kLow32, static_cast<uint64_t>(control_fd))}}, {});
  }
  return table;
}

// Pages of a memfd are nobody's resident size once they are unmapped, as kSharedMemory's: on a GPU lane a control group
// has to count them. Not from the host's store of huge pages, which no group of ours limits.
static void AllowGpu(PolicyTable& table) {
  for (uint64_t command : GpuFrontendCommands()) {
    table.AllowWhen("ioctl", {{Masked(1, kLow32 & ~kIoctlSizeBits, command)}}, {});
  }
  for (uint64_t command : GpuMemoryCommands()) table.AllowWhen("ioctl", {{Masked(1, kLow32, command)}}, {});
  table.AllowWhen("memfd_create", {{Masked(1, MFD_HUGETLB, 0)}}, {{Masked(1, MFD_HUGETLB, MFD_HUGETLB)}});
}

// The calls that are allowed for some arguments.
void SyscallPolicy::AllowByArgument(PolicyTable& table) const {
  for (uint64_t command : kIoctls) table.AllowWhen("ioctl", {{Masked(1, kLow32, command)}}, {});
  for (uint64_t command : kFcntls) table.AllowWhen("fcntl", {{Masked(1, kLow32, command)}}, {});
  // Without O_ASYNC, which sends signals.
  table.AllowWhen("fcntl", {{Masked(1, kLow32, F_SETFL), Masked(2, O_ASYNC, 0)}}, {});
  if (Has(Loosening::kFileLocks)) {
    for (uint64_t command : kLockFcntls) table.AllowWhen("fcntl", {{Masked(1, kLow32, command)}}, {});
  }
  if (Has(Loosening::kGpu)) AllowGpu(table);
  if (Has(Loosening::kSharedMemory)) {
    table.Allow({"mmap"});
  } else {
    table.AllowWhen("mmap", {{Masked(3, kSharedAnonymous, 0)}, {Masked(3, kSharedAnonymous, MAP_SHARED)},
                             {Masked(3, kSharedAnonymous, MAP_ANONYMOUS)}}, {{Masked(3, kSharedAnonymous, kSharedAnonymous)}});
  }
  for (uint64_t option : kMinimalPrctls) table.AllowWhen("prctl", {{Masked(0, kLow32, option)}}, {});
  if (Has(Loosening::kJailing)) {
    for (uint64_t option : kJailingPrctls) table.AllowWhen("prctl", {{Masked(0, kLow32, option)}}, {});
  }
  // Limits: reading one's own, never setting.
  table.AllowWhen("prlimit64", {{Masked(0, kLow32, 0), scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0}}}, {{Not(0, 0)}, {Not(2, 0)}});
  table.AllowWhen("personality", {{Masked(0, kLow32, 0xffffffff)}}, {});  // only asks
  if (Has(Loosening::kProcesses)) {
    table.Allow({"kill", "tgkill"});
    table.AllowWhen("clone", {{Masked(0, kNamespaceFlags, 0)}}, {});  // namespaces come through unshare, if at all
  } else {
    // Signals to oneself only: the init of a pid namespace is process 1.
    table.AllowWhen("kill", {{Masked(0, kLow32, 1)}}, {{Not(0, 1)}});
    table.AllowWhen("tgkill", {{Masked(0, kLow32, 1)}}, {{Not(0, 1)}});
    if (Has(Loosening::kThreads)) {
      table.AllowWhen("clone", {{Masked(0, kNamespaceFlags | CLONE_THREAD, CLONE_THREAD)}}, {{Masked(0, CLONE_THREAD, 0)}});
    }
  }
}

namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

Error SeccompError(const char* op, int nr, int err) {
  return Error::FromErrno(op, nr >= 0 ? SyscallName(nr) : "filter", -err).Prefixed("libseccomp");
}

Result<Filter> NewFilter(uint32_t default_action) {
  Filter filter(seccomp_init(default_action));
  if (!filter) return Internal("libseccomp: seccomp_init failed");
  if (int err = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); err != 0) {
    return SeccompError("bad architecture action", -1, err);
  }
  // A binary tree instead of a list: an allowed call costs the same for 20 rules and for 300.
  if (int err = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); err != 0) {
    return SeccompError("optimize", -1, err);
  }
  return filter;
}

Status AddRule(void* filter, uint32_t action, int nr, const Arguments& when) {
  const int err =
      seccomp_rule_add_exact_array(filter, action, nr, static_cast<unsigned>(when.size()), when.data());
  if (err != 0) return SeccompError("add rule", nr, err);
  return OkStatus();
}

// What `outer` lets through of a call that it allows for some arguments, and `inner` does not.
Status RefusePart(void* filter, int nr, const PolicyTable& inner, const std::vector<Arguments>& outer_when) {
  const auto rules = inner.partly.find(nr);
  if (rules == inner.partly.end()) return AddRule(filter, inner.Answer(nr), nr, {});
  for (const Arguments& when : rules->second.unless) RETURN_IF_ERROR(AddRule(filter, inner.Answer(nr), nr, when));
  if (!rules->second.unless.empty()) return OkStatus();
  for (const Arguments& when : outer_when) {
    const auto& kept = rules->second.when;
    if (std::any_of(kept.begin(), kept.end(), [&](const Arguments& k) { return Same(k, when); })) continue;
    RETURN_IF_ERROR(AddRule(filter, inner.Answer(nr), nr, when));
  }
  return OkStatus();
}

Result<std::string> Export(void* filter) {
  UniqueFd memory(memfd_create("filter", MFD_CLOEXEC));
  if (!memory.valid()) return Error::FromErrno("memfd_create", "seccomp filter", errno);
  if (int err = seccomp_export_bpf(filter, memory.get()); err != 0) return SeccompError("export", -1, err);
  const off_t size = lseek(memory.get(), 0, SEEK_END);
  std::string code(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (size <= 0 || pread(memory.get(), code.data(), code.size(), 0) != size) {
    return Error::FromErrno("read", "seccomp filter", errno);
  }
  return code;
}

}  // namespace

SyscallPolicy SyscallPolicy::Minimal() { return SyscallPolicy(); }

SyscallPolicy SyscallPolicy::Compiler() {
  return Minimal()
      .Allow(Loosening::kWriting)
      .Allow(Loosening::kExec)
      .Allow(Loosening::kProcesses)
      .Allow(Loosening::kThreads)
      .Allow(Loosening::kTimers)
      .Allow(Loosening::kFileLocks)
      .Allow(Loosening::kEvents)
      .Allow(Loosening::kSharedMemory);
}

SyscallPolicy SyscallPolicy::JailMakerWithoutExec() {
  return Minimal()
      .Allow(Loosening::kTimers)
      .Allow(Loosening::kSocketCalls)
      .Allow(Loosening::kFileLocks)
      .Allow(Loosening::kEvents)
      .Allow(Loosening::kSharedMemory)
      .Allow(Loosening::kWriting)
      .Allow(Loosening::kProcesses)
      .Allow(Loosening::kThreads)
      .Allow(Loosening::kNamespaces)
      .Allow(Loosening::kAffinity)
      .Allow(Loosening::kMemfd)
      .Allow(Loosening::kDescriptorPassing)
      .Allow(Loosening::kJailing);
}

SyscallPolicy SyscallPolicy::JailMaker() { return JailMakerWithoutExec().Allow(Loosening::kExec); }

SyscallPolicy SyscallPolicy::Hostile(bool threads) {
  SyscallPolicy policy = Minimal().Allow(Loosening::kWriting);
  return threads ? policy.Allow(Loosening::kThreads) : policy;
}

SyscallPolicy SyscallPolicy::HostileOnGpu() { return Hostile(true).Allow(Loosening::kGpu); }

Result<std::string> SyscallPolicy::Compile(bool violations_to_listener, int control_fd) const {
  // Compiling takes milliseconds, and every run of a compiler asks for the same filter.
  static std::mutex mutex;
  static std::map<std::tuple<uint32_t, bool, int>, std::string> compiled;
  const std::tuple key(bits_, violations_to_listener, control_fd);
  const std::lock_guard lock(mutex);
  if (const auto found = compiled.find(key); found != compiled.end()) return found->second;
  ASSIGN_OR_RETURN(std::string code, CompileNow(violations_to_listener, control_fd));
  return compiled.emplace(key, std::move(code)).first->second;
}

Result<std::string> SyscallPolicy::CompileTelling(int control_fd) const {
  ASSIGN_OR_RETURN(std::string code, Compile(/*violations_to_listener=*/true, control_fd));
  for (size_t at = 0; at < code.size(); at += sizeof(sock_filter)) {
    sock_filter instruction;
    memcpy(&instruction, code.data() + at, sizeof instruction);
    const bool refuses = instruction.code == (BPF_RET | BPF_K) &&
                         (instruction.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if (refuses) instruction.k = SECCOMP_RET_USER_NOTIF;
    memcpy(code.data() + at, &instruction, sizeof instruction);
  }
  return code;
}

int SyscallPolicy::ErrnoOf(int nr) const {
  const PolicyTable table = Table(SCMP_ACT_KILL_PROCESS, -1);
  if (table.partly.count(nr)) return ENOSYS;  // with other arguments it is allowed: the default answers
  const uint32_t answer = table.Answer(nr);
  return (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO ? static_cast<int>(answer & SECCOMP_RET_DATA) : EPERM;
}

Result<std::string> SyscallPolicy::CompileNow(bool violations_to_listener, int control_fd) const {
  const PolicyTable table = Table(violations_to_listener ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS, control_fd);
  ASSIGN_OR_RETURN(Filter filter, NewFilter(SCMP_ACT_ERRNO(ENOSYS)));
  for (const auto& [nr, _] : table.whole) RETURN_IF_ERROR(AddRule(filter.get(), SCMP_ACT_ALLOW, nr, {}));
  for (const auto& [nr, rules] : table.partly) {
    // For other arguments the default answers; libseccomp has no second answer for a call.
    for (const Arguments& when : rules.when) RETURN_IF_ERROR(AddRule(filter.get(), SCMP_ACT_ALLOW, nr, when));
  }
  for (const auto& [nr, action] : table.refused) {
    if (table.whole.count(nr) || table.partly.count(nr)) continue;
    RETURN_IF_ERROR(AddRule(filter.get(), action, nr, {}));
  }
  return Export(filter.get());
}

Result<std::string> SyscallPolicy::CompileDelta(const SyscallPolicy& outer) const {
  const PolicyTable before = outer.Table(SCMP_ACT_KILL_PROCESS, -1);
  const PolicyTable after = Table(SCMP_ACT_KILL_PROCESS, -1);
  ASSIGN_OR_RETURN(Filter filter, NewFilter(SCMP_ACT_ALLOW));
  for (const auto& [nr, _] : before.whole) {
    if (after.whole.count(nr)) continue;
    const auto rules = after.partly.find(nr);
    if (rules == after.partly.end()) {
      RETURN_IF_ERROR(AddRule(filter.get(), after.Answer(nr), nr, {}));
    } else if (rules->second.unless.empty()) {
      return Internal("policy: no rule says when a call that was wholly allowed is to be refused");
    } else {
      RETURN_IF_ERROR(RefusePart(filter.get(), nr, after, {}));
    }
  }
  for (const auto& [nr, rules] : before.partly) {
    if (!after.whole.count(nr)) RETURN_IF_ERROR(RefusePart(filter.get(), nr, after, rules.when));
  }
  return Export(filter.get());
}

std::string SyscallName(int nr) {
  const std::unique_ptr<char, decltype(&free)> name(seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr), &free);
  return name ? std::string(name.get()) + " (" + std::to_string(nr) + ")" : std::to_string(nr);
}

}  // namespace passnet::sandbox
