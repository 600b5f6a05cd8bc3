#include "tests/chaos/scripted_endpoint.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/sha256.h"

namespace passnet::chaos {
namespace {

constexpr int kTurnMillis = 10;               // how soon a thread sees that it is to end
constexpr size_t kMaxRequestBytes = 64 << 20;  // far above what any campaign of ours asks

// Bound to loopback; `port` 0 takes a free one. Several sockets may be bound there, of which only those that listen take
// connections.
Result<UniqueFd> BoundSocket(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error::FromErrno("bind", "the scripted endpoint's port", errno);
  }
  return fd;
}

int PortOf(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool Readable(int socket) {
  pollfd entry{socket, POLLIN, 0};
  return ::poll(&entry, 1, kTurnMillis) > 0;
}

size_t ContentLength(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
  if (found == head.end()) return 0;
  const char* at = head.data() + (found - head.begin()) + kName.size();
  while (*at == ' ') ++at;
  size_t length = 0;
  std::from_chars(at, head.data() + head.size(), length);
  return length;
}

bool SendAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<ScriptedEndpoint>> ScriptedEndpoint::Start(ScriptOptions options) {
  std::unique_ptr<ScriptedEndpoint> endpoint(new ScriptedEndpoint(options));
  RETURN_IF_ERROR(endpoint->Bind());
  RETURN_IF_ERROR(endpoint->Serve());
  endpoint->acceptor_ = std::jthread([at = endpoint.get()] { at->AcceptAll(); });
  return endpoint;
}

ScriptedEndpoint::~ScriptedEndpoint() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  for (const auto& connection : connections_) ::shutdown(connection->socket.get(), SHUT_RDWR);
}

Status ScriptedEndpoint::Bind() {
  ASSIGN_OR_RETURN(holder_, BoundSocket(0));
  port_ = PortOf(holder_.get());
  return OkStatus();
}

void ScriptedEndpoint::Refuse() {
  refusing_ = true;
  std::lock_guard lock(mutex_);
  listener_.Reset();
}

Status ScriptedEndpoint::Serve() {
  ASSIGN_OR_RETURN(UniqueFd listener, BoundSocket(port_));
  if (::listen(listener.get(), SOMAXCONN) != 0) return Error::FromErrno("listen", "the scripted endpoint", errno);
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
  refusing_ = false;
  return OkStatus();
}

void ScriptedEndpoint::AcceptAll() {
  while (!stopping_) {
    ::poll(nullptr, 0, kTurnMillis / 5);
    std::lock_guard lock(mutex_);
    AcceptOne();
    // Joins the thread, then closes the socket: with a reset where that was asked for.
    std::erase_if(connections_, [](const auto& connection) { return connection->done.load(); });
  }
}

void ScriptedEndpoint::AcceptOne() {
  pollfd entry{listener_.get(), POLLIN, 0};
  while (listener_.valid() && ::poll(&entry, 1, 0) > 0) {
    UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted.valid()) return;
    auto connection = std::make_unique<Connection>();
    connection->socket = std::move(accepted);
    Connection* const at = connection.get();
    connection->thread = std::jthread([this, at] { Converse(at); });
    connections_.push_back(std::move(connection));
  }
}

void ScriptedEndpoint::Converse(Connection* connection) {
  const int socket = connection->socket.get();
  std::string buffer;
  HttpRequest request;
  while (ReadRequest(socket, &buffer, &request) && AnswerTo(socket, request)) {
  }
  connection->done = true;
}

// False when there is no further one.
bool ScriptedEndpoint::ReadRequest(int socket, std::string* buffer, HttpRequest* request) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  for (;;) {
    const size_t end = buffer->find(kEnd);
    if (end != std::string::npos) {
      const std::string_view head = std::string_view(*buffer).substr(0, end + kEnd.size());
      const size_t length = ContentLength(head);
      if (length > kMaxRequestBytes) return false;
      if (buffer->size() >= head.size() + length) {
        const size_t first = head.find(' ') + 1;
        request->target = head.substr(first, head.find(' ', first) - first);
        request->body = buffer->substr(head.size(), length);
        buffer->erase(0, head.size() + length);
        return true;
      }
    }
    while (!Readable(socket)) {
      if (stopping_ || (refusing_ && buffer->empty())) return false;
    }
    char bytes[65536];
    const ssize_t got = ::recv(socket, bytes, sizeof bytes, 0);
    if (got <= 0) {
      if (!buffer->empty()) ledger_.BrokeOff();
      return false;
    }
    buffer->append(bytes, static_cast<size_t>(got));
  }
}

// Whether the connection carries a further request.
bool ScriptedEndpoint::AnswerTo(int socket, const HttpRequest& request) {
  LedgerEntry received;
  received.request = Sha256Of(request.body);
  received.number = ledger_.Received(received.request);
  auto answer = script_.Answer(received, request.target, request.body);
  if (!answer) {
    received.kind = "not understood: " + answer.error().context;
    ledger_.Answers(std::move(received));
    SendAll(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    return false;
  }
  ledger_.Answers(answer.value().entry);
  const bool sent = Send(socket, answer.value());
  if (sent && answer.value().wire.size() > 0) ledger_.HandedOver(received.number);
  switch (answer.value().ending) {
    case ScriptedAnswer::Ending::kKeep: return sent;
    case ScriptedAnswer::Ending::kStall: return WaitForClose(socket);
    case ScriptedAnswer::Ending::kClose: ::shutdown(socket, SHUT_RDWR); return false;
    case ScriptedAnswer::Ending::kReset: break;
  }
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return false;
}

bool ScriptedEndpoint::Send(int socket, const ScriptedAnswer& answer) {
  ::poll(nullptr, 0, static_cast<int>(answer.delay.count()));
  std::string_view left = answer.wire;
  const size_t step = std::max<size_t>(1, left.size() / static_cast<size_t>(answer.pieces) + 1);
  while (!left.empty()) {
    const std::string_view piece = left.substr(0, step);
    if (!SendAll(socket, piece)) return false;
    left.remove_prefix(piece.size());
    if (!left.empty() && answer.pause.count() > 0) ::poll(nullptr, 0, static_cast<int>(answer.pause.count()));
  }
  return true;
}

// Never carries another one.
bool ScriptedEndpoint::WaitForClose(int socket) {
  char byte = 0;
  while (!stopping_) {
    if (Readable(socket) && ::recv(socket, &byte, 1, 0) <= 0) break;
  }
  return false;
}

}  // namespace passnet::chaos
