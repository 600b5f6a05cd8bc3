#include "recorded_llm/server.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <exception>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/task.h"

namespace passnet::recorded_llm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using ErrorCodeOfAsio = boost::system::error_code;

constexpr uint64_t kMaxBodyBytes = 16u << 20;             // chosen: a long context of text, ten times over
constexpr uint32_t kMaxHeaderBytes = 16u << 10;           // chosen: twice nginx's default
constexpr size_t kMaxConnections = 1024;                  // chosen: what one daemon may have in flight
constexpr auto kReadLimit = std::chrono::seconds(75);     // nginx's keep-alive; also bounds a dripping request
constexpr auto kDrainLimit = std::chrono::seconds(2);     // chosen: a refused body is on its way already
constexpr auto kStallLimit = std::chrono::minutes(15);    // chosen: longer than any client's total limit
constexpr auto kShutdownGrace = std::chrono::seconds(5);  // chosen: an answer takes milliseconds and the latency

auto Into(ErrorCodeOfAsio& error) { return asio::redirect_error(asio::use_awaitable, error); }

http::response<http::string_body> WholeResponse(const Answer& answer, bool keep_alive) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), 11};
  response.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  for (const std::string& piece : answer.pieces) response.body() += piece;
  response.keep_alive(keep_alive);
  response.content_length(response.body().size() + answer.missing_bytes);
  return response;
}

http::response<http::empty_body> StreamHead(const Answer& answer, bool keep_alive) {
  http::response<http::empty_body> response{static_cast<http::status>(answer.status), 11};
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-cache");
  response.keep_alive(keep_alive);
  response.chunked(true);
  return response;
}

Answer RefuseUnread(const ErrorCodeOfAsio& error) {
  if (error == http::error::body_limit) {
    return Endpoint::Refuse(413, "invalid_request_error", "request_too_large", "the body is larger than 16 MiB");
  }
  if (error == http::error::header_limit) {
    return Endpoint::Refuse(431, "invalid_request_error", "header_too_large", "the header is larger than 16 KiB");
  }
  return Endpoint::Refuse(400, "invalid_request_error", "invalid_http", "not an HTTP request: " + error.message());
}

