#include "trajectories/export/row_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace passnet::trajectories {

Result<RowFile> RowFile::Create(const std::string& path) {
  std::string temporary = path + ".part";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return Error::FromErrno("open", temporary, errno);
  return RowFile(path, std::move(fd));
}

RowFile::~RowFile() {
  if (fd_.valid()) ::unlink(TemporaryPath().c_str());
}

Status RowFile::WriteLine(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  std::string_view left = bytes;
  while (!left.empty()) {
    ssize_t written = ::write(fd_.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::FromErrno("write", TemporaryPath(), errno);
    left.remove_prefix(static_cast<size_t>(written));
  }
  sha256_.Update(bytes);
  size_bytes_ += bytes.size();
  return OkStatus();
}

Result<std::string> RowFile::Commit() {
  if (::fsync(fd_.get()) != 0) return Error::FromErrno("fsync", TemporaryPath(), errno);
  if (::rename(TemporaryPath().c_str(), path_.c_str()) != 0) return Error::FromErrno("rename to", path_, errno);
  fd_.Reset();
  return ToHex(sha256_.Finish());
}

}  // namespace passnet::trajectories
