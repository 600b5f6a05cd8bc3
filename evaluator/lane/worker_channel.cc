#include "evaluator/lane/worker_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/framing.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxFds = 64;

Status WaitReadable(int fd, Deadline deadline) {
  while (true) {
    pollfd entry{fd, POLLIN, 0};
    int ready = ::poll(&entry, 1, deadline.PollMillis());
    if (ready > 0) return OkStatus();
    if (ready == 0) return Error{ErrorCode::kDeadlineExceeded, "no answer from the worker before the deadline"};
    int err = errno;
    if (err != EINTR) return Error::FromErrno("poll", "worker socket", err);
  }
}

Status ReadExactly(int fd, void* to, size_t count, Deadline deadline) {
  auto* at = static_cast<char*>(to);
  while (count > 0) {
    RETURN_IF_ERROR(WaitReadable(fd, deadline));
    ssize_t got = ::recv(fd, at, count, 0);
    if (got < 0) {
      int err = errno;
      if (err == EINTR) continue;
      return Error::FromErrno("read", "worker socket", err);
    }
    if (got == 0) return Error{ErrorCode::kUnavailable, "the worker process ended"};
    at += got;
    count -= static_cast<size_t>(got);
  }
  return OkStatus();
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> WorkerChannel::Pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::FromErrno("socketpair", "worker", errno);
  }
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Status WorkerChannel::SendFrame(std::string_view json, const std::vector<int>& fds, Deadline deadline) {
  if (fds.empty()) return WriteFrame(socket_.get(), json, deadline);
  auto size = static_cast<uint32_t>(json.size());
  // The descriptors ride on the four bytes of the length alone; the payload follows by itself.
  iovec part{&size, sizeof size};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  ssize_t put = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  if (put < 0) return Error::FromErrno("sendmsg", "worker socket", errno);
  if (put != sizeof size) return Error{ErrorCode::kIo, "short write of a frame's length"};
  std::string_view rest = json;
  while (!rest.empty()) {
    put = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put < 0) {
      int err = errno;
      if (err == EINTR) continue;
      return Error::FromErrno("send", "worker socket", err);
    }
    rest.remove_prefix(static_cast<size_t>(put));
  }
  return OkStatus();
}

Result<FrameWithFds> WorkerChannel::ReceiveFrame(Deadline deadline, uint32_t max_bytes) {
  RETURN_IF_ERROR(WaitReadable(socket_.get(), deadline));
  uint32_t size = 0;
  iovec part{&size, sizeof size};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return Error::FromErrno("recvmsg", "worker socket", errno);
  FrameWithFds frame;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      frame.fds.emplace_back(fd);
    }
  }
  if (got == 0) return Error{ErrorCode::kUnavailable, "the worker process ended"};
  if (got < static_cast<ssize_t>(sizeof size)) {
    RETURN_IF_ERROR(ReadExactly(socket_.get(), reinterpret_cast<char*>(&size) + got,
                                sizeof size - static_cast<size_t>(got), deadline));
  }
  if (size > max_bytes) {
    return Error{ErrorCode::kDataCorrupt, "the worker announced a frame of " + std::to_string(size) + " bytes"};
  }
  frame.json.resize(size);
  RETURN_IF_ERROR(ReadExactly(socket_.get(), frame.json.data(), size, deadline));
  return frame;
}

Status WorkerChannel::SendRun(uint32_t kind, uint32_t first_slot, uint32_t count, uint64_t nonce) {
  PnRunCommand command{PN_RUN_MAGIC, kind, first_slot, count, nonce, 0};
  ssize_t put = ::send(socket_.get(), &command, sizeof command, MSG_NOSIGNAL);
  if (put != sizeof command) {
    int err = errno;
    if (put < 0 && (err == EPIPE || err == ECONNRESET)) {
      return Error{ErrorCode::kUnavailable, "the worker process ended"};
    }
    return Error::FromErrno("send", "run command", err);
  }
  return OkStatus();
}

Result<RunAnswer> WorkerChannel::ReceiveRun(uint64_t nonce, Deadline deadline) {
  PnRunReply reply;
  RETURN_IF_ERROR(ReadExactly(socket_.get(), &reply, sizeof reply, deadline));
  if (reply.nonce != nonce || reply.status > PN_STATUS_EXCEPTION) {
    return Error{ErrorCode::kDataCorrupt, "the worker wrote bytes that are no answer to the call"};
  }
  RunAnswer answer{reply.status == PN_STATUS_OK, "", reply.calls, reply.graph_calls};
  if (answer.ok) return answer;
  uint32_t size = 0;
  RETURN_IF_ERROR(ReadExactly(socket_.get(), &size, sizeof size, deadline));
  if (size > PN_MAX_ERROR_BYTES) return Error{ErrorCode::kDataCorrupt, "the worker announced an oversized error text"};
  answer.error.resize(size);
  RETURN_IF_ERROR(ReadExactly(socket_.get(), answer.error.data(), size, deadline));
  return answer;
}

}  // namespace passnet::evaluator
