#include "evaluator/device/host_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

constexpr timespec kTurn{0, 2'000'000};

Error NotOurs(const std::string& path, const std::string& wanted) {
  return {ErrorCode::kPermissionDenied, path + " must be " + wanted + " of user " + std::to_string(::geteuid()) +
                                            " alone; somebody else may have put it there: remove it"};
}

// Folders of everybody, such as /tmp, are where others can put a link or a folder of theirs under our name.
Result<UniqueFd> OpenPrivateFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Error::FromErrno("mkdir", path, errno);
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!folder.valid() && errno != ELOOP && errno != ENOTDIR && errno != EACCES) return Error::FromErrno("open", path, errno);
  if (!folder.valid() || ::fstat(folder.get(), &info) != 0 || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return NotOurs(path, "a folder (mode 0700)");
  }
  return folder;
}

// Never waits and never follows: what stands there may be a pipe or a link.
Result<UniqueFd> OpenPlainFile(int folder, const std::string& name, const std::string& path) {
  UniqueFd file(::openat(folder, name.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat info {};
  if (!file.valid() && errno != ELOOP && errno != EISDIR && errno != ENXIO) return Error::FromErrno("open", path, errno);
  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) {
    return NotOurs(path, "a plain file");
  }
  return file;
}

}  // namespace

std::filesystem::path PrivateLockFolder() {
  // By the user alone: XDG_RUNTIME_DIR is there for a login session and not for a service of the same user.
  const uid_t user = ::geteuid();
  return user == 0 ? "/run/passnet" : "/tmp/passnet-" + std::to_string(user);
}

Result<HostLock> HostLock::Open(const Place& place) {
  HostLock made(place.what);
  const std::string path = place.folder / place.file;
  ASSIGN_OR_RETURN(UniqueFd folder, OpenPrivateFolder(place.folder));
  ASSIGN_OR_RETURN(UniqueFd file, OpenPlainFile(folder.get(), place.file, path));
  made.locks_.push_back({std::move(file), path});
  UniqueFd all(::open(place.of_all.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (all.valid()) {
    made.locks_.push_back({std::move(all), place.of_all});
  } else if (errno != ENOENT && errno != EACCES) {
    return Error::FromErrno("open", place.of_all.string(), errno);
  }
  return made;
}

Result<HostLock::Hold> HostLock::Take(Deadline deadline, const std::function<bool()>& cancelled) {
  for (size_t held = 0; holds_ == 0 && held < locks_.size();) {
    const Lock& lock = locks_[held];
    if (::flock(lock.file.get(), LOCK_EX | LOCK_NB) == 0) {
      ++held;
      continue;
    }
    const int err = errno;
    std::optional<Error> ended;
    if (err != EWOULDBLOCK && err != EINTR) {
      ended = Error::FromErrno("flock", lock.path, err);
    } else if (cancelled && cancelled()) {
      ended = Error{ErrorCode::kCancelled, "the request was cancelled"};
    } else if (deadline.Passed()) {
      ended = Error{ErrorCode::kDeadlineExceeded, what_ + " is held by another process; `fuser -v " + lock.path + "` names it"};
    }
    if (ended) {
      Unlock();
      return *ended;
    }
    ::nanosleep(&kTurn, nullptr);
  }
  if (holds_++ == 0) since_ = Clock::System().Now();
  return Hold(this);
}

void HostLock::Unlock() {
  for (const Lock& lock : locks_) ::flock(lock.file.get(), LOCK_UN);
}

void HostLock::Leave() {
  CHECK(holds_ > 0);
  if (--holds_ > 0) return;
  held_ += Clock::System().Now() - since_;
  Unlock();
}

std::chrono::nanoseconds HostLock::Held() const {
  return holds_ > 0 ? held_ + (Clock::System().Now() - since_) : held_;
}

}  // namespace passnet::evaluator
