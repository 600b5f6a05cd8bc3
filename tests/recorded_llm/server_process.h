// passnet-recorded-llm as a child process: started with arguments, its URL read from standard output, ended by signal.
// Threads: thread-compatible, blocking. Owns: the process, killed and reaped in the destructor.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace passnet {

class ServerProcess {
 public:
  explicit ServerProcess(const std::vector<std::string>& arguments);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // The first line of standard output; empty when the program ended without one.
  std::string ReadLine();
  // Everything from standard error, up to its end: only for a program that is about to end.
  std::string ReadErrors();
  void Signal(int number);
  // Waits for the end; the exit code, or -signal.
  int Wait();

 private:
  pid_t pid_ = -1;
  UniqueFd out_;
  UniqueFd err_;
};

}  // namespace passnet
