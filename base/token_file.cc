#include "base/token_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/sha256.h"
#include "base/text.h"

namespace passnet {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRandomBytes = 32;
constexpr size_t kMinTokenBytes = 32;  // chosen: 128 bits in hex, where somebody writes a token of his own
constexpr size_t kMaxTokenBytes = 256;

bool IsTokenCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

// What another user could have written or could read is no secret of ours.
Status CheckOwner(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::FromErrno("fstat", path, errno);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + ": not a regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error{ErrorCode::kPermissionDenied, path + " belongs to another user: it holds no token of ours"};
  }
  if ((info.st_mode & 077) == 0) return OkStatus();
  return Error{ErrorCode::kPermissionDenied,
               path + " holds a token and others may open it: remove it, so that a new one is made, or chmod 600 it "
                      "when nobody can have looked"};
}

Result<Secret> ReadToken(int fd, const std::string& path) {
  RETURN_IF_ERROR(CheckOwner(fd, path));
  char bytes[kMaxTokenBytes + 2];
  const ssize_t count = ::pread(fd, bytes, sizeof bytes, 0);
  if (count < 0) return Error::FromErrno("read", path, errno);
  const std::string_view token = Trimmed({bytes, static_cast<size_t>(count)});
  const bool clean = std::all_of(token.begin(), token.end(), IsTokenCharacter);
  if (clean && token.size() >= kMinTokenBytes && token.size() <= kMaxTokenBytes) return Secret(std::string(token));
  return InvalidArgument(path + ": a token is " + std::to_string(kMinTokenBytes) + " to " +
                         std::to_string(kMaxTokenBytes) + " letters, digits or -._~+/=");
}

// A new file beside `path` with the token, for its owner alone.
Result<UniqueFd> WriteNew(const std::string& path, const Secret& token) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return Error::FromErrno("create", path, errno);
  const std::string line = token.Reveal() + "\n";
  const ssize_t put = ::write(fd.get(), line.data(), line.size());
  int err = put < 0 ? errno : ENOSPC;
  if (put == static_cast<ssize_t>(line.size())) err = ::fsync(fd.get()) == 0 ? 0 : errno;
  if (err == 0) return fd;
  ::unlink(path.c_str());
  return Error::FromErrno("write", path, err);
}

Result<UniqueFd> OpenToken(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Error::FromErrno("open", path, errno);
  return fd;
}

std::string TemporaryOf(const std::string& path) { return path + ".tmp-" + NewId("new"); }

std::vector<fs::path> Folders() {
  std::vector<fs::path> folders;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') folders.emplace_back(runtime);
  folders.emplace_back("/run/user/" + std::to_string(::geteuid()));
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') folders.push_back(fs::path(home) / ".local/state");
  return folders;
}

std::string NameOf(const fs::path& folder, int port) {
  return (folder / "passnet" / (std::to_string(port) + ".token")).native();
}

// Of this user, and nobody else may write there.
bool IsOurs(const fs::path& folder) {
  struct stat info {};
  return ::stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 022) == 0;
}

Result<std::unique_ptr<PublishedToken>> PublishIn(const fs::path& folder, int port, const Secret& token) {
  const std::string path = NameOf(folder, port);
  std::error_code ignored;
  if (folder.native().ends_with("/.local/state")) fs::create_directories(folder, ignored);
  ::mkdir((folder / "passnet").c_str(), 0700);
  if (!IsOurs(folder / "passnet")) return NotFound(folder.native() + " takes no folder of ours");
  const std::string temporary = TemporaryOf(path);
  ASSIGN_OR_RETURN(UniqueFd fd, WriteNew(temporary, token));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int err = errno;
    ::unlink(temporary.c_str());
    return Error::FromErrno("publish", path, err);
  }
  return std::make_unique<PublishedToken>(path, std::move(fd));
}

}  // namespace

Result<Secret> ReadTokenFile(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenToken(path));
  return ReadToken(fd.get(), path);
}

Result<Secret> ReadOrMakeTokenFile(const std::string& path) {
  auto read = ReadTokenFile(path);
  if (read || read.error().code != ErrorCode::kNotFound) return read;
  uint8_t bytes[kRandomBytes];
  FillRandom(bytes, sizeof bytes);
  const std::string temporary = TemporaryOf(path);
  ASSIGN_OR_RETURN(UniqueFd written, WriteNew(temporary, Secret(ToHex(bytes, sizeof bytes))));
  // A link does not replace what is there: whoever came first has made the token.
  const int err = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  if (err != 0 && err != EEXIST) return Error::FromErrno("make", path, err);
  return ReadTokenFile(path);
}

// Another daemon may have put its own there since.
PublishedToken::~PublishedToken() {
  struct stat ours {};
  struct stat there {};
  const bool known = ::fstat(locked_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0;
  if (known && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) ::unlink(path_.c_str());
}

Result<std::unique_ptr<PublishedToken>> PublishToken(int port, const Secret& token) {
  std::string why;
  for (const fs::path& folder : Folders()) {
    auto published = PublishIn(folder, port, token);
    if (published) return published;
    why += (why.empty() ? "" : "; ") + published.error().context;
  }
  return Error{ErrorCode::kUnavailable, why};
}

Result<Secret> FindPublishedToken(int port) {
  for (const fs::path& folder : Folders()) {
    const std::string path = NameOf(folder, port);
    auto fd = OpenToken(path);
    if (!fd || !IsOurs(folder / "passnet")) continue;
    const bool is_held = ::flock(fd.value().get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (is_held) return ReadToken(fd.value().get(), path);
  }
  return NotFound("no running passnetd of this user has published a token for port " + std::to_string(port));
}

}  // namespace passnet
