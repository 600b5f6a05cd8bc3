#include "evaluator/compile/dependencies.h"

#include <algorithm>
#include <filesystem>

namespace passnet::evaluator {
namespace {

// One name; a backslash quotes a blank, '#' and itself, a dollar is doubled, and a spliced line is a blank.
std::string NextName(std::string_view* rest) {
  std::string name;
  size_t at = 0;
  while (at < rest->size()) {
    const char c = (*rest)[at];
    const char next = at + 1 < rest->size() ? (*rest)[at + 1] : '\0';
    if (c == '\n') break;
    if (c == '\\' && next == '\n') {
      at += 2;
      if (!name.empty()) break;
    } else if (c == ' ' || c == '\t') {
      ++at;
      if (!name.empty()) break;
    } else if ((c == '\\' && (next == ' ' || next == '#' || next == '\\')) || (c == '$' && next == '$')) {
      name += next;
      at += 2;
    } else {
      name += c;
      ++at;
    }
  }
  rest->remove_prefix(at);
  return name;
}

std::string Normal(const std::string& path) { return std::filesystem::path(path).lexically_normal().native(); }

}  // namespace

std::vector<std::string> ReadDependencies(std::string_view rules) {
  std::vector<std::string> files;
  const size_t colon = rules.find(": ");
  if (colon == std::string_view::npos) return files;
  rules.remove_prefix(colon + 2);
  while (!rules.empty() && rules[0] != '\n') {
    std::string name = NextName(&rules);
    if (!name.empty()) files.push_back(std::move(name));
  }
  return files;
}

std::vector<std::string> ForeignFiles(const std::vector<std::string>& files, const std::vector<std::string>& folders) {
  std::vector<std::string> foreign;
  for (const std::string& file : files) {
    const std::string path = Normal(file);
    const bool own = !path.starts_with('/') && !path.starts_with("..");
    const bool known = std::any_of(folders.begin(), folders.end(), [&path](const std::string& folder) {
      return path.starts_with(Normal(folder + "/"));
    });
    if (!own && !known) foreign.push_back(file);
  }
  return foreign;
}

std::vector<std::string> SearchFolders(std::string_view compiler_version) {
  constexpr std::string_view kBegin = "#include <...> search starts here:\n";
  std::vector<std::string> folders;
  size_t at = compiler_version.find(kBegin);
  if (at == std::string_view::npos) return folders;
  at += kBegin.size();
  while (at < compiler_version.size() && compiler_version[at] == ' ') {
    const size_t end = std::min(compiler_version.find('\n', at), compiler_version.size());
    folders.emplace_back(compiler_version.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return folders;
}

}  // namespace passnet::evaluator
