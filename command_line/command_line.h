// A program's command line as data: its options and verbs, each with what to run. The one place that knows CLI11, which
// parses, checks and writes the help.
// Threads: main thread only. Owns: nothing; options write into variables of whoever made the table.
// Errors: wrong usage is told on standard error and ends with kExitUsage.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace passnet::command_line {

// What a value may be. Ranges are inclusive.
using AnyValue = std::monostate;
struct OneOf {
  std::vector<const char*> names;
};
struct Integers {
  int64_t least, most;
};
struct Numbers {
  double least, most;
};
struct NotNegative {};
using Allowed = std::variant<AnyValue, OneOf, Integers, Numbers, NotNegative>;

// Where the value goes, and so which type it has. bool: a flag without a value; a vector: may be given several times.
using Variable = std::variant<bool*, std::string*, int*, uint16_t*, int64_t*, size_t*, double*, std::optional<int64_t>*,
                              std::optional<double>*, std::vector<std::string>*>;

struct Option {
  const char* name;  // "--task"; without dashes it is told by its place
  const char* help;
  Variable value;
  bool required = false;
  bool show_default = false;
  Allowed allowed = AnyValue();
  const char* excludes = nullptr;  // an option of the same verb that must not stand beside it
  bool one_value_each = false;     // of a list: "--fault a b" is not taken as two faults
};

// A verb, or the program itself.
struct Command {
  const char* name;
  const char* help;
  const char* footer = "";  // below the options in --help: examples; "": as the command above
  std::vector<Option> options = {};
  std::vector<Command> verbs = {};  // when there are any, one of them must follow
  std::function<int()> run = {};    // gives the exit code; not called of a command with verbs
};

// Parses, runs what was chosen and gives the exit code. A verb that does not exist is answered with the closest one.
// `version`: what --version prints, nullptr for a program without it.
int Main(const Command& program, const char* version, int argc, char** argv);

// Puts `more` behind `options`: what several verbs share.
void Append(std::vector<Option>* options, std::vector<Option> more);

// "passnet: unknown verb 'evla', did you mean 'eval'? …" when a word stands where a verb of the table must, else "".
std::string UnknownVerb(const Command& program, const std::vector<std::string_view>& words);

}  // namespace passnet::command_line
