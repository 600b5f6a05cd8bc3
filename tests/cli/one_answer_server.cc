#include "tests/cli/one_answer_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace passnet::cli {

OneAnswerServer::OneAnswerServer(std::string body)
    : body_(std::move(body)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_.get(), 8) == 0);
  CHECK(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { Serve(); });
}

OneAnswerServer::~OneAnswerServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // accept returns
  thread_.join();
}

void OneAnswerServer::Serve() {
  while (true) {
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      ssize_t count = ::read(connection.get(), buffer, sizeof buffer);
      if (count <= 0) break;
      request.append(buffer, static_cast<size_t>(count));
    }
    std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body_.size()) +
                         "\r\n\r\n" + body_;
    for (std::string_view rest = answer; !rest.empty();) {
      ssize_t count = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      rest.remove_prefix(static_cast<size_t>(count));
    }
  }
}

}  // namespace passnet::cli
