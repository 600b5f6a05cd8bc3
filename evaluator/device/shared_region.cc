#include "evaluator/device/shared_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace passnet::evaluator {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

Result<SharedRegion> SharedRegion::Create(const std::string& name, size_t bytes) {
  SharedRegion region;
  region.fd_.Reset(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!region.fd_.valid()) return Error::FromErrno("memfd_create", name, errno);
  if (bytes > 0) {
    if (int err = ::posix_fallocate(region.fd_.get(), 0, static_cast<off_t>(bytes)); err != 0) {
      return Error::FromErrno("fallocate of " + std::to_string(bytes) + " bytes for", name, err);
    }
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, region.fd_.get(), 0);
    if (at == MAP_FAILED) return Error::FromErrno("mmap", name, errno);
    region.data_ = static_cast<std::byte*>(at);
    region.size_ = bytes;
  }
  if (::fcntl(region.fd_.get(), F_ADD_SEALS, kSizeSeals) != 0) return Error::FromErrno("seal", name, errno);
  return region;
}

Result<UniqueFd> SharedRegion::FileOf(const std::string& name, std::string_view bytes) {
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Error::FromErrno("memfd_create", name, errno);
  while (!bytes.empty()) {
    ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put < 0) {
      int err = errno;
      if (err == EINTR) continue;
      return Error::FromErrno("write", name, err);
    }
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return Error::FromErrno("lseek", name, errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_WRITE) != 0) return Error::FromErrno("seal", name, errno);
  return fd;
}

SharedRegion::SharedRegion(SharedRegion&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedRegion& SharedRegion::operator=(SharedRegion&& other) noexcept {
  if (this != &other) {
    Unmap();
    fd_ = std::move(other.fd_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SharedRegion::~SharedRegion() { Unmap(); }

void SharedRegion::Unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
}

}  // namespace passnet::evaluator
