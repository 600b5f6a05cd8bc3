// Connections over Asio and OpenSSL: name, TCP, CONNECT through a proxy, TLS with verification always on.
#include <sys/socket.h>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <functional>
#include <stop_token>
#include <utility>
#include <vector>

#include "agent/llm/transport/byte_stream.h"
#include "base/text.h"

namespace passnet::agent {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using Tcp = asio::ip::tcp;
using ErrorCodeOfAsio = boost::system::error_code;

constexpr size_t kReadBytes = 16u << 10;           // chosen: one TLS record
constexpr size_t kMaxProxyHeaderBytes = 8u << 10;  // chosen: a CONNECT reply is a few lines

auto Into(ErrorCodeOfAsio& error) { return asio::redirect_error(asio::use_awaitable, error); }

// Ends a pending operation by `stop` when the deadline passes or the caller cancels, and remembers which it was.
// Every time-out and cancel ends the connection anyway, so closing the socket is the one way that works the same for
// names, TCP and TLS.
class Watch {
 public:
  Watch(const asio::any_io_executor& executor, Deadline deadline, const std::stop_token& cancel,
        std::function<void()> stop)
      : state_(std::make_shared<State>(executor, std::move(stop))),
        cancelled_(cancel, [state = state_] { Fire(state, ErrorCode::kCancelled); }) {
    if (deadline.at() == SteadyTime::max()) return;
    state_->timer.expires_at(deadline.at());
    state_->timer.async_wait([state = state_](const ErrorCodeOfAsio& error) {
      if (!error) Fire(state, ErrorCode::kDeadlineExceeded);
    });
  }
  // A timer left behind would keep the loop, and with it the daemon's end, waiting for the whole limit.
  ~Watch() {
    state_->armed = false;
    state_->timer.cancel();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  bool fired() const { return state_->fired; }

  Error Explain(std::string_view what, const ErrorCodeOfAsio& error) const {
    if (!state_->fired) return {ErrorCode::kUnavailable, std::string(what) + ": " + error.message()};
    bool cancelled = state_->why == ErrorCode::kCancelled;
    return {state_->why, std::string(what) + (cancelled ? ": cancelled" : ": no answer within the limit")};
  }

 private:
  struct State {
    State(const asio::any_io_executor& executor, std::function<void()> stop_fn)
        : timer(executor), stop(std::move(stop_fn)) {}
    asio::steady_timer timer;
    std::function<void()> stop;
    bool armed = true;
    bool fired = false;
    ErrorCode why = ErrorCode::kInternal;
  };

  static void Fire(const std::shared_ptr<State>& state, ErrorCode why) {
    // The timer's handler may be queued already when the operation ends.
    if (!state->armed || state->fired) return;
    state->fired = true;
    state->why = why;
    state->stop();
  }

  std::shared_ptr<State> state_;
  std::stop_callback<std::function<void()>> cancelled_;
};

void Close(Tcp::socket& socket) {
  ErrorCodeOfAsio ignored;
  socket.close(ignored);
}

// Plain and TLS differ only in the type that reads and writes; `Stream::lowest_layer()` is the socket of both.
template <typename Stream>
class AsioStream : public ByteStream {
 public:
  explicit AsioStream(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

  Task<Status> Write(std::string_view bytes, Deadline deadline, std::stop_token cancel) override {
    Watch watch(stream_->get_executor(), deadline, cancel, [this] { CloseSocket(); });
    ErrorCodeOfAsio error;
    if (!watch.fired()) co_await asio::async_write(*stream_, asio::buffer(bytes), Into(error));
    if (error || watch.fired()) co_return watch.Explain("write", error);
    co_return OkStatus();
  }

  Task<Result<std::string>> ReadSome(Deadline deadline, std::stop_token cancel) override {
    Watch watch(stream_->get_executor(), deadline, cancel, [this] { CloseSocket(); });
    if (buffer_.empty()) buffer_.resize(kReadBytes);
    ErrorCodeOfAsio error;
    size_t count = 0;
    if (!watch.fired()) count = co_await stream_->async_read_some(asio::buffer(buffer_), Into(error));
    if (count == 0 && error == asio::error::eof && !watch.fired()) co_return std::string();
    if (count == 0) co_return watch.Explain("read", error);
    co_return std::string(buffer_.data(), count);
  }

  bool SeemsIdle() override {
    char byte = 0;
    int fd = stream_->lowest_layer().native_handle();
    // Readable in any way (data, end, reset) means: not idle.
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

 private:
  void CloseSocket() {
    ErrorCodeOfAsio ignored;
    stream_->lowest_layer().close(ignored);
  }

  std::unique_ptr<Stream> stream_;
  std::vector<char> buffer_;  // of reads: a short event is not worth 16 KiB of its own
};

struct Resolution {
  explicit Resolution(const asio::any_io_executor& executor) : resolver(executor), done(executor, SteadyTime::max()) {}
  Tcp::resolver resolver;
  asio::steady_timer done;
  ErrorCodeOfAsio error = asio::error::operation_aborted;
  Tcp::resolver::results_type found;
};

// getaddrinfo cannot be interrupted, so its answer is waited for by a timer and, when late, dropped.
Task<Result<Tcp::resolver::results_type>> Resolve(std::string host, std::string port, Deadline deadline,
                                                  std::stop_token cancel) {
  auto state = std::make_shared<Resolution>(co_await asio::this_coro::executor);
  state->resolver.async_resolve(host, port, [state](const ErrorCodeOfAsio& error, Tcp::resolver::results_type found) {
    state->error = error;
    state->found = std::move(found);
    state->done.cancel();
  });
  Watch watch(state->done.get_executor(), deadline, cancel, [state] { state->done.cancel(); });
  ErrorCodeOfAsio woken;
  if (!watch.fired()) co_await state->done.async_wait(Into(woken));
  if (watch.fired() || state->error) co_return watch.Explain("resolve " + host, state->error);
  co_return state->found;
}

// Each address gets its share of the time, so that one that swallows packets does not use up the others'.
Deadline Share(Deadline all, size_t addresses_left) {
  if (all.at() == SteadyTime::max()) return all;
  SteadyTime now = Clock::System().Now();
  return Deadline::At(now + (all.at() - now) / static_cast<int64_t>(addresses_left));
}

Task<Result<Tcp::socket>> ConnectTcp(std::string host, std::string port, Deadline deadline, std::stop_token cancel) {
  auto found = co_await Resolve(host, port, deadline, cancel);
  if (!found) co_return found.error();
  auto executor = co_await asio::this_coro::executor;
  size_t left = found.value().size();
  Error last{ErrorCode::kUnavailable, "resolve " + host + ": no address"};
  for (const auto& entry : found.value()) {
    Tcp::socket socket(executor);
    Watch watch(executor, Share(deadline, left--), cancel, [&socket] { Close(socket); });
    ErrorCodeOfAsio error;
    if (!watch.fired()) co_await socket.async_connect(entry.endpoint(), Into(error));
    if (!error && !watch.fired()) {
      // Requests are written whole; waiting for more to send would only delay them.
      socket.set_option(Tcp::no_delay(true), error);
      co_return socket;
    }
    last = watch.Explain("connect to " + host + " port " + port, error);
    if (cancel.stop_requested()) break;
  }
  co_return last;
}

std::string Base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                               reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

std::string ConnectRequest(const Url& target, const Url& proxy) {
  std::string host = target.host.find(':') == std::string::npos ? target.host : "[" + target.host + "]";
  std::string authority = host + ":" + target.port;
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!proxy.credentials.empty()) request += "Proxy-Authorization: Basic " + Base64(proxy.credentials) + "\r\n";
  return request + "\r\n";
}

// Asks the proxy for a tunnel. Nothing of the server can be read too early: with TLS it is the client that speaks
// first.
Task<Status> OpenTunnel(Tcp::socket* socket, Url target, Url proxy, Deadline deadline, std::stop_token cancel) {
  Watch watch(socket->get_executor(), deadline, cancel, [socket] { Close(*socket); });
  std::string where = "proxy " + proxy.host + " port " + proxy.port;
  std::string request = ConnectRequest(target, proxy);
  ErrorCodeOfAsio error;
  if (!watch.fired()) co_await asio::async_write(*socket, asio::buffer(request), Into(error));
  std::string reply;
  std::array<char, 1024> bytes;
  while (!error && !watch.fired() && reply.find("\r\n\r\n") == std::string::npos) {
    size_t count = co_await socket->async_read_some(asio::buffer(bytes), Into(error));
    reply.append(bytes.data(), count);
    if (reply.size() > kMaxProxyHeaderBytes)
      co_return Error{ErrorCode::kUnavailable, where + ": its reply is too long"};
  }
  if (error || watch.fired()) co_return watch.Explain(where, error);
  bool granted = reply.starts_with("HTTP/1.") && reply.size() > 12 && reply.substr(9, 3) == "200";
  if (!granted) {
    co_return Error{ErrorCode::kUnavailable,
                    where + " refused the tunnel: " + OneLine(reply.substr(0, reply.find('\r')), 120)};
  }
  co_return OkStatus();
}

class PlainConnector : public Connector {
 public:
  explicit PlainConnector(Url target) : target_(std::move(target)) {}

