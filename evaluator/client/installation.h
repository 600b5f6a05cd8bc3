// Where the parts of a lane lie, from the place of the program that starts one: bin/passnet-evaluator, and in lib/
// beside bin/ the worker, the kernels' header and the name of the interpreter whose torch the worker was built against.
// No path is compiled in: a build folder may be moved with its checkout, and a compiler cache serves every clone.
// Threads: thread-safe; blocking (reads one small file). Errors: kNotFound, kPermissionDenied naming the missing part.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace passnet::evaluator {

struct Installation {
  std::filesystem::path evaluator;    // the program
  std::filesystem::path worker_dir;   // what a zygote's root sees of us
  std::filesystem::path include_dir;  // passnet_kernel.h
  std::string python;                 // absolute, from lib/python-path
};

// `evaluator_binary`: "" for the one beside the running program.
Result<Installation> FindInstallation(const std::string& evaluator_binary);

}  // namespace passnet::evaluator
