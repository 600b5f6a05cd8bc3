#include "tests/agent_llm/script_server.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>

namespace passnet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCodeOfAsio = boost::system::error_code;

auto Into(ErrorCodeOfAsio& error) { return asio::redirect_error(asio::use_awaitable, error); }

void Rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

// Bytes of the request at the front of `buffer`, 0 while it is not whole.
size_t WholeRequest(const std::string& buffer) {
  size_t end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  size_t length_at = buffer.find("Content-Length: ");
  size_t length = length_at < end ? std::stoul(buffer.substr(length_at + 16)) : 0;
  size_t whole = end + 4 + length;
  return buffer.size() >= whole ? whole : 0;
}

Task<void> Pump(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
  std::array<char, 4096> bytes;
  ErrorCodeOfAsio error;
  while (!error) {
    size_t count = co_await from->async_read_some(asio::buffer(bytes), Into(error));
    if (count > 0) co_await asio::async_write(*to, asio::buffer(bytes, count), Into(error));
  }
  ErrorCodeOfAsio ignored;
  to->shutdown(tcp::socket::shutdown_send, ignored);
}

template <typename Stream>
void Tunnel(asio::io_context&, std::shared_ptr<Stream>, int) {}  // never inside TLS

void Tunnel(asio::io_context& loop, std::shared_ptr<tcp::socket> client, int port) {
  auto target = std::make_shared<tcp::socket>(loop);
  target->connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)});
  asio::co_spawn(loop, Pump(client, target), Rethrow);
  asio::co_spawn(loop, Pump(target, client), Rethrow);
}

}  // namespace

ScriptServer::ScriptServer(asio::io_context& loop, const TestCertificate* certificate)
    : loop_(loop), acceptor_(loop, {asio::ip::address_v4::loopback(), 0}) {
  if (certificate) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain(asio::buffer(certificate->certificate_pem));
    tls_->use_private_key(asio::buffer(certificate->key_pem), asio::ssl::context::pem);
  }
  asio::co_spawn(loop_, AcceptAll(), Rethrow);
}

Task<void> ScriptServer::AcceptAll() {
  for (;;) {
    ErrorCodeOfAsio error;
    tcp::socket socket = co_await acceptor_.async_accept(Into(error));
    if (error) co_return;
    ++connections_;
    std::vector<ServerStep> steps;
    if (!scripts_.empty()) {
      steps = std::move(scripts_.front());
      scripts_.pop_front();
    }
    asio::co_spawn(loop_, Serve(std::move(socket), std::move(steps)), Rethrow);
  }
}

Task<void> ScriptServer::Serve(tcp::socket socket, std::vector<ServerStep> steps) {
  if (!tls_) {
    co_await Follow(std::make_shared<tcp::socket>(std::move(socket)), std::move(steps));
    co_return;
  }
  auto stream = std::make_shared<asio::ssl::stream<tcp::socket>>(std::move(socket), *tls_);
  ErrorCodeOfAsio error;
  co_await stream->async_handshake(asio::ssl::stream_base::server, Into(error));
  if (!error) co_await Follow(stream, std::move(steps));
}

template <typename Stream>
Task<void> ScriptServer::Follow(std::shared_ptr<Stream> stream, std::vector<ServerStep> steps) {
  std::string buffer;
  for (const ServerStep& step : steps) {
    ErrorCodeOfAsio error;
    switch (step.kind) {
      case ServerStep::Kind::kReadRequest: co_await ReadRequest(stream.get(), &buffer); break;
      case ServerStep::Kind::kSend: co_await asio::async_write(*stream, asio::buffer(step.bytes), Into(error)); break;
      case ServerStep::Kind::kStall: co_await Stall(stream.get()); break;
      case ServerStep::Kind::kReset:
        stream->lowest_layer().set_option(tcp::socket::linger(true, 0));
        stream->lowest_layer().close();
        co_return;
      case ServerStep::Kind::kTunnel: Tunnel(loop_, stream, std::stoi(step.bytes)); co_return;
    }
  }
}

template <typename Stream>
Task<void> ScriptServer::ReadRequest(Stream* stream, std::string* buffer) {
  std::array<char, 4096> bytes;
  ErrorCodeOfAsio error;
  while (!error && WholeRequest(*buffer) == 0) {
    size_t count = co_await stream->async_read_some(asio::buffer(bytes), Into(error));
    buffer->append(bytes.data(), count);
  }
  size_t whole = WholeRequest(*buffer);
  if (whole > 0) requests_.push_back(buffer->substr(0, whole));
  buffer->erase(0, whole);
}

template <typename Stream>
Task<void> ScriptServer::Stall(Stream* stream) {
  std::array<char, 4096> bytes;
  ErrorCodeOfAsio error;
  while (!error) co_await stream->async_read_some(asio::buffer(bytes), Into(error));
  ++stalls_ended_;
}

}  // namespace passnet