bool IsOfParser(const ErrorCodeOfAsio& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Endpoint endpoint) : options_(options), endpoint_(std::move(endpoint)) {}

  Status Listen() {
    ErrorCodeOfAsio error;
    Tcp::endpoint address(asio::ip::address_v4::loopback(), options_.port);
    acceptor_.open(address.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(address, error);
    if (!error) acceptor_.listen(Tcp::acceptor::max_listen_connections, error);
    if (!error) return OkStatus();
    return Error{ErrorCode::kUnavailable, "listen on 127.0.0.1 port " + std::to_string(options_.port) + ": " +
                                              error.message() + ". Choose another --port, or 0 for a free one"};
  }

  uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void Run() {
    Spawn(AcceptAll());
    Spawn(StopOnSignal());
    loop_.run();
  }

 private:
  struct Session {
    explicit Session(Tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    bool answering = false;
    bool refused_unread = false;
  };

  void Spawn(Task<void> task) {
    asio::co_spawn(loop_, std::move(task), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }

  Task<void> AcceptAll() {
    while (!stopping_) {
      ErrorCodeOfAsio error;
      Tcp::socket socket = co_await acceptor_.async_accept(Into(error));
      if (stopping_) break;
      // Out of descriptors, or the peer left at once: neither is a reason to stop serving the others.
      if (error || sessions_.size() >= kMaxConnections) co_await Pause(Millis(20));
      if (!error && sessions_.size() < kMaxConnections) Spawn(Serve(std::make_shared<Session>(std::move(socket))));
    }
  }

  Task<void> StopOnSignal() {
    ErrorCodeOfAsio error;
    co_await signals_.async_wait(Into(error));
    log::Info("recorded_llm", "stopping", {{"answers_under_way", static_cast<int64_t>(CountAnswering())}});
    stopping_ = true;
    acceptor_.close(error);
    for (Session* session : sessions_) {
      if (!session->answering) session->stream.close();
    }
    SteadyTime grace_ends = Clock::System().Now() + kShutdownGrace;
    while (!sessions_.empty() && Clock::System().Now() < grace_ends) co_await Pause(Millis(10));
    for (Session* session : sessions_) session->stream.close();
  }

  size_t CountAnswering() const {
    size_t count = 0;
    for (const Session* session : sessions_) count += session->answering;
    return count;
  }

  Task<void> Pause(Millis span) {
    asio::steady_timer timer(loop_, span);
    ErrorCodeOfAsio error;
    co_await timer.async_wait(Into(error));
  }

  Task<void> Serve(std::shared_ptr<Session> session) {
    sessions_.insert(session.get());
    beast::flat_buffer buffer;
    bool open = true;
    while (open && !stopping_) open = co_await ServeOne(session.get(), &buffer);
    co_await Close(session.get());
    sessions_.erase(session.get());
  }

  // Closing over bytes that were never read resets the connection, and the client may lose the answer with it.
  Task<void> Close(Session* session) {
    ErrorCodeOfAsio error;
    session->stream.socket().shutdown(Tcp::socket::shutdown_send, error);
    if (!session->refused_unread) co_return;
    session->stream.expires_after(kDrainLimit);
    std::array<char, 16384> bytes;
    while (!error) co_await session->stream.async_read_some(asio::buffer(bytes), Into(error));
  }

  // Whether the connection may carry another request.
  Task<bool> ServeOne(Session* session, beast::flat_buffer* buffer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxBodyBytes);
    session->stream.expires_after(kReadLimit);
    ErrorCodeOfAsio error;
    co_await http::async_read(session->stream, *buffer, parser, Into(error));
    if (error && !IsOfParser(error)) co_return false;
    session->answering = true;
    session->refused_unread = static_cast<bool>(error);
    // What could not be read to its end leaves the connection in an unknown state.
    bool keep_alive = !error && parser.keep_alive();
    Answer answer = error ? RefuseUnread(error) : Ask(parser.get());
    session->stream.expires_never();
    if (options_.latency.count() > 0) co_await Pause(options_.latency);
    bool sent = co_await Send(session, &answer, keep_alive && !stopping_);
    session->answering = false;
    co_return sent&& keep_alive;
  }

  Answer Ask(const http::request<http::string_body>& request) {
    auto method = request.method_string();
    Answer answer = endpoint_.Handle({method.data(), method.size()}, {request.target().data(), request.target().size()},
                                     request.body());
    log::Debug("recorded_llm", "answered", {{"status", static_cast<int64_t>(answer.status)}});
    return answer;
  }

  Task<bool> Send(Session* session, const Answer* answer, bool keep_alive) {
    // A client that does not read must not hold the connection for ever.
    session->stream.expires_after(kReadLimit);
    bool sent = false;
    if (answer->streamed) sent = co_await SendStream(session, answer, keep_alive);
    if (!answer->streamed) sent = co_await SendWhole(session, answer, keep_alive);
    if (sent && answer->ending == Answer::Ending::kStallInside) co_await WaitForClose(session);
    co_return sent && answer->ending == Answer::Ending::kWhole;
  }

  Task<bool> SendWhole(Session* session, const Answer* answer, bool keep_alive) {
    auto response = WholeResponse(*answer, keep_alive);
    ErrorCodeOfAsio error;
    co_await http::async_write(session->stream, response, Into(error));
    co_return !error;
  }

  Task<bool> SendStream(Session* session, const Answer* answer, bool keep_alive) {
    auto head = StreamHead(*answer, keep_alive);
    http::response_serializer<http::empty_body> serializer(head);
    ErrorCodeOfAsio error;
    co_await http::async_write_header(session->stream, serializer, Into(error));
    for (const std::string& piece : answer->pieces) {
      if (error) co_return false;
      co_await asio::async_write(session->stream, http::make_chunk(asio::buffer(piece)), Into(error));
    }
    if (error || answer->ending != Answer::Ending::kWhole) co_return !error;
    co_await asio::async_write(session->stream, http::make_chunk_last(), Into(error));
    co_return !error;
  }

  Task<void> WaitForClose(Session* session) {
    session->stream.expires_after(kStallLimit);
    char byte = 0;
    ErrorCodeOfAsio error;
    while (!error) co_await session->stream.async_read_some(asio::buffer(&byte, 1), Into(error));
  }

  const ServerOptions options_;
  Endpoint endpoint_;
  asio::io_context loop_{1};
  Tcp::acceptor acceptor_{loop_};
  asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  std::set<Session*> sessions_;
  bool stopping_ = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Open(ServerOptions options, Endpoint endpoint) {
  auto impl = std::make_unique<Impl>(options, std::move(endpoint));
  RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->port(); }

void Server::Run() { impl_->Run(); }

}  // namespace passnet::recorded_llm
