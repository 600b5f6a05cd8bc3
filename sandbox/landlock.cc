#include "sandbox/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace passnet::sandbox {
namespace {

constexpr int kKnownAbi = 6;  // newer ones add nothing that a plan uses (7: audit, 8: thread sync)
constexpr int kFsBitsByAbi[] = {0, 13, 14, 15, 15, 16, 16};

}  // namespace

int LandlockAbi() {
  static const int abi = [] {
    const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
  }();
  return abi;
}

Result<LandlockRights> LandlockRights::ForThisKernel() {
  const int abi = std::min(LandlockAbi(), kKnownAbi);
  if (abi == 0) {
    return Error{ErrorCode::kUnavailable,
                 "Landlock is not enabled in this kernel. Boot with a kernel >= 5.13 whose lsm= list names landlock."};
  }
  LandlockRights rights;
  rights.handled_fs = (1ull << kFsBitsByAbi[abi]) - 1;
  if (abi >= 4) rights.handled_net = 3;  // bind_tcp, connect_tcp
  if (abi >= 6) rights.scoped = 3;       // abstract unix sockets, signals
  return rights;
}

}  // namespace passnet::sandbox
