// Makes one system call, named by its argument, that no compiler makes. Kernel: the filter answers with a notification
// (never-legitimate calls; the watcher kills) or an errno (seccomp(2)). Exits 42 when it worked.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <optional>

#include "tests/sandbox/testcases/verdict.h"

namespace {

bool Is(const char* name, const char* other) { return strcmp(name, other) == 0; }

// What goes off while its process is stopped, and the sleep that does not.
std::optional<int> Timers(const char* name) {
  const itimerval soon{{0, 0}, {10, 0}};
  if (Is(name, "setitimer")) return Verdict(setitimer(ITIMER_REAL, &soon, nullptr), name);
  if (Is(name, "alarm")) return Verdict(syscall(SYS_alarm, 10), name);
  if (Is(name, "timer_create")) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    timer_t timer;
    return Verdict(timer_create(CLOCK_MONOTONIC, &event, &timer), name);
  }
  if (Is(name, "timerfd_create")) return Verdict(timerfd_create(CLOCK_MONOTONIC, 0), name);
  if (Is(name, "nanosleep")) {
    const timespec span{0, 1'000'000};
    return TwinVerdict(nanosleep(&span, nullptr) == 0, name);
  }
  return std::nullopt;
}

// Descriptors that wait for events, and the poll that is enough.
std::optional<int> Events(const char* name) {
  sigset_t all;
  sigfillset(&all);
  if (Is(name, "signalfd")) return Verdict(signalfd(-1, &all, 0), name);
  if (Is(name, "eventfd")) return Verdict(eventfd(0, 0), name);
  if (Is(name, "epoll")) return Verdict(epoll_create1(0), name);
  if (Is(name, "io_setup")) {
    unsigned long context = 0;
    return Verdict(syscall(SYS_io_setup, 8, &context), name);
  }
  if (Is(name, "inotify")) return Verdict(syscall(SYS_inotify_init1, 0), name);
  if (Is(name, "pidfd_open")) return Verdict(syscall(SYS_pidfd_open, getpid(), 0), name);
  if (Is(name, "pipe")) {
    int ends[2];
    return TwinVerdict(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, name);
  }
  return std::nullopt;
}

// On descriptor 3, a connected socket, as a candidate's channel is.
std::optional<int> Socket(const char* name) {
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  int value = 0;
  socklen_t size = sizeof value;
  if (Is(name, "sendto")) return Verdict(send(3, &byte, 1, MSG_OOB), name);
  if (Is(name, "sendmsg")) return Verdict(sendmsg(3, &message, 0), name);
  if (Is(name, "recvfrom")) return Verdict(recv(3, &byte, 1, MSG_PEEK), name);
  if (Is(name, "recvmsg")) return Verdict(recvmsg(3, &message, MSG_PEEK), name);
  // 77: SO_PEERPIDFD, a pidfd of the evaluator (socket(7), Linux 6.5).
  if (Is(name, "getsockopt")) return Verdict(getsockopt(3, SOL_SOCKET, 77, &value, &size), name);
  if (Is(name, "setsockopt")) return Verdict(setsockopt(3, SOL_SOCKET, SO_SNDBUF, &value, size), name);
  if (Is(name, "shutdown")) return Verdict(shutdown(3, SHUT_WR), name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, "/run/docker.sock", sizeof "/run/docker.sock");
  if (Is(name, "connect")) return Verdict(connect(3, reinterpret_cast<sockaddr*>(&address), sizeof address), name);
  address.sun_path[0] = '\0';
  if (Is(name, "connect_abstract")) return Verdict(connect(3, reinterpret_cast<sockaddr*>(&address), sizeof address), name);
  if (Is(name, "bind")) return Verdict(bind(3, reinterpret_cast<sockaddr*>(&address), sizeof address), name);
  if (Is(name, "channel")) return TwinVerdict(read(3, &byte, 1) == 1 && byte == 'q' && write(3, "a", 1) == 1, name);
  return std::nullopt;
}

