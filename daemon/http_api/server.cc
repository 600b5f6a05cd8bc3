#include "daemon/http_api/server.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <future>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/task.h"
#include "base/work_pool.h"
#include "daemon/http_api/problem.h"
#include "daemon/http_api/target.h"

namespace passnet::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using AsioError = boost::system::error_code;
using WireRequest = http::request<http::string_body>;
using Parser = http::request_parser<http::string_body>;

constexpr uint32_t kMaxHeaderBytes = 16u << 10;  // chosen: twice nginx's default
constexpr size_t kMaxHeaderFields = 64;          // chosen: browsers send about 20
constexpr size_t kReadBytes = 4096;
constexpr auto kWriteLimit = std::chrono::seconds(30);   // chosen: a report of megabytes over a slow line
constexpr auto kDrainLimit = std::chrono::seconds(2);    // chosen: a refused body is on its way already
constexpr auto kStopGrace = std::chrono::seconds(5);     // chosen: an answer takes milliseconds
constexpr auto kAcceptPause = std::chrono::milliseconds(20);
constexpr const char* kKeptFields[] = {"host",         "origin",       "authorization",
                                       "content-type", "last-event-id", "sec-fetch-site"};

auto Into(AsioError& error) { return asio::redirect_error(asio::use_awaitable, error); }

auto Seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

template <typename View>
std::string ToText(const View& view) {
  return std::string(view.data(), view.size());
}

bool IsOfParser(const AsioError& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

Response RefuseUnread(const AsioError& error) {
  if (error == http::error::body_limit) return Problem(413, "the body is larger than http.max_body_bytes");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Problem(431, "the header is larger than " + std::to_string(kMaxHeaderBytes) + " bytes");
  }
  return Problem(400, "not an HTTP request: " + error.message());
}

// The header as ours; a refusal where it is not one that we read.
std::optional<Response> ReadHeader(const WireRequest& from, Request* to) {
  to->method = ToText(from.method_string());
  if (std::distance(from.begin(), from.end()) > static_cast<std::ptrdiff_t>(kMaxHeaderFields)) {
    return Problem(431, "the header has more than " + std::to_string(kMaxHeaderFields) + " fields");
  }
  // One that the parser does not know would be left out by it, and the body be read as the next request.
  const auto [encoding, others] = from.equal_range(http::field::transfer_encoding);
  if (encoding != others && !beast::iequals(encoding->value(), "chunked")) {
    return Problem(400, "a Transfer-Encoding other than chunked is not read");
  }
  Status parsed = ParseTarget(ToText(from.target()), to);
  if (!parsed) return Problem(400, parsed.error().context);
  for (const char* name : kKeptFields) {
    const auto [first, last] = from.equal_range(name);
    if (first == last) continue;
    // Two readers could believe two different ones.
    if (std::next(first) != last) return Problem(400, std::string("the header has two fields ") + name);
    to->headers[name] = ToText(first->value());
  }
  return std::nullopt;
}

