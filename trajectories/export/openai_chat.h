// `passnet export --format openai-chat`: trajectories of a journal as a fine-tuning file with a manifest.
// Threads: thread-safe, blocking. Reads through its own connection, also beside a running daemon.
// Errors: kInvalidArgument (unknown campaign, no barred verdict), those of Reader and RowFile. A trajectory that cannot be read is counted
// under `unreadable`, not an Error.
// Source: docs/formats.md, "Export: openai-chat".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::trajectories {

struct ExportOptions {
  std::string store_path;
  std::string folder;                          // created when missing
  std::vector<std::string> campaign_ids;       // empty: all
  std::set<std::string> outcomes = {"solved"};  // of trajectories; empty: any but infra
  std::set<std::string> barred_verdicts;        // by stored name: who knows verdicts says which; must not be empty
  std::optional<double> min_score;
  bool best_only = false;
  std::optional<int64_t> max_tokens;
  std::set<std::string> excluded_tasks;
  std::string tool_version;                    // goes into the manifest
};

struct ExportSummary {
  std::string rows_path;
  std::string manifest_path;
  std::string sha256;  // of the rows
  int64_t rows = 0;
  int64_t trajectories = 0;               // looked at
  int64_t exported = 0;                   // of these, with at least one row
  std::map<std::string, int64_t> excluded;  // reason of docs/formats.md -> trajectories (rows for max_tokens and later)
};

Result<ExportSummary> ExportOpenAiChat(const ExportOptions& options);

// One task name a line; blank lines and what follows '#' are skipped.
std::set<std::string> ParseTaskList(std::string_view text);

}  // namespace passnet::trajectories
