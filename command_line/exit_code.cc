#include "command_line/exit_code.h"

#include <cstdio>

namespace passnet::command_line {

int Fail(std::string_view program, const Error& error) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(program.size()), program.data(), error.context.c_str());
  bool input = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotFound;
  return input ? kExitUsage : kExitInfrastructure;
}

}  // namespace passnet::command_line
