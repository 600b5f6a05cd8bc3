// The prompt texts that a campaign uses: by name, as shipped with the program or as a campaign pinned them at launch.
// Threads: immutable values.
// Errors: kInvalidArgument (a text that does not parse, a name that is missing or unknown).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::prompts {

// Name ("refine_first") to the template's whole text.
using PromptTexts = std::map<std::string, std::string>;

// The texts of prompts/*.md and the kernel header that they quote ("passnet_kernel"), built into the program.
const PromptTexts& ShippedPrompts();

// The kernel header and the examples stand in the system prompt as they are: they are no templates.
bool IsQuoted(std::string_view name);

// Whether a lane's first prompts are made of the text: a lane with a GPU has a system prompt and examples of its own.
bool IsSentTo(std::string_view name, bool gpu_lane);

// Every text is there, parses, and no other is.
Status CheckPrompts(const PromptTexts& texts);

}  // namespace passnet::prompts
