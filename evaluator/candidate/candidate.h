// A candidate as data: the files that a model wrote, checked at the edge. Nothing here runs or parses them as code.
// Threads: immutable values, thread-safe functions.
// Errors: kInvalidArgument naming file and rule: an unusable candidate, which is the model's fault, not ours.
// Source: docs/passbench.md, section 4.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/api/pass_dir.h"

namespace passnet::evaluator {

struct Candidate {
  std::vector<CandidateFile> files;  // sorted by name
  std::vector<std::string> kernels;       // stems of the .cc files directly in pass_dir
  std::vector<std::string> cuda_kernels;  // of the .cu files; no stem stands in both

  const CandidateFile* Find(const std::string& name) const;
};

// Names and bounds: evaluator/api/pass_dir.h. Contents: UTF-8 without NUL. The rule list must be there.
Result<Candidate> MakeCandidate(std::vector<CandidateFile> files);

// Reads a pass_dir from disk: regular files only, through ReadFileBeneath, hidden files and __pycache__ left out.
Result<std::vector<CandidateFile>> ReadPassDir(const std::filesystem::path& dir);

}  // namespace passnet::evaluator
