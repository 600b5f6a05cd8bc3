// Bounded file reading and durable file writing: what every room needs from the file system, nothing more.
// Threads: thread-safe, blocking. Errors: kNotFound, kPermissionDenied, kResourceExhausted (disk full, or the file
// is larger than `max_bytes`: the message says so), kInvalidArgument (not a regular file), kIo.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet {

// The whole regular file, if it holds at most `max_bytes`. Follows symbolic links: only for trusted paths.
Result<std::string> ReadFile(const std::filesystem::path& path, size_t max_bytes);

// The file `relative` below `root`, never outside it: refuses "..", absolute names, NUL, and any symbolic link on
// the way (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, man 2 openat2). For paths that a stranger named.
Result<std::string> ReadFileBeneath(const std::filesystem::path& root, std::string_view relative, size_t max_bytes);

// Writes to a temporary name in the same folder, fsyncs, renames over `path`: readers see the old or the new bytes.
Status WriteFileAtomic(const std::filesystem::path& path, std::string_view bytes);

}  // namespace passnet
