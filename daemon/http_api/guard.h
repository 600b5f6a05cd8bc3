// Who may ask for what, decided from the headers before a body is read. A web page of a stranger must not reach the
// daemon through the browser of somebody on this machine: Host must be one of a few exact names, with the daemon's own
// port (a name that an attacker's DNS points at loopback is none of them), Origin and Sec-Fetch-Site must not tell of
// another page, and a POST must be declared as JSON, which no form can do. Another user of this machine must not either:
// everything but /health wants a bearer token, of the roles operate and read.
// Threads: immutable, thread-safe.
// Source: docs/threat_model.md, section 6; the Fetch standard for preflights and Sec-Fetch-Site.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/sha256.h"
#include "daemon/http_api/message.h"

namespace passnet::daemon {

struct GuardOptions {
  std::string host;                          // as bound: allowed in Host beside the names of loopback
  std::vector<std::string> allowed_hosts;    // further values of Host, whole: of a reverse proxy or a tunnel
  std::vector<std::string> allowed_origins;  // pages that may ask: "https://board.example"
  std::vector<Secret> operate_tokens;        // at least one
  std::vector<Secret> read_tokens;
};

class Guard {
 public:
  explicit Guard(const GuardOptions& options);

  // What is answered instead of the request's own answer: a refusal, or the reply to a browser that asks beforehand.
  // Nothing when the request may pass.
  std::optional<Response> Refuse(const Request& request) const;
  // Lets a page of an allowed origin read the answer.
  void ShowToOrigin(const Request& request, Response* response) const;

 private:
  std::optional<Response> RefuseHost(const Request& request) const;
  std::optional<Response> RefusePage(const Request& request) const;
  std::optional<Response> RefuseToken(const Request& request) const;
  bool ComesFromAllowedOrigin(const Request& request) const;

  std::set<std::string> names_;   // without a port: the request's own is demanded behind them
  std::set<std::string> hosts_;   // whole
  const std::set<std::string> origins_;
  // Digests, so that a comparison takes the same time whatever the guess and its length.
  std::vector<Sha256Digest> operate_;
  std::vector<Sha256Digest> read_;
};

}  // namespace passnet::daemon
