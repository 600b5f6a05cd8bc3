// A TCP connection to a daemon on loopback, byte by byte, for requests that no HTTP client would send.
// Threads: thread-compatible. Owns: the socket. Errors: CHECK where the connection cannot be made; it is for tests.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace passnet {

class RawConnection {
 public:
  explicit RawConnection(int port);

  // False when the other side has closed.
  bool Send(std::string_view bytes);
  // What comes until the other side closes, at most for 20 s.
  std::string ReadToEnd();
  // What comes until `mark` is in it.
  std::string ReadUntil(const std::string& mark);
  // Whether the other side has closed, without waiting.
  bool IsClosed();

 private:
  bool ReadSome(std::string* into);
  UniqueFd fd_;
};

// The status of an answer, 0 where there is none.
int StatusOfAnswer(const std::string& answer);

// Sends `request` on a connection of its own and reads until the daemon closes it.
std::string RawExchange(int port, std::string_view request);

}  // namespace passnet
