// A candidate's files without what does not change what they do: two candidates that differ in comments, blank lines
// and blanks outside strings alone are one.
// Threads: pure functions. Errors: none: any bytes have a form, also those that no compiler takes.
// Source: docs/formats.md, "Export", `duplicate`.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace passnet::trajectories {

// The text of one file, by the ending of its name: .py, .cc and .h, anything else (.json) without comments.
std::string NormalisedSource(std::string_view name, std::string_view text);

// 64 hex digits over name and text of each file; notes (.md) do not count.
std::string NormalisedCandidateHash(const std::map<std::string, std::string>& files);

}  // namespace passnet::trajectories
