// The CLI's way to passnetd's HTTP API.
// Threads: main thread only; blocking.
// Errors: kUnavailable (no daemon answers there: the text says how to start one), those of the token file, and what the
// daemon's problem documents say, with their code.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::cli {

class DaemonClient {
 public:
  // "http://host:port"; empty: $PASSNETD_URL, then http://127.0.0.1:8760. The bearer token is that of `token_file`, else
  // $PASSNETD_TOKEN, else what a running daemon of this user has published for a port of loopback; else there is none.
  static Result<std::unique_ptr<DaemonClient>> Open(std::string url, const std::string& token_file);
  ~DaemonClient();

  Result<std::string> Get(const std::string& path);
  Result<std::string> Post(const std::string& path, const std::string& body);
  // The data of each server-sent event, until `take` returns false. Takes the stream up again where it broke off, as
  // long as the daemon comes back within a minute.
  Status Follow(const std::string& path, const std::function<bool(std::string_view data)>& take);

 private:
  class Impl;
  explicit DaemonClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace passnet::cli
