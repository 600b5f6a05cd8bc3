// A program of the build folder as a child process, and what it used of the machine.
// Threads: thread-compatible. Owns: the process, killed and reaped in the destructor, as it is when this thread ends.
// Errors: kIo and those of posix_spawn, naming the program.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace passnet::fakes {

struct ChildEnd {
  int exit_code = 0;  // -signal where one ended it
  double wall_s = 0;
  double cpu_s = 0;
  double peak_rss_mib = 0;
};

struct ChildPlan {
  std::string program;  // of the build folder's bin/
  std::vector<std::string> arguments = {};
  std::map<std::string, std::string> environment = {};  // beside this process's own, and before it
  std::string output = "/dev/null";                      // standard output is added to this file
  std::string log = "/dev/null";                         // standard error likewise
};

class Child {
 public:
  static Result<std::unique_ptr<Child>> Start(const ChildPlan& plan);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int number);
  ChildEnd Wait();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  void Reap(int flags);

  const pid_t pid_;
  const double started_s_ = NowSeconds();
  bool running_ = true;
  ChildEnd end_;

  static double NowSeconds();
};

// Starts it and waits for its end.
Result<ChildEnd> RunChild(const ChildPlan& plan);

}  // namespace passnet::fakes
