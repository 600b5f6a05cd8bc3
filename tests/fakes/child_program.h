// A program of the build folder as a child process.
// Threads: thread-compatible. Owns: the process, killed and reaped in the destructor. Errors: CHECK where it cannot be
// started; it is for tests.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace passnet::fakes {

class ChildProgram {
 public:
  // Standard error goes to `log_file`.
  ChildProgram(const std::string& binary, const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment, const std::string& log_file);
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  void Signal(int number);
  // The exit code, or -signal. Waits.
  int Wait();
  bool Ended();

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace passnet::fakes
