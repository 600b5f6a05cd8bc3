// What a candidate's folder may hold: the one rule for names, the bounds, and the hash by which journals name a folder.
// Threads: pure functions. Errors: kInvalidArgument naming file and rule.
// Source: PassBench's pass folders; docs/formats.md, "pass_dir hash".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

// Chosen: real passes are below 64 KiB in all; the rest is room for long kernels.
inline constexpr size_t kMaxCandidateFiles = 64;
inline constexpr size_t kMaxCandidateFileBytes = 1u << 20;
inline constexpr size_t kMaxCandidateBytes = 4u << 20;
inline constexpr size_t kMaxPassFileNameBytes = 200;  // chosen: below NAME_MAX even where it is one part
inline constexpr const char* kRuleListName = "sorted_output_pass_rule_names.json";

// Relative, '/'-separated parts of [A-Za-z0-9_.-] that do not begin with a dot, ending in .py, .json, .cc, .h or .md (a
// folder's notes, which nobody reads).
Status CheckPassFileName(std::string_view name);

// The name in quotes, bounded and printable: names are a stranger's bytes.
std::string ShownFileName(std::string_view name);

// 64 hex digits; the order of `files` does not matter.
std::string PassDirHash(std::vector<CandidateFile> files);

}  // namespace passnet::evaluator
