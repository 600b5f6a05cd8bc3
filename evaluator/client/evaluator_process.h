// A running passnet-evaluator: its process, whose environment is a short list of the caller's, and the socket to it.
// Threads: thread-compatible; the process dies with the thread that started it. Owns both: the destructor ends the
// process and with it every jail below.
// Errors: of fork and socketpair, and a missing part of the installation.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "evaluator/client/lane_client.h"

namespace passnet::evaluator {

class EvaluatorProcess {
 public:
  static Result<std::unique_ptr<EvaluatorProcess>> Start(const LaneClientOptions& options);
  ~EvaluatorProcess();
  EvaluatorProcess(const EvaluatorProcess&) = delete;
  EvaluatorProcess& operator=(const EvaluatorProcess&) = delete;

  int channel() const { return channel_.get(); }
  // False once it has ended or closed its end of the channel, with nobody having asked it for anything.
  bool IsThere() const;
  // At once, for one that would not hear that its client goes. The destructor reaps it.
  void Kill();

 private:
  EvaluatorProcess(pid_t pid, UniqueFd channel) : pid_(pid), channel_(std::move(channel)) {}

  pid_t pid_;
  UniqueFd channel_;
};

}  // namespace passnet::evaluator