// On files: locks, leases and signals about them, and what may be done instead. Descriptor 1 is open to others too.
std::optional<int> Files(const char* name) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  if (Is(name, "flock")) return Verdict(flock(1, LOCK_EX | LOCK_NB), name);
  if (Is(name, "setlk")) return Verdict(fcntl(open("/tmp/locked", O_RDWR | O_CREAT, 0600), F_SETLK, &lock), name);
  if (Is(name, "ofd_setlk")) return Verdict(fcntl(open("/tmp/locked", O_RDWR | O_CREAT, 0600), F_OFD_SETLK, &lock), name);
  if (Is(name, "setlease")) return Verdict(fcntl(open("/tmp/leased", O_RDONLY | O_CREAT, 0600), F_SETLEASE, F_RDLCK), name);
  if (Is(name, "notify")) return Verdict(fcntl(open("/tmp", O_RDONLY), F_NOTIFY, 2 /* DN_MODIFY */), name);
  if (Is(name, "setown")) return Verdict(fcntl(1, F_SETOWN, getpid()), name);
  if (Is(name, "setsig")) return Verdict(fcntl(1, F_SETSIG, SIGUSR1), name);
  if (Is(name, "async")) return Verdict(fcntl(1, F_SETFL, O_ASYNC), name);
  if (Is(name, "readahead")) return Verdict(readahead(open("/usr/bin/true", O_RDONLY), 0, 4096), name);
  if (Is(name, "getfl")) return TwinVerdict(fcntl(1, F_GETFL) >= 0 && fcntl(1, F_SETFD, 0) == 0, name);
  return std::nullopt;
}

// New sockets of every family, and the pair that a compiler's driver may have.
std::optional<int> NewSocket(const char* name) {
  struct Family {
    const char* name;
    int family, type;
  };
  for (const Family& each : {Family{"socket", AF_INET, SOCK_STREAM}, {"inet6", AF_INET6, SOCK_STREAM},
                             {"udp", AF_INET, SOCK_DGRAM}, {"netlink", AF_NETLINK, SOCK_RAW}, {"packet", AF_PACKET, SOCK_RAW},
                             {"vsock", AF_VSOCK, SOCK_STREAM}, {"unix", AF_UNIX, SOCK_STREAM}}) {
    if (Is(name, each.name)) return Verdict(socket(each.family, each.type, 0), name);
  }
  return std::nullopt;
}

// Another process's memory.
std::optional<int> OtherMemory(const char* name) {
  char byte = 0;
  const iovec part{&byte, 1};
  if (Is(name, "process_vm_readv")) return Verdict(process_vm_readv(1, &part, 1, &part, 1, 0), name);
  if (Is(name, "process_vm_writev")) return Verdict(process_vm_writev(1, &part, 1, &part, 1, 0), name);
  return std::nullopt;
}

long Int80(long number) {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// Numbers of the 32-bit and of the x32 table; a filter that skips the architecture lets every call through there.
std::optional<int> ForeignArchitecture(const char* name) {
  if (Is(name, "int80")) return Verdict(Int80(20), name);          // getpid
  if (Is(name, "int80_ptrace")) return Verdict(Int80(26), name);
  if (Is(name, "int80_socket")) return Verdict(Int80(359), name);
  if (Is(name, "x32")) return Verdict(syscall(0x40000000 | SYS_getpid), name);
  if (Is(name, "x32_ptrace")) return Verdict(syscall(0x40000000 | 521), name);
  if (Is(name, "x32_socket")) return Verdict(syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0), name);
  return std::nullopt;
}

