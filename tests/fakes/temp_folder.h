// An empty folder of a test's own, removed with everything in it at the end.
// Threads: thread-compatible. Owns: the folder.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"

namespace passnet::fakes {

class TempFolder {
 public:
  explicit TempFolder(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / ("passnet-" + name + "-XXXXXX")).native();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = std::filesystem::canonical(pattern);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace passnet::fakes
