#include "base/framing.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace passnet {
namespace {

Status WaitFor(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, deadline.PollMillis());
    if (ready > 0) return OkStatus();
    if (ready == 0) return Error{ErrorCode::kDeadlineExceeded, "no answer on the channel before the deadline"};
    int err = errno;
    if (err != EINTR) return Error::FromErrno("poll", "channel", err);
  }
}

// A peer that closes with bytes unread resets the connection: it has gone, as one that closes in order.
Error ChannelError(const char* op, int err) {
  if (err == ECONNRESET || err == EPIPE) return {ErrorCode::kUnavailable, "the other side closed the channel"};
  return Error::FromErrno(op, "channel", err);
}

Status ReadExactly(int fd, char* to, size_t count, bool inside_frame, Deadline deadline) {
  size_t have = 0;
  while (have < count) {
    RETURN_IF_ERROR(WaitFor(fd, POLLIN, deadline));
    ssize_t got = ::read(fd, to + have, count - have);
    if (got < 0) {
      int err = errno;
      if (err == EINTR || err == EAGAIN) continue;
      return ChannelError("read", err);
    }
    if (got == 0) {
      return Error{ErrorCode::kUnavailable, inside_frame || have > 0 ? "the other side closed inside a frame"
                                                                      : "the other side closed the channel"};
    }
    have += static_cast<size_t>(got);
  }
  return OkStatus();
}

Status WriteExactly(int fd, const char* from, size_t count, Deadline deadline) {
  while (count > 0) {
    RETURN_IF_ERROR(WaitFor(fd, POLLOUT, deadline));
    ssize_t put = ::send(fd, from, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == ENOTSOCK) put = ::write(fd, from, count);
    if (put < 0) {
      int err = errno;
      if (err == EINTR || err == EAGAIN) continue;
      return ChannelError("write", err);
    }
    from += put;
    count -= static_cast<size_t>(put);
  }
  return OkStatus();
}

}  // namespace

Status WriteFrame(int fd, std::string_view payload, Deadline deadline) {
  if (payload.size() > kMaxFrameBytes) {
    return Error{ErrorCode::kDataCorrupt, "frame of " + std::to_string(payload.size()) + " bytes is over the limit"};
  }
  auto size = static_cast<uint32_t>(payload.size());
  char header[4] = {static_cast<char>(size), static_cast<char>(size >> 8), static_cast<char>(size >> 16),
                    static_cast<char>(size >> 24)};
  RETURN_IF_ERROR(WriteExactly(fd, header, sizeof header, deadline));
  return WriteExactly(fd, payload.data(), payload.size(), deadline);
}

Result<std::string> ReadFrame(int fd, Deadline deadline, uint32_t max_bytes) {
  unsigned char header[4];
  RETURN_IF_ERROR(ReadExactly(fd, reinterpret_cast<char*>(header), sizeof header, false, deadline));
  uint32_t size = header[0] | header[1] << 8 | header[2] << 16 | static_cast<uint32_t>(header[3]) << 24;
  if (size > max_bytes) {
    return Error{ErrorCode::kDataCorrupt, "frame announces " + std::to_string(size) + " bytes, limit " +
                                              std::to_string(max_bytes)};
  }
  // Room is made as the bytes come: a length that is announced claims no memory.
  constexpr size_t kStep = 1 << 16;  // chosen: most frames at once
  std::string payload;
  while (payload.size() < size) {
    const size_t have = payload.size();
    payload.resize(std::min<size_t>(size, have + std::max(have, kStep)));
    RETURN_IF_ERROR(ReadExactly(fd, payload.data() + have, payload.size() - have, true, deadline));
  }
  return payload;
}

}  // namespace passnet
