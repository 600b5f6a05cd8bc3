// passnet prompts show | export | check: the prompts that a campaign sends, and a user's own in their place.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/output.h"
#include "cli/verb.h"
#include "prompts/prompt_folder.h"

namespace passnet::cli {
namespace {

int Show(const std::string& name) {
  const prompts::PromptTexts& texts = prompts::ShippedPrompts();
  if (name.empty()) {
    for (const std::string& known : prompts::ReplaceablePrompts()) std::printf("%s\n", known.c_str());
    return kExitDone;
  }
  const auto text = texts.find(name);
  if (text == texts.end()) return Fail(NotFound("no prompt is called " + name + ": passnet prompts show lists them"));
  std::fputs(text->second.c_str(), stdout);
  return kExitDone;
}

int Export(const std::string& folder) {
  if (Status written = prompts::ExportPrompts(folder); !written) return Fail(written.error());
  std::printf("the shipped prompts are in %s: change what you like, delete what you do not change, and name the folder in "
              "the campaign's file (prompts = \"DIR\")\n", folder.c_str());
  return kExitDone;
}

int Check(const std::string& folder) {
  auto texts = prompts::PromptsFrom(folder);
  if (!texts) return Fail(texts.error());
  const prompts::PromptTexts& shipped = prompts::ShippedPrompts();
  for (const std::string& name : prompts::ReplaceablePrompts()) {
    const bool own = texts.value().at(name) != shipped.at(name);
    std::printf("%s: %s\n", name.c_str(), own ? "your own" : "as shipped");
  }
  return kExitDone;
}

Command SubVerb(const char* name, const char* help, const char* argument, const char* argument_help, bool required,
                int (*run)(const std::string&)) {
  auto text = std::make_shared<std::string>();
  Command verb{.name = name, .help = help, .run = [text, run] { return run(*text); }};
  verb.options = {{.name = argument, .help = argument_help, .value = text.get(), .required = required}};
  return verb;
}

}  // namespace

Command PromptsVerb() {
  return {.name = "prompts",
          .help = "the prompts that are sent to the model, and your own in their place",
          .footer = "Example:\n  passnet prompts export my_prompts && $EDITOR my_prompts/refine_system.md\n"
                    "  passnet prompts check my_prompts",
          .verbs = {SubVerb("show", "list the prompts, or print one", "name", "of a prompt; none: list them", false, Show),
                    SubVerb("export", "write the shipped prompts into a folder", "folder", "is made if it is not there",
                            true, Export),
                    SubVerb("check", "render the prompts of a folder on trial and name every mistake", "folder",
                            "with files named as the shipped ones", true, Check)}};
}

}  // namespace passnet::cli
