#include "tests/chaos/journal_disk.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace passnet::chaos {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRoomyDisk = "size=512m";  // of memory, at most; a journal of 200 samples takes a tenth
constexpr int kTries = 1000;

class Pretended : public JournalDisk {
 public:
  Pretended(fs::path folder, fs::path flag) : folder_(std::move(folder)), flag_(std::move(flag)) {}
  const fs::path& folder() const override { return folder_; }
  Status Fill() override { return WriteFileAtomic(flag_, "full\n"); }
  Status Free() override {
    std::error_code failed;
    fs::remove(flag_, failed);
    if (failed) return Error::FromErrno("remove", flag_.native(), failed.value());
    return OkStatus();
  }

 private:
  const fs::path folder_;
  const fs::path flag_;
};

class Mounted : public JournalDisk {
 public:
  explicit Mounted(fs::path folder) : folder_(std::move(folder)) {}
  ~Mounted() override { ::umount2(folder_.c_str(), MNT_DETACH); }

  const fs::path& folder() const override { return folder_; }

  // Made as small as what is in it. Somebody may write in between, and then it would be too small.
  Status Fill() override {
    Status made = OkStatus();
    for (int i = 0; i < kTries; ++i) {
      struct statvfs now{};
      if (::statvfs(folder_.c_str(), &now) != 0) return Error::FromErrno("statvfs", folder_.native(), errno);
      made = Resize("size=" + std::to_string((now.f_blocks - now.f_bfree) * now.f_frsize));
      if (made) break;
    }
    return made;
  }
  Status Free() override { return Resize(kRoomyDisk); }

 private:
  Status Resize(const std::string& size) {
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, size.c_str()) == 0) return OkStatus();
    return Error::FromErrno("remount, " + size, folder_.native(), errno);
  }

  const fs::path folder_;
};

}  // namespace

std::unique_ptr<JournalDisk> PretendedDisk(fs::path folder, fs::path flag) {
  return std::make_unique<Pretended>(std::move(folder), std::move(flag));
}

Result<std::unique_ptr<JournalDisk>> MountedDisk(fs::path folder) {
  // A name space of this process: what is mounted is seen by nobody else, and gone when the process is.
  if (::unshare(CLONE_NEWNS) != 0) return Error::FromErrno("unshare", "mounts", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::FromErrno("make private", "mounts", errno);
  }
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, kRoomyDisk) != 0) {
    return Error::FromErrno("mount a tmpfs", folder.native(), errno);
  }
  return std::unique_ptr<JournalDisk>(std::make_unique<Mounted>(std::move(folder)));
}

}  // namespace passnet::chaos
