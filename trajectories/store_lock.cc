#include "trajectories/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace passnet::trajectories {
namespace {

std::string HolderOf(int fd) {
  char text[32] = {};
  ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
  return size > 0 ? "process " + std::string(text, static_cast<size_t>(size)) : "another process";
}

}  // namespace

Result<StoreLock> StoreLock::Take(const std::string& store_path) {
  std::string path = store_path + ".lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Error::FromErrno("open", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    int err = errno;
    if (err != EWOULDBLOCK) return Error::FromErrno("flock", path, err);
    return Error{ErrorCode::kUnavailable,
                 "journal " + store_path + " is in use by " + HolderOf(fd.get()) + "; stop that daemon first"};
  }
  // Only for the message above; the lock itself does not depend on it.
  std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return Error::FromErrno("write", path, errno);
  }
  return StoreLock(std::move(fd));
}

}  // namespace passnet::trajectories
