// A file of lines that appears whole or not at all: written under a temporary name, synced, renamed.
// Threads: thread-compatible, blocking. Owns: the temporary file; the destructor removes it unless committed.
// Errors: kResourceExhausted (disk full), kPermissionDenied, kNotFound, kIo; each names the path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"

namespace passnet::trajectories {

class RowFile {
 public:
  static Result<RowFile> Create(const std::string& path);
  RowFile(RowFile&& other) noexcept = default;
  ~RowFile();

  // Adds the newline.
  Status WriteLine(std::string_view line);
  // SHA-256 of the whole file, as hex digits.
  Result<std::string> Commit();

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  RowFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string TemporaryPath() const { return path_ + ".part"; }

  std::string path_;
  UniqueFd fd_;
  Sha256 sha256_;
  uint64_t size_bytes_ = 0;
};

}  // namespace passnet::trajectories
