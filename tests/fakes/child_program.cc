#include "tests/fakes/child_program.h"

#include <cstdio>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "tests/fakes/paths.h"

namespace passnet::fakes {

ChildProgram::ChildProgram(const std::string& binary, const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment, const std::string& log_file) {
  auto started = Child::Start({.program = binary, .arguments = arguments, .environment = environment, .log = log_file});
  CHECK(started.has_value());
  child_ = std::move(started).value();
}

std::vector<std::string> FailpointsOf(const std::string& binary) {
  const std::string command = "PASSNET_FAILPOINT=list " + BinaryDir() + "/bin/" + binary;
  FILE* out = popen(command.c_str(), "r");
  if (out == nullptr) return {};
  std::string text;
  char bytes[4096];
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, out)) > 0;) text.append(bytes, count);
  pclose(out);
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

}  // namespace passnet::fakes
