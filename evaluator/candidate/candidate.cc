#include "evaluator/candidate/candidate.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

Status CheckContent(const CandidateFile& file) {
  if (file.bytes.size() > kMaxCandidateFileBytes) {
    return InvalidArgument("file " + ShownFileName(file.name) + " has " + std::to_string(file.bytes.size()) +
                           " bytes, the limit is " + std::to_string(kMaxCandidateFileBytes));
  }
  if (file.bytes.find('\0') != std::string::npos || !IsUtf8(file.bytes)) {
    return InvalidArgument("file " + ShownFileName(file.name) + " is not UTF-8 text");
  }
  return OkStatus();
}

}  // namespace

const CandidateFile* Candidate::Find(const std::string& name) const {
  for (const CandidateFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

Result<Candidate> MakeCandidate(std::vector<CandidateFile> files) {
  if (files.size() > kMaxCandidateFiles) {
    return InvalidArgument("the candidate has " + std::to_string(files.size()) + " files, the limit is " +
                           std::to_string(kMaxCandidateFiles));
  }
  Candidate candidate;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  size_t total = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    RETURN_IF_ERROR(CheckPassFileName(files[i].name));
    RETURN_IF_ERROR(CheckContent(files[i]));
    if (i > 0 && files[i].name == files[i - 1].name) return InvalidArgument("file " + ShownFileName(files[i].name) + " is given twice");
    total += files[i].bytes.size();
    fs::path path(files[i].name);
    if (path.has_parent_path()) continue;
    if (path.extension() == ".cc") candidate.kernels.push_back(path.stem().native());
    if (path.extension() == ".cu") candidate.cuda_kernels.push_back(path.stem().native());
  }
  for (const std::string& stem : candidate.cuda_kernels) {
    if (std::find(candidate.kernels.begin(), candidate.kernels.end(), stem) == candidate.kernels.end()) continue;
    return InvalidArgument("files " + stem + ".cc and " + stem + ".cu are one kernel's name: passnet_kernels.load(\"" + stem +
                           "\") could mean either");
  }
  if (total > kMaxCandidateBytes) {
    return InvalidArgument("the candidate's files have " + std::to_string(total) + " bytes, the limit is " +
                           std::to_string(kMaxCandidateBytes));
  }
  candidate.files = std::move(files);
  if (candidate.Find(kRuleListName) == nullptr) {
    return InvalidArgument(std::string(kRuleListName) + " is missing: a JSON array with the names of the pass files");
  }
  return candidate;
}

Result<std::vector<CandidateFile>> ReadPassDir(const fs::path& dir) {
  std::error_code failed;
  if (!fs::is_directory(dir, failed)) return NotFound(dir.native() + ": no such folder (give the pass_dir itself)");
  std::vector<CandidateFile> files;
  auto walk = fs::recursive_directory_iterator(dir, failed);
  if (failed) return Error::FromErrno("open", dir.native(), failed.value());
  for (; walk != fs::recursive_directory_iterator(); walk.increment(failed)) {
    if (failed) return Error::FromErrno("read", dir.native(), failed.value());
    std::string name = walk->path().filename().native();
    if (name.front() == '.' || name == "__pycache__") {
      if (walk->is_directory(failed)) walk.disable_recursion_pending();
      continue;
    }
    if (walk->is_directory(failed) && !walk->is_symlink(failed)) continue;
    if (files.size() >= kMaxCandidateFiles) {
      return InvalidArgument(dir.native() + " holds more than " + std::to_string(kMaxCandidateFiles) + " files");
    }
    std::string relative = fs::relative(walk->path(), dir, failed).native();
    auto bytes = ReadFileBeneath(dir, relative, kMaxCandidateFileBytes);
    if (!bytes) {
      // A file beyond the limit is the candidate's mistake, not a full disk.
      return InvalidArgument(bytes.error().context);
    }
    files.push_back({relative, std::move(bytes).value()});
  }
  return files;
}

}  // namespace passnet::evaluator
