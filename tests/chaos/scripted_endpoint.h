// An HTTP server on loopback that answers by a script (endpoint_script.h) and keeps a ledger of every request that
// arrived whole. It lives in the process that drives the daemon and survives it.
// Threads: thread-compatible; it has a thread that accepts and one a connection. Owns: its sockets, threads and ledger.
// Errors: Start: kUnavailable (no port can be had).
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tests/chaos/endpoint_script.h"
#include "tests/chaos/ledger.h"

namespace passnet::chaos {

class ScriptedEndpoint {
 public:
  static Result<std::unique_ptr<ScriptedEndpoint>> Start(ScriptOptions options);
  ~ScriptedEndpoint();
  ScriptedEndpoint(const ScriptedEndpoint&) = delete;
  ScriptedEndpoint& operator=(const ScriptedEndpoint&) = delete;

  // Of the chat completions and messages wires alike.
  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  // From now on connections are refused, and those that wait for a request are closed, until Serve.
  void Refuse();
  Status Serve();

  const Ledger& ledger() const { return ledger_; }

 private:
  struct Connection {
    UniqueFd socket;
    std::atomic<bool> done = false;
    std::jthread thread;  // joined before the socket closes
  };
  struct HttpRequest {
    std::string target;
    std::string body;
  };

  explicit ScriptedEndpoint(ScriptOptions options) : script_(options) {}
  Status Bind();
  void AcceptAll();
  void AcceptOne();
  void Converse(Connection* connection);
  bool ReadRequest(int socket, std::string* buffer, HttpRequest* request);
  bool AnswerTo(int socket, const HttpRequest& request);
  bool Send(int socket, const ScriptedAnswer& answer);
  bool WaitForClose(int socket);

  EndpointScript script_;
  Ledger ledger_;
  int port_ = 0;
  UniqueFd holder_;    // bound, never listening: while nothing listens, the port stays ours and connections are refused
  std::mutex mutex_;   // of the listener and the connections
  UniqueFd listener_;
  std::atomic<bool> refusing_ = false;
  std::atomic<bool> stopping_ = false;
  std::list<std::unique_ptr<Connection>> connections_;
  std::jthread acceptor_;
};

}  // namespace passnet::chaos
