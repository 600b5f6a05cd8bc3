// Who may ask for what, decided from the headers before a body is read: the Host and Origin of the request (a web page
// of a stranger must not reach a daemon on loopback through the browser), and bearer tokens with the roles read and
// operate.
// Threads: immutable, thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "base/sha256.h"
#include "daemon/http_api/message.h"

namespace passnet::daemon {

struct GuardOptions {
  std::string host;      // as bound: allowed in Host beside the names of loopback
  Secret operate_token;  // empty: everyone may do everything (loopback only)
  Secret read_token;     // empty: reading takes the operate token too
};

class Guard {
 public:
  explicit Guard(const GuardOptions& options);

  // The refusal, or nothing when the request may pass.
  std::optional<Response> Refuse(const Request& request) const;

 private:
  std::optional<Response> RefuseToken(const Request& request) const;

  const std::string host_;
  const bool open_;
  // Digests, so that a comparison takes the same time whatever the guess and its length.
  const Sha256Digest operate_;
  const std::optional<Sha256Digest> read_;
};

}  // namespace passnet::daemon
