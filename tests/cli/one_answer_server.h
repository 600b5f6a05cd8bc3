// Something on a port of loopback that answers every HTTP request with the same body, as a daemon of another version may,
// or what is no daemon at all.
// Threads: one of its own from construction to destruction. Errors: CHECK; it is for tests.
#pragma once

#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace passnet::cli {

class OneAnswerServer {
 public:
  explicit OneAnswerServer(std::string body);
  ~OneAnswerServer();
  const std::string& url() const { return url_; }

 private:
  void Serve();
  const std::string body_;
  UniqueFd listener_;
  std::string url_;
  std::thread thread_;
};

}  // namespace passnet::cli
