// The disk that a journal lies on, and how it is filled: really, where this process may mount a tmpfs of its own; else by
// a file that makes the daemon's database find it full (chaos_daemon.cc).
// Threads: thread-compatible. Owns: the mount, in a name space of this process; gone with it. Errors: kIo and what the
// system calls say.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace passnet::chaos {

class JournalDisk {
 public:
  virtual ~JournalDisk() = default;
  // Where journals go.
  virtual const std::filesystem::path& folder() const = 0;
  virtual Status Fill() = 0;
  virtual Status Free() = 0;
};

// Full while the file flag() is there.
std::unique_ptr<JournalDisk> PretendedDisk(std::filesystem::path folder, std::filesystem::path flag);
// kPermissionDenied where nothing may be mounted.
Result<std::unique_ptr<JournalDisk>> MountedDisk(std::filesystem::path folder);

}  // namespace passnet::chaos
