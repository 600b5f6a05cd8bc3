// A user's own prompts: a folder of files named as the shipped ones (refine_system.md, refine_feedback.md, …), of which
// any may be missing: the shipped one then stands in its place.
// Threads: blocking functions.
// Errors: kInvalidArgument (a file that is no prompt of ours, a template with a mistake: file, line and name),
// kNotFound (no such folder), kAlreadyExists and kIo (ExportPrompts).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "prompts/prompt_set.h"

namespace passnet::prompts {

// Names of the texts that a user may replace; the kernel header is what the compiler sees and no matter of taste.
std::vector<std::string> ReplaceablePrompts();

// The folder's texts and the shipped ones for what it lacks, each rendered once on trial. "": the shipped ones.
Result<PromptTexts> PromptsFrom(const std::string& folder);

// Writes the shipped texts, so that a user has something to begin with. An existing file is never written over.
Status ExportPrompts(const std::string& folder);

// Renders every prompt twice, with every section entered and with none: a name that no value has is found before a
// campaign meets it. Every mistake, a line each.
Status TryPrompts(const PromptTexts& texts);

}  // namespace passnet::prompts
