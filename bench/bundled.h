// The bundled tasks and the honest passes that the tests keep for them, found from the place of the running program.
// Threads: thread-safe, blocking (reads the pass folders). Errors: kNotFound, kInvalidArgument naming the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::bench {

struct BundledTask {
  std::string name;
  std::filesystem::path dir;
  std::vector<evaluator::CandidateFile> pass;
};

// By name.
Result<std::vector<BundledTask>> BundledTasks();

}  // namespace passnet::bench
