#include "sandbox/scratch_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace passnet::sandbox {
namespace {

UniqueFd OpenBeneath(int folder, const std::string& name, uint64_t flags, uint64_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how)));
}

bool NameIsPlain(const std::string& name) {
  if (name.empty() || name.size() >= 4096 || name.front() == '/' || name.find('\0') != std::string::npos) return false;
  size_t start = 0;
  for (;;) {
    const size_t end = name.find('/', start);
    const std::string part = name.substr(start, end == std::string::npos ? end : end - start);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (end == std::string::npos) return true;
    start = end + 1;
  }
}

Status MakeParents(int folder, const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string parent = name.substr(0, slash);
    if (mkdirat(folder, parent.c_str(), 0755) != 0 && errno != EEXIST) {
      return Error::FromErrno("mkdirat", parent, errno);
    }
  }
  return OkStatus();
}

Status PutFile(int folder, const InputFile& file) {
  if (!NameIsPlain(file.name)) return InvalidArgument("sandbox input \"" + file.name + "\": not a plain relative name");
  RETURN_IF_ERROR(MakeParents(folder, file.name));
  UniqueFd fd = OpenBeneath(folder, file.name, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!fd.valid()) return Error::FromErrno("openat2", file.name, errno);
  for (size_t done = 0; done < file.bytes.size();) {
    const ssize_t wrote = write(fd.get(), file.bytes.data() + done, file.bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Error::FromErrno("write", file.name, errno);
    done += static_cast<size_t>(wrote);
  }
  return OkStatus();
}

std::string ProblemOf(int err) {
  switch (err) {
    case ENOENT:
      return "missing";
    case ELOOP:
      return "symbolic link";
    case EXDEV:
      return "leaves the scratch folder";
    case ENXIO:
      return "not a regular file";
    default:
      return strerror(err);
  }
}

Artefact Collect(int folder, const std::string& name, uint64_t max_bytes) {
  Artefact artefact{name, std::nullopt, ""};
  const auto problem = [&artefact](std::string text) {
    artefact.problem = std::move(text);
    return artefact;
  };
  if (!NameIsPlain(name)) return problem("not a plain relative name");
  // O_NONBLOCK: opening a pipe would wait for a writer. O_NOFOLLOW is part of NO_SYMLINKS.
  UniqueFd fd = OpenBeneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (!fd.valid()) return problem(ProblemOf(errno));
  struct stat there {};
  if (fstat(fd.get(), &there) != 0) return problem(strerror(errno));
  if (!S_ISREG(there.st_mode)) return problem("not a regular file");
  if (static_cast<uint64_t>(there.st_size) > max_bytes) {
    return problem("larger than " + std::to_string(max_bytes) + " bytes");
  }
  std::string bytes(static_cast<size_t>(there.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return problem(strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  artefact.bytes = std::move(bytes);
  return artefact;
}

}  // namespace

Status PutFiles(int folder, const std::vector<InputFile>& files) {
  for (const InputFile& file : files) RETURN_IF_ERROR(PutFile(folder, file));
  return OkStatus();
}

std::vector<Artefact> CollectFiles(int folder, const std::vector<std::string>& names, uint64_t max_bytes_each) {
  std::vector<Artefact> artefacts;
  for (const std::string& name : names) artefacts.push_back(Collect(folder, name, max_bytes_each));
  return artefacts;
}

}  // namespace passnet::sandbox
