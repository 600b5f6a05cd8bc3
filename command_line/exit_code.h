// How every program of ours ends (contract, docs/contracts.md, "Exit codes"), and how it says why.
// Threads: pure but for standard error. Errors: none.
#pragma once

#include <string_view>

#include "base/error.h"

namespace passnet::command_line {

inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 2;           // wrong usage or bad input
inline constexpr int kExitInfrastructure = 3;  // something on our side failed
inline constexpr int kExitVerification = 4;    // what was to be checked is not so

// Prints "<program>: <text>" to standard error and gives the exit code: what the user can put right (kInvalidArgument,
// kNotFound) 2, anything else 3.
int Fail(std::string_view program, const Error& error);

}  // namespace passnet::command_line
