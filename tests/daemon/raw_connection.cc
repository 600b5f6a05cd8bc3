#include "tests/daemon/raw_connection.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

#include "base/check.h"

namespace passnet {
namespace {

constexpr int kHangMillis = 20'000;

}  // namespace

RawConnection::RawConnection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool RawConnection::ReadSome(std::string* into) {
  pollfd entry{fd_.get(), POLLIN, 0};
  if (::poll(&entry, 1, kHangMillis) <= 0) return false;
  char bytes[65536];
  const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  into->append(bytes, static_cast<size_t>(got));
  return true;
}

std::string RawConnection::ReadToEnd() {
  std::string text;
  while (ReadSome(&text)) {
  }
  return text;
}

std::string RawConnection::ReadUntil(const std::string& mark) {
  std::string text;
  while (text.find(mark) == std::string::npos && ReadSome(&text)) {
  }
  return text;
}

bool RawConnection::IsClosed() {
  char byte = 0;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got == 0 || (got < 0 && errno != EAGAIN);
}

int StatusOfAnswer(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : 0;
}

std::string RawExchange(int port, std::string_view request) {
  RawConnection connection(port);
  connection.Send(request);
  return connection.ReadToEnd();
}

}  // namespace passnet
