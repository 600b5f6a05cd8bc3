// Which system calls a jailed process may make. Denies by default: calls that libraries merely probe for answer ENOSYS
// or EPERM, never-legitimate ones (ptrace, mount, bpf, …) end the process with SIGSYS. Architecture is checked first;
// int 0x80 and x32 end the process; clone3 answers ENOSYS, so that the C library falls back to clone.
// Threads: thread-compatible value.
// Errors: kInternal (libseccomp refused a rule; names the system call).
// Source: seccomp(2), seccomp_rule_add(3); the GPU's numbers: policy_gpu.h. The only user of libseccomp is policy.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace passnet::sandbox {

// What a policy may let through beyond Minimal.
enum class Loosening : uint32_t {
  kExec = 1 << 0,               // execve: start programs; for jails that run compilers
  kProcesses = 1 << 1,          // fork, vfork and clone of processes, pipes between them and waiting for them
  kThreads = 1 << 2,            // clone of threads; without it a process can never use a second core
  kNamespaces = 1 << 3,         // unshare, setns, mount, umount, pivot_root, capset: for makers of jails
  kAffinity = 1 << 4,           // sched_setaffinity and priorities: for parents that pin their children
  kMemfd = 1 << 5,              // memfd_create; with kExec a process can run code that no mount shows
  kDescriptorPassing = 1 << 6,  // sendmsg and socketpair: descriptors travel over inherited sockets, none can be opened
  kWriting = 1 << 7,            // making, renaming, linking and removing files, where mounts and Landlock let it
  kJailing = 1 << 8,            // seccomp, Landlock, prctl settings: to tighten oneself and one's children
  kTimers = 1 << 9,             // alarms, interval and POSIX timers, timerfd: what fires while a process is stopped
  kSocketCalls = 1 << 10,       // receiving from and asking about inherited sockets; read and write always work on them
  kFileLocks = 1 << 11,         // flock and fcntl's locks, which others who have the file open can see and wait for
  kEvents = 1 << 12,            // eventfd, signalfd, epoll, and hints that make the kernel read files ahead by itself
  kSharedMemory = 1 << 13,      // anonymous memory that is shared: pages that no resident size shows once let go of
  kGpu = 1 << 14,               // what NVIDIA's driver is asked by ioctl, number by number, and memfd_create, which its
                                // library wants; which device nodes that reaches is for mounts and Landlock to say
  kUsers = 1 << 15,             // setresuid, setresgid: for parents whose children take a user of their own
};

struct PolicyTable;  // what a policy decides, call by call; in policy.cc

class SyscallPolicy {
 public:
  // Read files that are reachable, private memory, clocks, sleeping, futexes, polling, signals to itself, ioctl and
  // fcntl of a few harmless commands. Nothing else: no processes, no threads, no sockets, nothing that goes on working
  // while the process is stopped.
  static SyscallPolicy Minimal();
  // g++ and nvcc: Minimal, Writing, Exec, Processes, Threads, and what programs of theirs may want of the rest.
  static SyscallPolicy Compiler();
  // A trusted interpreter that makes jails for its children (the zygote).
  static SyscallPolicy JailMaker();
  // Third-party code that must still fork jailed children: JailMaker without Exec.
  static SyscallPolicy JailMakerWithoutExec();
  // Arbitrary hostile native code: Minimal and Writing. With `threads` false it can never have a second thread.
  static SyscallPolicy Hostile(bool threads);
  // The same on a GPU: Hostile with threads, which the driver's library starts by itself, and Gpu.
  static SyscallPolicy HostileOnGpu();

  SyscallPolicy& Allow(Loosening loosening) {
    bits_ |= static_cast<uint32_t>(loosening);
    return *this;
  }

  // The whole filter as BPF (struct sock_filter[]). `violations_to_listener`: never-legitimate calls are reported
  // through a seccomp listener instead of ending the process at once, so that the watcher learns the number and kills.
  // `control_fd` >= 0: sendmsg stays allowed on that one descriptor (the set-up channel, closed by execve).
  Result<std::string> Compile(bool violations_to_listener, int control_fd) const;

  // The whole filter for finding out what a program asks for: whatever it does not allow goes to the listener, which
  // answers it with ErrnoOf. Foreign architectures end the process all the same.
  Result<std::string> CompileTelling(int control_fd) const;

  // What the filter answers to a call that it does not allow; EPERM where it would end the process.
  int ErrnoOf(int nr) const;

  // Only what this policy refuses and `outer` (already installed on the process) does not: short, quick to install.
  Result<std::string> CompileDelta(const SyscallPolicy& outer) const;

 private:
  bool Has(Loosening loosening) const { return (bits_ & static_cast<uint32_t>(loosening)) != 0; }
  Result<std::string> CompileNow(bool violations_to_listener, int control_fd) const;
  PolicyTable Table(uint32_t violation_action, int control_fd) const;
  void AllowByArgument(PolicyTable& table) const;

  uint32_t bits_ = 0;
};

// "ptrace (101)"; the number alone when it has no name here.
std::string SyscallName(int nr);

}  // namespace passnet::sandbox
