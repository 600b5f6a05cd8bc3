// A server on loopback that follows a script, connection by connection: reads requests, sends exact bytes, stalls,
// closes. Runs as coroutines on the test's own loop.
// Threads: loop-only. Borrows: the loop, which must be destroyed first or never run again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "tests/agent_llm/test_certificate.h"

namespace passnet {

// What one connection does after the other; at the end of the list it closes.
struct ServerStep {
  enum class Kind { kReadRequest, kSend, kStall, kReset, kTunnel };
  Kind kind;
  std::string bytes;

  static ServerStep ReadRequest() { return {Kind::kReadRequest, {}}; }
  static ServerStep Send(std::string bytes) { return {Kind::kSend, std::move(bytes)}; }
  // Until the client closes.
  static ServerStep Stall() { return {Kind::kStall, {}}; }
  static ServerStep Reset() { return {Kind::kReset, {}}; }
  // Joins the connection with one to this port of 127.0.0.1: what a proxy does after CONNECT.
  static ServerStep Tunnel(int port) { return {Kind::kTunnel, std::to_string(port)}; }
};

class ScriptServer {
 public:
  // With a certificate the server speaks TLS.
  explicit ScriptServer(boost::asio::io_context& loop, const TestCertificate* certificate = nullptr);

  // The script of the next connection.
  void OnConnection(std::vector<ServerStep> steps) { scripts_.push_back(std::move(steps)); }

  int port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return connections_; }
  // Head and body of every request, in the order they came.
  const std::vector<std::string>& requests() const { return requests_; }
  int stalls_ended_by_client() const { return stalls_ended_; }

 private:
  Task<void> AcceptAll();
  template <typename Stream>
  Task<void> Follow(std::shared_ptr<Stream> stream, std::vector<ServerStep> steps);
  template <typename Stream>
  Task<void> ReadRequest(Stream* stream, std::string* buffer);
  template <typename Stream>
  Task<void> Stall(Stream* stream);
  Task<void> Serve(boost::asio::ip::tcp::socket socket, std::vector<ServerStep> steps);

  boost::asio::io_context& loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::optional<boost::asio::ssl::context> tls_;
  std::deque<std::vector<ServerStep>> scripts_;
  std::vector<std::string> requests_;
  int connections_ = 0;
  int stalls_ended_ = 0;
};

}  // namespace passnet
