#include "sandbox/outcome.h"

namespace passnet::sandbox {

const char* OutcomeKindName(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kExited:
      return "exited";
    case OutcomeKind::kSignalled:
      return "signalled";
    case OutcomeKind::kWallTimeout:
      return "wall_timeout";
    case OutcomeKind::kCpuTimeout:
      return "cpu_timeout";
    case OutcomeKind::kMemory:
      return "memory";
    case OutcomeKind::kOutput:
      return "output";
    case OutcomeKind::kSyscall:
      return "syscall";
    case OutcomeKind::kSetupFailed:
      return "setup_failed";
  }
  return "";
}

}  // namespace passnet::sandbox