  Task<Result<std::unique_ptr<ByteStream>>> Connect(Deadline deadline, std::stop_token cancel) override {
    auto socket = co_await ConnectTcp(target_.host, target_.port, deadline, cancel);
    if (!socket) co_return socket.error();
    auto stream = std::make_unique<Tcp::socket>(std::move(socket.value()));
    std::unique_ptr<ByteStream> connected = std::make_unique<AsioStream<Tcp::socket>>(std::move(stream));
    co_return connected;
  }

 private:
  const Url target_;
};

class TlsConnector : public Connector {
 public:
  TlsConnector(Url target, std::optional<Url> proxy, std::unique_ptr<ssl::context> context)
      : target_(std::move(target)), proxy_(std::move(proxy)), context_(std::move(context)) {}

  Task<Result<std::unique_ptr<ByteStream>>> Connect(Deadline deadline, std::stop_token cancel) override {
    const Url& first_hop = proxy_ ? *proxy_ : target_;
    auto socket = co_await ConnectTcp(first_hop.host, first_hop.port, deadline, cancel);
    if (!socket) co_return socket.error();
    if (proxy_) {
      Status tunnel = co_await OpenTunnel(&socket.value(), target_, *proxy_, deadline, cancel);
      if (!tunnel) co_return tunnel.error();
    }
    co_return co_await Handshake(std::move(socket.value()), deadline, cancel);
  }

