// Landlock's rights by the kernel's ABI, for plans. Rights that a kernel does not know are left out; a kernel without
// Landlock at all is an error, since a layer that was asked for must hold.
// Threads: thread-safe. Errors: kUnavailable (no Landlock in this kernel or not enabled at boot).
// Source: landlock(7); ABI 1 fs, 2 refer, 3 truncate, 4 TCP, 5 device ioctl, 6 scopes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/plan_writer.h"

namespace passnet::sandbox {

// 1 and up; 0 when the kernel has none.
int LandlockAbi();

struct LandlockRights {
  uint64_t handled_fs = 0;
  uint64_t handled_net = 0;
  uint64_t scoped = 0;

  static Result<LandlockRights> ForThisKernel();
};

// Rights for rules; PlanWriter masks them by what is handled, the child by file or folder.
inline constexpr uint64_t kLandlockRead = 1u << 2 | 1u << 3;                  // read_file, read_dir
inline constexpr uint64_t kLandlockReadExecute = kLandlockRead | 1u << 0;
// Everything but execute, device nodes and sockets.
inline constexpr uint64_t kLandlockWrite =
    kLandlockRead | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 10 | 1u << 12 | 1u << 13 | 1u << 14;
inline constexpr uint64_t kLandlockWriteFile = 1u << 1 | 1u << 2 | 1u << 14;  // an existing file, such as /dev/null
inline constexpr uint64_t kLandlockDevice = kLandlockWriteFile | 1u << 15;    // the same, and ioctl on it (ABI 5)

}  // namespace passnet::sandbox
