#include "evaluator/client/installation.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/text.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPathBytes = 4096;  // PATH_MAX

fs::path OwnFolder() {
  std::error_code failed;
  fs::path self = fs::read_symlink("/proc/self/exe", failed);
  return failed ? fs::path(".") : self.parent_path();
}

}  // namespace

Result<Installation> FindInstallation(const std::string& evaluator_binary) {
  Installation found;
  found.evaluator = evaluator_binary.empty() ? OwnFolder() / "passnet-evaluator" : fs::path(evaluator_binary);
  if (::access(found.evaluator.c_str(), X_OK) != 0) return Error::FromErrno("start", found.evaluator.native(), errno);
  const fs::path lib = found.evaluator.parent_path().parent_path() / "lib";
  found.worker_dir = lib / "worker";
  found.include_dir = lib / "include";
  ASSIGN_OR_RETURN(std::string python, ReadFile((lib / "python-path").native(), kMaxPathBytes));
  found.python = std::string(Trimmed(python));
  return found;
}

}  // namespace passnet::evaluator
