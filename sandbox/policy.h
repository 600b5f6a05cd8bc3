// Which system calls a jailed process may make. Denies by default: calls that libraries merely probe for answer ENOSYS
// or EPERM, never-legitimate ones (ptrace, mount, bpf, …) end the process with SIGSYS. Architecture is checked first;
// int 0x80 and x32 end the process; clone3 answers ENOSYS, so that the C library falls back to clone.
// Threads: thread-compatible value. Each loosening takes a token type from sandbox/allow/<what>.h.
// Errors: kInternal (libseccomp refused a rule; names the system call).
// Source: seccomp(2), seccomp_rule_add(3). The only user of libseccomp is policy.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sandbox/allow/affinity.h"
#include "sandbox/allow/descriptor_passing.h"
#include "sandbox/allow/exec.h"
#include "sandbox/allow/jailing.h"
#include "sandbox/allow/memfd.h"
#include "sandbox/allow/namespaces.h"
#include "sandbox/allow/processes.h"
#include "sandbox/allow/threads.h"
#include "sandbox/allow/writing.h"

namespace passnet::sandbox {

struct PolicyTable;  // what a policy decides, call by call; in policy.cc

class SyscallPolicy {
 public:
  // Read files that are reachable, memory, clocks, futexes, polling, signals to itself, ioctl of a few harmless
  // commands. Nothing else: no processes, no threads, no new sockets.
  static SyscallPolicy Minimal();
  // g++ and nvcc: Minimal, Writing, Exec, Processes, Threads.
  static SyscallPolicy Compiler();
  // A trusted interpreter that makes jails for its children (the zygote).
  static SyscallPolicy JailMaker();
  // Third-party code that must still fork jailed children: JailMaker without Exec.
  static SyscallPolicy JailMakerWithoutExec();
  // Arbitrary hostile native code; with `threads` false it can never have a second thread.
  static SyscallPolicy Hostile(bool threads);

  SyscallPolicy& Allow(allow::Exec) { return Set(kExec); }
  SyscallPolicy& Allow(allow::Processes) { return Set(kProcesses); }
  SyscallPolicy& Allow(allow::Threads) { return Set(kThreads); }
  SyscallPolicy& Allow(allow::Namespaces) { return Set(kNamespaces); }
  SyscallPolicy& Allow(allow::Affinity) { return Set(kAffinity); }
  SyscallPolicy& Allow(allow::Memfd) { return Set(kMemfd); }
  SyscallPolicy& Allow(allow::DescriptorPassing) { return Set(kDescriptorPassing); }
  SyscallPolicy& Allow(allow::Writing) { return Set(kWriting); }
  SyscallPolicy& Allow(allow::Jailing) { return Set(kJailing); }

  // The whole filter as BPF (struct sock_filter[]). `violations_to_listener`: never-legitimate calls are reported
  // through a seccomp listener instead of ending the process at once, so that the watcher learns the number and kills.
  // `control_fd` >= 0: sendmsg stays allowed on that one descriptor (the set-up channel, closed by execve).
  Result<std::string> Compile(bool violations_to_listener, int control_fd) const;

  // Only what this policy refuses and `outer` (already installed on the process) does not: short, quick to install.
  Result<std::string> CompileDelta(const SyscallPolicy& outer) const;

 private:
  enum Bit : uint32_t {
    kExec = 1,
    kProcesses = 2,
    kThreads = 4,
    kNamespaces = 8,
    kAffinity = 16,
    kMemfd = 32,
    kDescriptorPassing = 64,
    kWriting = 128,
    kJailing = 256,
  };
  SyscallPolicy& Set(Bit bit) {
    bits_ |= bit;
    return *this;
  }
  Result<std::string> CompileNow(bool violations_to_listener, int control_fd) const;
  PolicyTable Table(uint32_t violation_action, int control_fd) const;

  uint32_t bits_ = 0;
};

// "ptrace (101)"; the number alone when it has no name here.
std::string SyscallName(int nr);

}  // namespace passnet::sandbox