 private:
  Task<Result<std::unique_ptr<ByteStream>>> Handshake(Tcp::socket socket, Deadline deadline, std::stop_token cancel) {
    auto stream = std::make_unique<ssl::stream<Tcp::socket>>(std::move(socket), *context_);
    Tcp::socket* lowest = &stream->next_layer();
    stream->set_verify_callback(ssl::host_name_verification(target_.host));
    // RFC 6066 section 3: a server name is never an address.
    ErrorCodeOfAsio not_address;
    asio::ip::make_address(target_.host, not_address);
    if (not_address) SSL_set_tlsext_host_name(stream->native_handle(), target_.host.c_str());
    Watch watch(lowest->get_executor(), deadline, cancel, [lowest] { Close(*lowest); });
    ErrorCodeOfAsio error;
    if (!watch.fired()) co_await stream->async_handshake(ssl::stream_base::client, Into(error));
    if (error && !watch.fired()) co_return HandshakeError(stream->native_handle(), error);
    if (watch.fired()) co_return watch.Explain("TLS with " + target_.host, error);
    std::unique_ptr<ByteStream> connected = std::make_unique<AsioStream<ssl::stream<Tcp::socket>>>(std::move(stream));
    co_return connected;
  }

  Error HandshakeError(SSL* handle, const ErrorCodeOfAsio& error) const {
    std::string what = "TLS with " + target_.host + ": ";
    bool untrusted = error.category() == asio::error::get_ssl_category() &&
                     ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (!untrusted) return {ErrorCode::kUnavailable, what + error.message()};
    std::string reason = X509_verify_cert_error_string(SSL_get_verify_result(handle));
    return {ErrorCode::kPermissionDenied, what + "the certificate does not verify (" + reason +
                                              "); give the authority's certificate as the endpoint's CA file"};
  }

  const Url target_;
  const std::optional<Url> proxy_;
  const std::unique_ptr<ssl::context> context_;
};

Result<std::unique_ptr<ssl::context>> OpenContext(const std::string& ca_file) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  ErrorCodeOfAsio error;
  context->set_verify_mode(ssl::verify_peer, error);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return InvalidArgument("the system's CA certificates cannot be read: " + error.message());
    return context;
  }
  context->load_verify_file(ca_file, error);
  if (error) return InvalidArgument("CA file " + ca_file + ": " + error.message());
  return context;
}

}  // namespace

Result<std::unique_ptr<Connector>> OpenConnector(Url target, std::optional<Url> proxy, std::string ca_file) {
  std::unique_ptr<Connector> connector;
  if (!target.tls) {
    connector = std::make_unique<PlainConnector>(std::move(target));
    return connector;
  }
  ASSIGN_OR_RETURN(auto context, OpenContext(ca_file));
  connector = std::make_unique<TlsConnector>(std::move(target), std::move(proxy), std::move(context));
  return connector;
}

}  // namespace passnet::agent
