#include "base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace passnet {
namespace {

Result<std::string> ReadRegular(int fd, const std::string& name, size_t max_bytes) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::FromErrno("fstat", name, errno);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(name + ": not a regular file");
  auto too_large = [&] {
    return Error{ErrorCode::kResourceExhausted,
                 name + ": larger than the limit of " + std::to_string(max_bytes) + " bytes"};
  };
  if (static_cast<size_t>(info.st_size) > max_bytes) return too_large();
  std::string bytes;
  bytes.resize(static_cast<size_t>(info.st_size) + 1);
  size_t have = 0;
  while (true) {
    if (have == bytes.size()) bytes.resize(have + 65536);
    ssize_t got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0) {
      int err = errno;
      if (err == EINTR) continue;
      return Error::FromErrno("read", name, err);
    }
    if (got == 0) break;
    have += static_cast<size_t>(got);
    if (have > max_bytes) return too_large();
  }
  bytes.resize(have);
  return bytes;
}

Status WriteAll(int fd, const std::string& name, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      int err = errno;
      if (err == EINTR) continue;
      return Error::FromErrno("write", name, err);
    }
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return OkStatus();
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Error::FromErrno("open", path.native(), errno);
  return ReadRegular(fd.get(), path.native(), max_bytes);
}

Result<std::string> ReadFileBeneath(const std::filesystem::path& root, std::string_view relative, size_t max_bytes) {
  std::string name(relative);
  std::string shown = root.native() + "/" + name;
  if (name.empty() || name.find('\0') != std::string::npos) return InvalidArgument("empty or broken file name");
  UniqueFd dir(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return Error::FromErrno("open", root.native(), errno);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, dir.get(), name.c_str(), &how, sizeof how)));
  if (!fd.valid()) {
    int err = errno;
    if (err == EXDEV || err == ELOOP) return InvalidArgument(shown + ": leads out of the folder or through a link");
    return Error::FromErrno("open", shown, err);
  }
  return ReadRegular(fd.get(), shown, max_bytes);
}

Status WriteFileAtomic(const std::filesystem::path& path, std::string_view bytes) {
  std::string temp = path.native() + ".tmp-" + std::to_string(::getpid());
  UniqueFd fd(::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return Error::FromErrno("open", temp, errno);
  Status written = WriteAll(fd.get(), temp, bytes);
  if (written && ::fsync(fd.get()) != 0) written = Error::FromErrno("fsync", temp, errno);
  if (written && ::rename(temp.c_str(), path.c_str()) != 0) written = Error::FromErrno("rename", temp, errno);
  if (!written) ::unlink(temp.c_str());
  return written;
}

}  // namespace passnet
