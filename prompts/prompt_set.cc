#include "prompts/prompt_set.h"

#include "prompts/renderer.h"

namespace passnet::prompts {

bool IsQuoted(std::string_view name) {
  return name == "passnet_kernel" || name == "refine_example" || name == "refine_example_triton" ||
         name == "refine_example_cuda";
}

bool IsSentTo(std::string_view name, bool gpu_lane) {
  if (name == "refine_system" || name == "refine_example") return !gpu_lane;
  if (name == "refine_system_gpu" || name == "refine_example_triton" || name == "refine_example_cuda") return gpu_lane;
  return true;
}

Status CheckPrompts(const PromptTexts& texts) {
  for (const auto& [name, text] : ShippedPrompts()) {
    if (texts.count(name) == 0) return InvalidArgument("prompt " + name + " is missing");
  }
  for (const auto& [name, text] : texts) {
    if (ShippedPrompts().count(name) == 0) return InvalidArgument("prompt " + name + " is not known here");
    if (IsQuoted(name)) continue;
    ASSIGN_OR_RETURN([[maybe_unused]] auto parsed, Template::Parse(name, text));
  }
  return OkStatus();
}

}  // namespace passnet::prompts
