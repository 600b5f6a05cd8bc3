// Keeps a second writing process away from a store file.
// Threads: thread-compatible. Owns: the lock; released with the object or the process, however it ends.
// A file of its own (FILE.lock, never removed): POSIX drops all of SQLite's own locks when any descriptor of the
// database file is closed (man 2 fcntl), and flock on the same descriptor table entry would not be seen by SQLite.
// Errors: kUnavailable (held: the message names the process), kPermissionDenied, kNotFound (no such folder), kIo.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::trajectories {

class StoreLock {
 public:
  static Result<StoreLock> Take(const std::string& store_path);

 private:
  explicit StoreLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace passnet::trajectories
