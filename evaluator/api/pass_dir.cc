#include "evaluator/api/pass_dir.h"

#include <algorithm>

#include "base/sha256.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kShownBytes = 80;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

}  // namespace

std::string ShownFileName(std::string_view name) {
  std::string text = "\"";
  for (char c : name.substr(0, kShownBytes)) text += c >= ' ' && c < 0x7F ? c : '?';
  return text + (name.size() > kShownBytes ? "…\"" : "\"");
}

Status CheckPassFileName(std::string_view name) {
  const auto bad = [&](const std::string& why) {
    return InvalidArgument("file name " + ShownFileName(name) + " " + why);
  };
  if (name.empty()) return bad("is empty");
  if (name.size() > kMaxPassFileNameBytes) {
    return bad("is longer than " + std::to_string(kMaxPassFileNameBytes) + " bytes");
  }
  if (name.front() == '/') return bad("is absolute");
  for (char c : name) {
    if (c != '/' && !IsNameCharacter(c)) return bad("has a character other than letters, digits, _ - . and /");
  }
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    if (end == at || name[at] == '.') return bad("has an empty part, or one that begins with a dot");
    at = end + 1;
  }
  for (std::string_view suffix : {".py", ".json", ".cc", ".h", ".cu", ".cuh", ".md"}) {
    if (name.ends_with(suffix)) return OkStatus();
  }
  return bad("does not end in .py, .json, .cc, .h, .cu, .cuh or .md");
}

std::string PassDirHash(std::vector<CandidateFile> files) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  Sha256 hash;
  for (const CandidateFile& file : files) hash.UpdateField(file.name).UpdateField(file.bytes);
  return ToHex(hash.Finish());
}

}  // namespace passnet::evaluator