// Memory that belongs to no process's resident size, and memory that does.
std::optional<int> Memory(const char* name) {
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  const auto map = [](int flags, int fd) {
    return mmap(nullptr, 4096, fd >= 0 ? PROT_READ : kBoth, flags, fd, 0) == MAP_FAILED ? -1 : 0;
  };
  if (Is(name, "shared_anonymous")) return Verdict(map(MAP_SHARED | MAP_ANONYMOUS, -1), name);
  if (Is(name, "shared_zero")) {
    const int zero = open("/dev/zero", O_RDONLY);
    return Verdict(zero < 0 ? -1 : map(MAP_SHARED, zero), name);
  }
  if (Is(name, "memfd_create")) return Verdict(memfd_create("x", MFD_CLOEXEC), name);
  if (Is(name, "memfd_huge_pages")) return Verdict(memfd_create("x", MFD_HUGETLB), name);
  if (Is(name, "memfd_of_1_gb")) return Verdict(ftruncate(memfd_create("x", MFD_CLOEXEC), 1 << 30), name);
  if (Is(name, "private_anonymous")) return TwinVerdict(map(MAP_PRIVATE | MAP_ANONYMOUS, -1) == 0, name);
  // Signals that wait in a queue: RLIMIT_SIGPENDING.
  if (Is(name, "queued_signals")) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    for (int i = 0; i < 64; ++i) {
      if (kill(getpid(), SIGRTMIN + i % 30) != 0) return Verdict(-1, name);
    }
    siginfo_t info;
    int queued = 0;
    const timespec now{0, 0};
    while (sigtimedwait(&all, &info, &now) > 0) ++queued;
    printf("%d queued\n", queued);
    errno = EAGAIN;
    return Verdict(queued > 30 ? queued : -1, name);  // one of each number waits without a place in the queue
  }
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  const auto is = [name](const char* other) { return Is(name, other); };
  for (const auto probe : {Timers, Events, Socket, NewSocket, Files, Memory, OtherMemory, ForeignArchitecture}) {
    if (const std::optional<int> code = probe(name)) return *code;
  }
  if (is("allowed")) {
    int ends[2];
    return TwinVerdict(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && getppid() >= 0, "socketpair");
  }
  if (is("ptrace")) return Verdict(ptrace(PTRACE_TRACEME, 0, 0, 0), name);
  if (is("ptrace_attach")) return Verdict(ptrace(PTRACE_ATTACH, getppid(), 0, 0), name);
  if (is("io_uring")) {
    io_uring_params parameters{};
    return Verdict(syscall(SYS_io_uring_setup, 4, &parameters), name);
  }
  if (is("mount")) return Verdict(mount("tmpfs", "/tmp", "tmpfs", 0, nullptr), name);
  if (is("umount")) return Verdict(umount2("/tmp", MNT_DETACH), name);
  if (is("unshare")) return Verdict(unshare(CLONE_NEWUSER), name);
  if (is("setns")) return Verdict(setns(open("/proc/1/ns/net", O_RDONLY), 0), name);
  if (is("clone_namespace")) return Verdict(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), name);
  if (is("clone3")) return Verdict(syscall(SYS_clone3, nullptr, 0), name);
  if (is("chroot")) return Verdict(chroot("/tmp"), name);
  if (is("open_tree")) return Verdict(syscall(428, AT_FDCWD, "/", 0), name);
  if (is("fsopen")) return Verdict(syscall(430, "tmpfs", 0), name);
  if (is("pivot_root")) return Verdict(syscall(SYS_pivot_root, ".", "."), name);
  if (is("bpf")) return Verdict(syscall(SYS_bpf, 0, nullptr, 0), name);
  if (is("perf_event_open")) return Verdict(syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0), name);
  if (is("userfaultfd")) return Verdict(syscall(SYS_userfaultfd, 0), name);
  if (is("keyctl")) return Verdict(syscall(SYS_keyctl, 0, -4, 1), name);
  if (is("add_key")) return Verdict(syscall(SYS_add_key, "user", "pn", "x", 1, -4), name);
  if (is("pidfd_getfd")) return Verdict(syscall(SYS_pidfd_getfd, 0, 0, 0), name);
  if (is("execveat")) return Verdict(syscall(SYS_execveat, 0, "", nullptr, nullptr, AT_EMPTY_PATH), name);
  if (is("personality")) return Verdict(personality(ADDR_NO_RANDOMIZE), name);
  if (is("prlimit")) {
    const rlimit limit{64, 64};
    return Verdict(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr), name);
  }
  if (is("setaffinity")) {
    cpu_set_t all;
    CPU_ZERO(&all);
    CPU_SET(0, &all);
    CPU_SET(1, &all);
    return Verdict(sched_setaffinity(0, sizeof all, &all), name);
  }
  if (is("seccomp")) return Verdict(prctl(PR_SET_SECCOMP, 2, nullptr), name);
  if (is("seccomp_filter")) {
    // A trap on write, to swallow what the harness would say (gpu-mode/pygpubench#7).
    sock_filter trap[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{4, trap};
    return Verdict(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), name);
  }
  if (is("tiocsti")) return Verdict(ioctl(0, TIOCSTI, "x"), name);
  // The kernel compares 32 bits of the command, so a filter that compares 64 misses this (CVE-2019-10063).
  if (is("tiocsti_bit32")) return Verdict(syscall(SYS_ioctl, 0, 0x100000000ull | TIOCSTI, "x"), name);
  if (is("shmget")) return Verdict(syscall(SYS_shmget, 1, 4096, 01600), name);
  if (is("fork")) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return Verdict(child, name);
  }
  if (is("kill_all")) return Verdict(kill(-1, SIGKILL), name);
  if (is("setresuid")) return Verdict(setresuid(0, 0, 0), name);
  if (is("setresgid")) return Verdict(setresgid(0, 0, 0), name);
  if (is("kill_group")) return Verdict(kill(0, 0), name);
  if (is("self_memory")) return Verdict(open("/proc/self/mem", O_RDWR), name);
  if (is("signal_self")) return TwinVerdict(kill(getpid(), 0) == 0, name);
  fprintf(stderr, "unknown call %s\n", name);
  return kTwinFailed;
}
