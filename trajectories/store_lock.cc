#include "trajectories/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

namespace passnet::trajectories {
namespace {

// Files that this process has locked.
std::mutex registry_mutex;
std::set<std::pair<dev_t, ino_t>>& Registry() {
  static std::set<std::pair<dev_t, ino_t>> files;
  return files;
}

std::string HolderOf(const std::string& lock_path) {
  char text[32] = {};
  UniqueFd fd(::open(lock_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  ssize_t size = fd.valid() ? ::read(fd.get(), text, sizeof text - 1) : 0;
  return size > 0 ? "process " + std::string(text, static_cast<size_t>(size)) : "another process";
}

Error InUse(const std::string& store_path, const std::string& holder) {
  return {ErrorCode::kUnavailable, "journal " + store_path + " is in use by " + holder +
                                       ", perhaps under another name of the same file; stop that daemon first"};
}

// Where FILE.lock stands whatever symbolic link led to the file.
std::string LockPathOf(const std::string& store_path) {
  std::error_code failed;
  std::filesystem::path real = std::filesystem::canonical(store_path, failed);
  return (failed ? store_path : real.native()) + ".lock";
}

Status CheckFileSystem(int fd, const std::string& store_path) {
  constexpr long kNfs = 0x6969;  // man 2 statfs
  constexpr long kSmb = 0x517B;
  constexpr long kCifs = 0xFF534D42;
  constexpr long kSmb2 = 0xFE534D42;
  struct statfs facts;
  if (::fstatfs(fd, &facts) != 0) return Error::FromErrno("statfs", store_path, errno);
  const long type = static_cast<long>(facts.f_type) & 0xFFFFFFFF;
  if (type != kNfs && type != kSmb && type != kCifs && type != kSmb2) return OkStatus();
  return InvalidArgument("journal " + store_path + " lies on a network file system, where neither its lock nor SQLite's "
                         "write-ahead log can be trusted; put it on a local disk");
}

Status Lock(int fd, const std::string& path, const std::string& store_path, const std::string& lock_path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return OkStatus();
  int err = errno;
  if (err != EWOULDBLOCK) return Error::FromErrno("flock", path, err);
  return InUse(store_path, HolderOf(lock_path));
}

}  // namespace

Result<StoreLock> StoreLock::Take(const std::string& store_path) {
  struct stat facts;
  if (::stat(store_path.c_str(), &facts) != 0) return Error::FromErrno("stat", store_path, errno);
  const FileId file{facts.st_dev, facts.st_ino};
  {
    std::lock_guard lock(registry_mutex);
    if (!Registry().insert(file).second) return InUse(store_path, "process " + std::to_string(::getpid()));
  }
  StoreLock taken(file);
  const std::string lock_path = LockPathOf(store_path);
  taken.database_ = UniqueFd(::open(store_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!taken.database_.valid()) return Error::FromErrno("open", store_path, errno);
  if (::fstat(taken.database_.get(), &facts) != 0 || FileId(facts.st_dev, facts.st_ino) != file) {
    return Error{ErrorCode::kUnavailable, "journal " + store_path + " was replaced while it was opened; try again"};
  }
  RETURN_IF_ERROR(CheckFileSystem(taken.database_.get(), store_path));
  RETURN_IF_ERROR(Lock(taken.database_.get(), store_path, store_path, lock_path));
  taken.beside_ = UniqueFd(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!taken.beside_.valid()) return Error::FromErrno("open", lock_path, errno);
  RETURN_IF_ERROR(Lock(taken.beside_.get(), lock_path, store_path, lock_path));
  // Only for the message above; the lock itself does not depend on it.
  std::string pid = std::to_string(::getpid());
  if (::ftruncate(taken.beside_.get(), 0) != 0 || ::pwrite(taken.beside_.get(), pid.data(), pid.size(), 0) < 0) {
    return Error::FromErrno("write", lock_path, errno);
  }
  return taken;
}

StoreLock::StoreLock(StoreLock&& other) noexcept
    : file_(other.file_),
      registered_(std::exchange(other.registered_, false)),
      database_(std::move(other.database_)),
      beside_(std::move(other.beside_)) {}

StoreLock::~StoreLock() {
  if (!registered_) return;
  std::lock_guard lock(registry_mutex);
  Registry().erase(file_);
}

}  // namespace passnet::trajectories
