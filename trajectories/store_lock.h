// Keeps a second writing process away from a store, by whatever name it comes: the lock is on the file's inode, so a
// symbolic or a hard link leads to the same one.
// flock(2) on the database itself: on Linux's local file systems it is independent of the byte-range locks (fcntl) that
// SQLite takes on the same file. It is not on NFS and SMB, where the client turns it into a byte-range lock of the whole
// file that SQLite would run into; WAL, whose index is shared memory, is wrong there anyway. So a journal on one of
// them is refused. FILE.lock beside the file is held too: it names the process for the message, and is the lock of
// programs before this one.
// POSIX drops all of a process's fcntl locks on a file when any descriptor of it is closed (man 2 fcntl). So the
// descriptor is opened before SQLite opens the file and closed after SQLite closed it, and a file that this process
// has already locked is not opened again.
// Threads: thread-compatible. Owns: the lock; released with the object or the process, however it ends.
// Errors: kUnavailable (held: the message names the process), kInvalidArgument (no local file system),
// kPermissionDenied, kNotFound (no such file or folder), kIo.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::trajectories {

class StoreLock {
 public:
  // The store's file must exist (it may be empty). Nothing is written before the lock is held.
  static Result<StoreLock> Take(const std::string& store_path);
  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  using FileId = std::pair<dev_t, ino_t>;
  explicit StoreLock(FileId file) : file_(file) {}

  FileId file_;
  bool registered_ = true;
  UniqueFd database_;
  UniqueFd beside_;
};

}  // namespace passnet::trajectories
