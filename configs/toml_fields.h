// Option structs from TOML files and back: every problem of a file at once, with file, line and key.
// Threads: pure functions; ReadToml is blocking.
// Errors: kInvalidArgument (one line a problem: "FILE:LINE: key: what is wrong"), kNotFound and kIo of the file.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/result.h"

namespace passnet::configs {

using CheckFn = std::function<std::vector<FieldProblem>()>;

// Fills what the file has, then asks `check` (may be empty) about the whole; a key that already has a problem is not
// reported twice. Duplicate keys are TOML errors and are reported by the line of the second.
Status ReadToml(const std::string& path, const VisitFn& visit, const CheckFn& check);
Status ReadTomlText(std::string_view text, const std::string& path, const VisitFn& visit, const CheckFn& check);

// The effective values as TOML, in the order of the visit; what is not set is a comment.
std::string WriteToml(const VisitFn& visit);

}  // namespace passnet::configs
