// Makes one system call, named by its argument, that no compiler makes. Kernel: the filter answers with a notification
// (never-legitimate calls; the watcher kills) or an errno (seccomp(2)). Exits 42 when it worked.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  const auto is = [name](const char* other) { return strcmp(name, other) == 0; };
  if (is("allowed")) {
    int ends[2];
    return TwinVerdict(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && getppid() >= 0, "socketpair");
  }
  if (is("ptrace")) return Verdict(ptrace(PTRACE_TRACEME, 0, 0, 0), name);
  if (is("process_vm_readv")) {
    char byte;
    const iovec part{&byte, 1};
    return Verdict(process_vm_readv(1, &part, 1, &part, 1, 0), name);
  }
  if (is("socket")) return Verdict(socket(AF_INET, SOCK_STREAM, 0), name);
  if (is("netlink")) return Verdict(socket(AF_NETLINK, SOCK_RAW, 0), name);
  if (is("unix")) return Verdict(socket(AF_UNIX, SOCK_STREAM, 0), name);
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
  if (is("bpf")) return Verdict(syscall(SYS_bpf, 0, nullptr, 0), name);
  if (is("perf_event_open")) return Verdict(syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0), name);
  if (is("userfaultfd")) return Verdict(syscall(SYS_userfaultfd, 0), name);
  if (is("keyctl")) return Verdict(syscall(SYS_keyctl, 0, -4, 1), name);
  if (is("add_key")) return Verdict(syscall(SYS_add_key, "user", "pn", "x", 1, -4), name);
  if (is("pidfd_getfd")) return Verdict(syscall(SYS_pidfd_getfd, 0, 0, 0), name);
  if (is("execveat")) return Verdict(syscall(SYS_execveat, 0, "", nullptr, nullptr, AT_EMPTY_PATH), name);
  if (is("memfd_create")) return Verdict(syscall(SYS_memfd_create, "x", 0), name);
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
  if (is("kill_group")) return Verdict(kill(0, 0), name);
  if (is("self_memory")) return Verdict(open("/proc/self/mem", O_RDWR), name);
  if (is("signal_self")) return TwinVerdict(kill(getpid(), 0) == 0, name);
  if (is("int80")) {
    long result = 0;
    // 32-bit getpid is call 20; a filter that skips the architecture check lets every call through here.
    asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    return Verdict(result, name);
  }
  if (is("x32")) return Verdict(syscall(0x40000000 | SYS_getpid), name);
  fprintf(stderr, "unknown call %s\n", name);
  return kTwinFailed;
}