template <typename Message>
void FillHead(const Response& response, bool keep_alive, Message* message) {
  message->version(11);
  message->result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers) message->set(name, value);
  if (response.status != 204) message->set(http::field::content_type, response.content_type);
  message->set("X-Content-Type-Options", "nosniff");
  message->keep_alive(keep_alive);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpOptions& options, const Parts& parts)
      : options_(options),
        parts_(parts),
        workers_("pn-http", static_cast<int>(options.threads), static_cast<size_t>(options.max_queued)),
        health_("pn-health", 1, static_cast<size_t>(options.max_queued)),
        events_("pn-events", static_cast<int>(options.max_event_streams),
                static_cast<size_t>(options.max_event_streams)) {}

  Status Listen() {
    AsioError error;
    Tcp::resolver resolver(loop_);
    const std::string port = std::to_string(options_.port);
    auto found = resolver.resolve(options_.host, port, Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
    if (error || found.empty()) {
      return InvalidArgument("http.host: cannot resolve " + options_.host + ": " + error.message());
    }
    const Tcp::endpoint address = *found.begin();
    acceptor_.open(address.protocol(), error);
    // Not SO_REUSEPORT: a second daemon would share the port unnoticed.
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(address, error);
    if (!error) acceptor_.listen(Tcp::acceptor::max_listen_connections, error);
    if (error) {
      const bool taken = error == asio::error::address_in_use;
      return Error{ErrorCode::kAlreadyExists,
                   "cannot listen on " + options_.host + ":" + port + ": " + error.message() +
                       (taken ? "; if another passnetd runs there, stop it, else choose another http.port" : "")};
    }
    port_ = acceptor_.local_endpoint().port();
    Spawn(AcceptAll());
    thread_ = std::thread([this] { loop_.run(); });
    pthread_setname_np(thread_.native_handle(), "pn-http");
    return OkStatus();
  }

  // The loop ends by itself once nothing is left to do on it.
  void Stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true);
    asio::post(loop_, [this] {
      AsioError ignored;
      acceptor_.close(ignored);
      Spawn(EndConnections());
    });
    thread_.join();
  }

  int port() const { return port_; }

 private:
  struct Session {
    explicit Session(Tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    beast::flat_buffer buffer{kMaxHeaderBytes + kReadBytes};
    bool answering = false;      // never closed to make room
    bool closed = false;         // by us, its coroutine is about to end
    bool refused_unread = false;
  };
  using SessionPtr = std::shared_ptr<Session>;

  void Spawn(Task<void> task) {
    asio::co_spawn(loop_, std::move(task), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  void StartSession(Tcp::socket socket) {
    auto session = std::make_shared<Session>(std::move(socket));
    sessions_.push_back(session);
    asio::co_spawn(loop_, Serve(session), [this, session](std::exception_ptr thrown) {
      if (thrown) log::Err("daemon", "a connection ended in an exception", {});
      sessions_.remove(session);
    });
  }

  Task<void> AcceptAll() {
    while (!stopping_.load()) {
      AsioError error;
      Tcp::socket socket = co_await acceptor_.async_accept(Into(error));
      if (stopping_.load()) break;
      if (error) {  // out of descriptors, or the peer left at once: neither is a reason to stop serving the others
        MakeRoom();
        co_await Pause(kAcceptPause);
        continue;
      }
      // Where every place is taken by a request that is being answered, the new connection is closed.
      if (OpenSessions() < options_.max_connections || MakeRoom()) StartSession(std::move(socket));
    }
  }

  int64_t OpenSessions() const {
    return std::count_if(sessions_.begin(), sessions_.end(), [](const SessionPtr& session) { return !session->closed; });
  }

  // Closes the connection that has waited for longest for its client. False when there is none such.
  bool MakeRoom() {
    auto idle = std::find_if(sessions_.begin(), sessions_.end(),
                             [](const SessionPtr& session) { return !session->answering && !session->closed; });
    if (idle == sessions_.end()) return false;
    Close(idle->get());
    return true;
  }

  static void Close(Session* session) {
    session->closed = true;
    session->stream.close();
  }

  Task<void> EndConnections() {
    for (const SessionPtr& session : sessions_) {
      if (!session->answering) Close(session.get());
    }
    const SteadyTime grace_ends = Clock::System().Now() + kStopGrace;
    while (!sessions_.empty() && Clock::System().Now() < grace_ends) co_await Pause(std::chrono::milliseconds(5));
    for (const SessionPtr& session : sessions_) Close(session.get());
  }

  Task<void> Pause(std::chrono::milliseconds span) {
    asio::steady_timer timer(loop_, span);
    AsioError error;
    co_await timer.async_wait(Into(error));
  }

  Task<void> Serve(SessionPtr session) {
    bool open = true;
    while (open && !stopping_.load() && !session->closed) {
      open = co_await WaitForRequest(session);
      if (open) open = co_await ServeOne(session);
    }
    co_await Finish(session);
  }

  // Closing over bytes that were never read resets the connection, and the client may lose the answer with it.
  Task<void> Finish(SessionPtr session) {
    AsioError error;
    session->stream.socket().shutdown(Tcp::socket::shutdown_send, error);
    if (!session->refused_unread) co_return;
    session->stream.expires_after(kDrainLimit);
    std::array<char, 16384> bytes;
    while (!error) co_await session->stream.async_read_some(asio::buffer(bytes), Into(error));
  }

  Task<bool> WaitForRequest(SessionPtr session) {
    if (session->buffer.size() > 0) co_return true;
    session->stream.expires_after(Seconds(options_.idle_limit_s));
    AsioError error;
    auto space = session->buffer.prepare(kReadBytes);
    const size_t count = co_await session->stream.async_read_some(space, Into(error));
    session->buffer.commit(count);
    co_return !error;
  }

  // Whether the connection may carry another request.
  Task<bool> ServeOne(SessionPtr session) {
    // One limit from here to the last byte of the body, however they come.
    session->stream.expires_after(Seconds(options_.request_limit_s));
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(static_cast<uint64_t>(options_.max_body_bytes));
    auto request = std::make_shared<Request>();
    request->port = port_;
    AsioError error;
    co_await http::async_read_header(session->stream, session->buffer, parser, Into(error));
    std::optional<Response> refusal;
    if (error) {
      if (!IsOfParser(error)) co_return false;
      refusal = RefuseUnread(error);
    } else {
      refusal = ReadHeader(parser.get(), request.get());
      if (!refusal) refusal = parts_.guard->Refuse(*request);
      const bool reads = request->method == "GET" || request->method == "HEAD";
      if (!refusal && !parser.is_done() && reads) refusal = Problem(413, "a " + request->method + " has no body");
    }
    if (!refusal && !parser.is_done()) {
      error = co_await ReadBody(session, &parser);
      if (error && !IsOfParser(error)) co_return false;
      if (error) refusal = RefuseUnread(error);
    }
    session->refused_unread = static_cast<bool>(error) || !parser.is_done();
    const bool keep_alive = !session->refused_unread && parser.keep_alive() && !stopping_.load();
    session->answering = true;
    session->stream.expires_never();
    request->body = std::move(parser.get().body());
    Response response;
    if (refusal) {
      response = std::move(*refusal);
    } else {
      response = co_await Ask(request);
    }
    const bool sent = co_await Answer(session, request, std::move(response), keep_alive);
    session->answering = false;
    sessions_.remove(session);  // from now on it is the youngest of the idle ones
    sessions_.push_back(session);
    co_return sent && keep_alive;
  }

  Task<AsioError> ReadBody(SessionPtr session, Parser* parser) {
    AsioError error;
    const auto expect = parser->get()[http::field::expect];
    if (beast::iequals(expect, "100-continue")) {
      static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
      auto bytes = asio::buffer(kContinue, sizeof kContinue - 1);
      co_await asio::async_write(session->stream, bytes, Into(error));
    }
    if (!error) co_await http::async_read(session->stream, session->buffer, *parser, Into(error));
    co_return error;
  }

  Task<Response> Ask(std::shared_ptr<const Request> request) {
    auto handle = [router = parts_.router, request]() -> Result<Response> { return router->Handle(*request); };
    WorkPool* pool = request->path == "/health" ? &health_ : &workers_;
    Result<Response> answer = co_await RunBlocking(pool, std::move(handle));
    if (!answer) co_return Problem(answer.error());
    co_return std::move(answer).value();
  }

  Task<bool> Answer(SessionPtr session, std::shared_ptr<const Request> request, Response response, bool keep_alive) {
    parts_.counts->Add(response.route, response.status);
    parts_.guard->ShowToOrigin(*request, &response);
    const bool head = request->method == "HEAD";
    if (response.stream && !head) co_return co_await SendStream(session, std::move(response));
    http::response<http::string_body> message;
    FillHead(response, keep_alive, &message);
    if (response.status != 204) message.content_length(response.body.size());
    if (!head) message.body() = std::move(response.body);
    session->stream.expires_after(kWriteLimit);
    AsioError error;
    co_await http::async_write(session->stream, message, Into(error));
    co_return !error;
  }

  // A thread of its own calls the stream's function again and again; the loop does the writing. The connection ends
  // with the stream.
  Task<bool> SendStream(SessionPtr session, Response response) {
    http::response<http::empty_body> message;
    FillHead(response, false, &message);
    message.chunked(true);
    http::response_serializer<http::empty_body> serializer(message);
    session->stream.expires_after(kWriteLimit);
    AsioError error;
    co_await http::async_write_header(session->stream, serializer, Into(error));
    if (error) co_return false;
    auto pump = [this, session, stream = std::move(response.stream)]() -> Status {
      const WriteFn write = [&](std::string_view bytes) { return WriteFromStream(session, std::string(bytes)); };
      while (!stopping_.load() && stream(write)) {
      }
      return OkStatus();
    };
    Status pumped = co_await RunBlocking(&events_, std::move(pump));
    if (!pumped) log::Warning("daemon", "an event stream has no thread", {{"error", pumped.error().context}});
    session->stream.expires_after(kWriteLimit);
    co_await asio::async_write(session->stream, http::make_chunk_last(), Into(error));
    co_return false;
  }

  // On a thread of events_: waits until the loop has handed the bytes to the kernel, which bounds what lies in memory.
  bool WriteFromStream(const SessionPtr& session, std::string bytes) {
    auto promise = std::make_shared<std::promise<bool>>();
    std::future<bool> sent = promise->get_future();
    asio::co_spawn(loop_, WriteChunk(session, std::move(bytes)),
                   [promise](std::exception_ptr thrown, bool ok) { promise->set_value(!thrown && ok); });
    return sent.get();
  }

  Task<bool> WriteChunk(SessionPtr session, std::string bytes) {
    session->stream.expires_after(kWriteLimit);
    auto chunk = http::make_chunk(asio::buffer(bytes));
    AsioError error;
    co_await asio::async_write(session->stream, chunk, Into(error));
    co_return !error;
  }

  const HttpOptions options_;
  const Parts parts_;
  std::atomic<bool> stopping_{false};
  asio::io_context loop_{1};
  Tcp::acceptor acceptor_{loop_};
  int port_ = 0;
  std::list<SessionPtr> sessions_;  // the loop's; those that wait for their client longest come first
  // After the loop, so that they end before it.
  WorkPool workers_;
  WorkPool health_;
  WorkPool events_;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { Stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options, const Parts& parts) {
  auto impl = std::make_unique<Impl>(options, parts);
  RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace passnet::daemon
