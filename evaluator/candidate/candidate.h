// A candidate as data: the files that a model wrote, checked at the edge. Nothing here runs or parses them as code.
// Threads: immutable values, thread-safe functions.
// Errors: kInvalidArgument naming file and rule: an unusable candidate, which is the model's fault, not ours.
// Source: docs/passbench.md, section 4.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

// Chosen: real passes are below 64 KiB in all; the rest is room for long kernels.
inline constexpr size_t kMaxCandidateFiles = 64;
inline constexpr size_t kMaxCandidateFileBytes = 1u << 20;
inline constexpr size_t kMaxCandidateBytes = 4u << 20;
inline constexpr const char* kRuleListName = "sorted_output_pass_rule_names.json";

struct Candidate {
  std::vector<CandidateFile> files;  // sorted by name
  std::string hash;                  // sha256 over names and bytes
  std::vector<std::string> kernels;  // stems of the .cc files directly in pass_dir

  const CandidateFile* Find(const std::string& name) const;
};

// Names: relative, '/'-separated parts of [A-Za-z0-9_.-], no part "." or "..", at most 200 characters, suffix .py, .json,
// .cc, .h or .md. Contents: UTF-8 without NUL, within the bounds above. The rule list must be there.
Result<Candidate> MakeCandidate(std::vector<CandidateFile> files);

// Reads a pass_dir from disk: regular files only, through ReadFileBeneath, hidden files and __pycache__ left out.
Result<std::vector<CandidateFile>> ReadPassDir(const std::filesystem::path& dir);

}  // namespace passnet::evaluator
