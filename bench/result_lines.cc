#include "bench/result_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "evaluator/client/installation.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = 1u << 30;

}  // namespace

Result<ResultLines> ResultLines::Open(const fs::path& file, Json settings) {
  UniqueFd opened(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!opened.valid()) return Error::FromErrno("open", file.native(), errno);
  ResultLines results(std::move(opened), std::move(settings));
  RETURN_IF_ERROR(results.ReadAll(file));
  return results;
}

Status ResultLines::ReadAll(const fs::path& file) {
  size_t others = 0, broken = 0;
  std::ifstream text(file);
  for (std::string line; std::getline(text, line);) {
    auto json = ParseJsonObject(line, file.native());
    if (!json) {
      ++broken;
    } else if (json.value()["settings"] == settings_) {
      lines_.push_back(std::move(json).value());
    } else {
      ++others;
    }
  }
  if (!lines_.empty()) std::fprintf(stderr, "%s: %zu results are there already\n", file.c_str(), lines_.size());
  if (others > 0) std::fprintf(stderr, "%s: %zu results of other settings are left alone\n", file.c_str(), others);
  if (broken == 0) return OkStatus();
  std::fprintf(stderr, "%s: %zu lines are no results and are left out\n", file.c_str(), broken);
  // The next line must not continue one that was cut off.
  if (::write(file_.get(), "\n", 1) != 1) return Error::FromErrno("write", file.native(), errno);
  return OkStatus();
}

Status ResultLines::Append(Json line) {
  line.Set("settings", settings_);
  const std::string text = line.Dump() + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t put = ::write(file_.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::FromErrno("write", "results", errno);
    rest.remove_prefix(static_cast<size_t>(put));
  }
  if (::fsync(file_.get()) != 0) return Error::FromErrno("fsync", "results", errno);
  lines_.push_back(std::move(line));
  return OkStatus();
}

std::string ResultsFile(const std::string& bench) {
  const auto installed = evaluator::FindInstallation("");
  const fs::path folder = installed ? installed.value().worker_dir.parent_path().parent_path() : fs::path(".");
  return (folder / ("bench-" + bench + ".jsonl")).native();
}

std::map<std::string, std::string> FactsIn(const Json& environment) {
  std::map<std::string, std::string> facts;
  for (const auto& [name, fact] : environment.Members()) facts[name] = fact.Text();
  return facts;
}

Result<std::string> BuildDigest() {
  ASSIGN_OR_RETURN(const evaluator::Installation installed, evaluator::FindInstallation(""));
  std::vector<fs::path> files = {installed.evaluator};
  for (const auto& entry : fs::recursive_directory_iterator(installed.worker_dir)) {
    if (entry.is_regular_file() && entry.path().extension() != ".pyc") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Sha256 hash;
  for (const fs::path& file : files) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxFileBytes));
    hash.UpdateField(file.filename().native()).UpdateField(bytes);
  }
  return ToHex(hash.Finish()).substr(0, 16);
}

}  // namespace passnet::bench
