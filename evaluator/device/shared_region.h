// Anonymous shared memory between the evaluator and one worker process: sealed in size, so that the other side cannot
// shrink it under our feet (man 2 memfd_create, F_SEAL_SHRINK), and filled up front, so that a full tmpfs is an error
// here and not a SIGBUS later.
// Threads: thread-compatible. Owns: the descriptor and the mapping.
// Errors: kResourceExhausted (memory), kIo.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::evaluator {

class SharedRegion {
 public:
  // `bytes` may be 0: then there is no mapping.
  static Result<SharedRegion> Create(const std::string& name, size_t bytes);
  // A sealed memfd that holds exactly `bytes`, readable by a worker; not mapped here.
  static Result<UniqueFd> FileOf(const std::string& name, std::string_view bytes);

  SharedRegion() = default;
  SharedRegion(SharedRegion&& other) noexcept;
  SharedRegion& operator=(SharedRegion&& other) noexcept;
  ~SharedRegion();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  int fd() const { return fd_.get(); }

 private:
  void Unmap();

  UniqueFd fd_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace passnet::evaluator
