// Applies a ready plan (sandbox/plan.h) to the calling process. C ABI, libc only, no allocation, async-signal-safe: for
// the moment after fork, in our own launcher and in the worker's Python extension alike.
// Threads: the calling process must be single-threaded; its parent may have threads.
// Owns: nothing. Errors: -1 with {step, what, errno}; the process is then half jailed and must _exit at once.
// Source: every step names its man page in steps.cc. Plan format: plan_format.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pn_apply_error {
  int32_t error_number;  // errno; EPROTO for a malformed plan
  char step[32];         // "mount", "landlock", "seccomp", …
  char what[160];        // the step's object: a path, a number
};

// Applies every step in order. 0: all of them are in force.
int pn_sandbox_apply(const void* plan, size_t size, struct pn_apply_error* error);

// Fork into a new pid namespace, in a process that may (the zygote, a task child):
//   saved = pn_sandbox_save_pid_namespace(&error);            once
//   pn_sandbox_prepare_fork(&error);                          then fork: the child is pid 1 of a new namespace
//   pn_sandbox_after_fork_parent(saved, &error);              in the parent, also when the fork failed
// Between prepare and after, the parent must start no thread and no other process.
// prepare fails with EBUSY in step "single_thread" when the process has more than one thread.
int pn_sandbox_save_pid_namespace(struct pn_apply_error* error);  // a close-on-exec descriptor, or -1
int pn_sandbox_prepare_fork(struct pn_apply_error* error);
int pn_sandbox_after_fork_parent(int saved_pid_namespace, struct pn_apply_error* error);

#ifdef __cplusplus
}
#endif
