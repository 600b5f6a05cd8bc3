// An empty folder of a test's own, removed with everything in it at the end.
// Threads: thread-compatible. Owns: the folder.
#pragma once

#include <filesystem>
#include <string>

namespace passnet::fakes {

class TempFolder {
 public:
  explicit TempFolder(const std::string& name);
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace passnet::fakes
