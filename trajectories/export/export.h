// `passnet export`: trajectories of a journal as training files with a manifest.
// Threads: thread-safe, blocking. Reads through its own connection, also beside a running daemon.
// Errors: kInvalidArgument (unknown campaign, no barred or no good verdict), those of Reader and RowFile. A trajectory
// that cannot be read is left out under `unreadable`, not an Error.
// Source: docs/formats.md, "Export".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "trajectories/export/exclusions.h"
#include "trajectories/export/options.h"

namespace passnet::trajectories {

struct ExportedFile {
  std::string name;  // in the folder
  std::string part;  // of the split; empty without one
  std::string path;
  std::string sha256;
  uint64_t size_bytes = 0;
  int64_t rows = 0;
};

struct ExportSummary {
  std::vector<ExportedFile> files;
  std::string manifest_path;
  int64_t rows = 0;
  int64_t trajectories = 0;  // looked at: exported and those of `left_out.trajectories`
  int64_t exported = 0;      // with at least one row
  Exclusions left_out;
  int64_t tasks = 0;                                              // of the rows
  std::vector<std::pair<std::string, std::string>> tasks_unknown;  // of them, without known op sequence: name -> why
};

Result<ExportSummary> Export(const ExportOptions& options);

}  // namespace passnet::trajectories
