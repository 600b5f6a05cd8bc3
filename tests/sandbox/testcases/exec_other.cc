// Starts another program in its place. Kernel: SIGSYS under a policy without exec (seccomp(2)). Twin: the same under
// one with exec; /usr/bin/true then leaves with 0.
#include <unistd.h>

#include "tests/sandbox/testcases/verdict.h"

int main(int argc, char** argv) {
  char program[] = "/usr/bin/true";
  char* const arguments[] = {program, nullptr};
  execve(program, arguments, nullptr);
  return IsTwin(argc, argv) ? TwinVerdict(false, "execve") : Verdict(-1, "execve");
}
