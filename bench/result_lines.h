// What a long benchmark has measured so far: JSON objects, one a line, each written as soon as it is there, so that a run
// that was stopped goes on where it was. Every line names the settings that it was measured with, the build among them;
// lines of other settings stay in the file and are not read.
// Threads: thread-compatible, blocking. Owns: the file's descriptor.
// Errors: kIo and those of opening it; a last line that was cut off is left out and told.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::bench {

class ResultLines {
 public:
  // `settings` is compared as a whole. The file is made when it is missing.
  static Result<ResultLines> Open(const std::filesystem::path& file, Json settings);

  // Those of these settings, the oldest first.
  const std::vector<Json>& lines() const { return lines_; }
  // Adds "settings", writes and syncs.
  Status Append(Json line);

 private:
  ResultLines(UniqueFd file, Json settings) : file_(std::move(file)), settings_(std::move(settings)) {}
  Status ReadAll(const std::filesystem::path& file);

  UniqueFd file_;
  Json settings_;
  std::vector<Json> lines_;
};

// Where a benchmark keeps its lines unless it is told otherwise: in the build folder.
std::string ResultsFile(const std::string& bench);

// {"fact": "text"} as reports carry it.
std::map<std::string, std::string> FactsIn(const Json& environment);

// A digest of the evaluator and the worker beside the running program: two builds that differ are not mixed.
Result<std::string> BuildDigest();

}  // namespace passnet::bench
