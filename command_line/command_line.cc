#include "command_line/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "command_line/closest_name.h"
#include "command_line/exit_code.h"

namespace passnet::command_line {
namespace {

CLI::Option* AddOption(CLI::App& app, const Option& option) {
  if (auto* flag = std::get_if<bool*>(&option.value)) return app.add_flag(option.name, **flag, option.help);
  return std::visit([&](auto* value) { return app.add_option(option.name, *value, option.help); }, option.value);
}

struct Check {
  CLI::Option* option;
  void operator()(const AnyValue&) const {}
  void operator()(const OneOf& one) const {
    option->check(CLI::IsMember(std::vector<std::string>(one.names.begin(), one.names.end())));
  }
  void operator()(const Integers& range) const { option->check(CLI::Range(range.least, range.most)); }
  void operator()(const Numbers& range) const { option->check(CLI::Range(range.least, range.most)); }
  void operator()(const NotNegative&) const { option->check(CLI::NonNegativeNumber); }
};

void AddOptions(CLI::App& app, const std::vector<Option>& options) {
  for (const Option& option : options) {
    CLI::Option* added = AddOption(app, option);
    added->required(option.required);
    std::visit(Check{added}, option.allowed);
    if (option.show_default) added->capture_default_str();
    if (option.one_value_each) added->allow_extra_args(false);
  }
  for (const Option& option : options) {
    if (option.excludes != nullptr) app.get_option(option.name)->excludes(app.get_option(option.excludes));
  }
}

void Fill(CLI::App& app, const Command& command) {
  if (*command.footer != 0) app.footer(command.footer);  // else it has that of the command above
  AddOptions(app, command.options);
  for (const Command& verb : command.verbs) Fill(*app.add_subcommand(verb.name, verb.help), verb);
  if (!command.verbs.empty()) app.require_subcommand(1);
}

const Command& Chosen(const CLI::App& app, const Command& command) {
  for (const CLI::App* parsed : app.get_subcommands()) {
    for (const Command& verb : command.verbs) {
      if (parsed->get_name() == verb.name) return Chosen(*parsed, verb);
    }
  }
  return command;
}

const Command* FindVerb(const Command& command, std::string_view name) {
  for (const Command& verb : command.verbs) {
    if (name == verb.name) return &verb;
  }
  return nullptr;
}

std::string UnknownVerbText(const std::string& path, const Command& command, std::string_view word) {
  std::vector<std::string_view> names;
  std::string list;
  for (const Command& verb : command.verbs) {
    names.emplace_back(verb.name);
    list += (list.empty() ? "" : ", ") + std::string(verb.name);
  }
  std::string_view closest = ClosestName(word, names);
  std::string text = path + ": unknown verb '" + std::string(word) + "'";
  if (!closest.empty()) text += ", did you mean '" + std::string(closest) + "'? " + path + " has " + list;
  if (closest.empty()) text += "; there are " + list;
  return text + ". Run with --help for more information.";
}

}  // namespace

std::string UnknownVerb(const Command& program, const std::vector<std::string_view>& words) {
  std::string path = program.name;
  const Command* command = &program;
  for (std::string_view word : words) {
    if (command->verbs.empty() || word.starts_with('-')) return "";
    const Command* verb = FindVerb(*command, word);
    if (verb == nullptr) return UnknownVerbText(path, *command, word);
    path += " " + std::string(word);
    command = verb;
  }
  return "";
}

int Main(const Command& program, const char* version, int argc, char** argv) {
  CLI::App app(program.help, program.name);
  Fill(app, program);
  if (version != nullptr) app.set_version_flag("--version", version);
  std::string unknown = UnknownVerb(program, std::vector<std::string_view>(argv + (argc > 0 ? 1 : 0), argv + argc));
  if (!unknown.empty()) {
    std::fprintf(stderr, "%s\n", unknown.c_str());
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes are above 100; help and version are not mistakes.
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  const Command& chosen = Chosen(app, program);
  return chosen.run ? chosen.run() : kExitUsage;
}

void Append(std::vector<Option>* options, std::vector<Option> more) {
  for (Option& option : more) options->push_back(option);
}

}  // namespace passnet::command_line
