// A program of the build folder as a child process of a test.
// Threads: thread-compatible. Owns: the process, killed and reaped in the destructor. Errors: CHECK where it cannot be
// started; it is for tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/child.h"

namespace passnet::fakes {

class ChildProgram {
 public:
  // Standard error goes to `log_file`.
  ChildProgram(const std::string& binary, const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment, const std::string& log_file);

  void Signal(int number) { child_->Signal(number); }
  // The exit code, or -signal. Waits.
  int Wait() { return child_->Wait().exit_code; }
  bool Ended() { return !child_->Running(); }

 private:
  std::unique_ptr<Child> child_;
};

// The names of all failpoints that are linked into a program of the build folder.
std::vector<std::string> FailpointsOf(const std::string& binary);

}  // namespace passnet::fakes
