#include "evaluator/candidate/candidate.h"

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

std::string Shown(const std::string& name) {
  std::string text;
  for (char c : name.substr(0, 80)) text.push_back(c >= ' ' && c < 0x7f ? c : '?');
  return "\"" + text + "\"";
}

bool IsPlainPart(std::string_view part) {
  if (part.empty() || part == "." || part == "..") return false;
  return std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

Status CheckName(const std::string& name) {
  if (name.empty() || name.size() > 200) return InvalidArgument("file name " + Shown(name) + ": 1 to 200 characters");
  std::string_view rest = name;
  while (true) {
    size_t slash = rest.find('/');
    if (!IsPlainPart(rest.substr(0, slash))) {
      return InvalidArgument("file name " + Shown(name) +
                             ": only relative names of letters, digits, '_', '-' and '.' below pass_dir are allowed");
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  std::string suffix = fs::path(name).extension().native();
  for (const char* known : {".py", ".json", ".cc", ".h", ".md"}) {
    if (suffix == known) return OkStatus();
  }
  if (suffix == ".cu") return InvalidArgument("file " + Shown(name) + ": CUDA kernels need a GPU lane; this one is a CPU");
  return InvalidArgument("file " + Shown(name) + ": only .py, .json, .cc, .h and .md files are allowed");
}

// RFC 3629, without surrogates and overlong forms.
bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    auto lead = static_cast<unsigned char>(text[i]);
    size_t more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2
                  : lead >= 0xF0 && lead < 0xF5 ? 3 : 4;
    if (more == 4 || i + more >= text.size() + (more == 0 ? 1 : 0)) return false;
    for (size_t k = 1; k <= more; ++k) {
      auto byte = static_cast<unsigned char>(text[i + k]);
      unsigned char low = k == 1 && lead == 0xE0 ? 0xA0 : k == 1 && lead == 0xF0 ? 0x90 : 0x80;
      unsigned char high = k == 1 && lead == 0xED ? 0x9F : k == 1 && lead == 0xF4 ? 0x8F : 0xBF;
      if (byte < low || byte > high) return false;
    }
    i += more + 1;
  }
  return true;
}

Status CheckContent(const CandidateFile& file) {
  if (file.bytes.size() > kMaxCandidateFileBytes) {
    return InvalidArgument("file " + Shown(file.name) + " has " + std::to_string(file.bytes.size()) +
                           " bytes, the limit is " + std::to_string(kMaxCandidateFileBytes));
  }
  if (file.bytes.find('\0') != std::string::npos || !IsUtf8(file.bytes)) {
    return InvalidArgument("file " + Shown(file.name) + " is not UTF-8 text");
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
  Sha256 hash;
  for (size_t i = 0; i < files.size(); ++i) {
    RETURN_IF_ERROR(CheckName(files[i].name));
    RETURN_IF_ERROR(CheckContent(files[i]));
    if (i > 0 && files[i].name == files[i - 1].name) return InvalidArgument("file " + Shown(files[i].name) + " is given twice");
    total += files[i].bytes.size();
    hash.UpdateField(files[i].name).UpdateField(files[i].bytes);
    fs::path path(files[i].name);
    if (path.extension() == ".cc" && !path.has_parent_path()) candidate.kernels.push_back(path.stem().native());
  }
  if (total > kMaxCandidateBytes) {
    return InvalidArgument("the candidate's files have " + std::to_string(total) + " bytes, the limit is " +
                           std::to_string(kMaxCandidateBytes));
  }
  candidate.files = std::move(files);
  candidate.hash = ToHex(hash.Finish());
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
