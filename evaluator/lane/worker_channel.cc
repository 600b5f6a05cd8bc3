#include "evaluator/lane/worker_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/framing.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

Status WaitFor(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    int ready = ::poll(&entry, 1, deadline.PollMillis());
    if (ready > 0) return OkStatus();
    if (ready == 0) return Error{ErrorCode::kDeadlineExceeded, "no answer from the worker before the deadline"};
    int err = errno;
    if (err != EINTR) return Error::FromErrno("poll", "worker socket", err);
  }
}

// The descriptors that came with one recvmsg. Whoever sent them, they are closed with the vector.
std::vector<UniqueFd> DescriptorsOf(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

// Reads at least one byte of at most `count`, and the descriptors that travel with it where the caller wants them.
Result<size_t> ReadSome(int fd, void* to, size_t count, std::vector<UniqueFd>* fds, Deadline deadline) {
  while (true) {
    RETURN_IF_ERROR(WaitFor(fd, POLLIN, deadline));
    iovec part{to, count};
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxFrameFds * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fds != nullptr) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
    }
    ssize_t got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) {
      int err = errno;
      if (err == EINTR || err == EAGAIN) continue;
      return Error::FromErrno("recvmsg", "worker socket", err);
    }
    if (fds != nullptr) *fds = DescriptorsOf(message);
    if (got == 0) return Error{ErrorCode::kUnavailable, "the worker process ended"};
    // The kernel has closed what had no room.
    if ((message.msg_flags & MSG_CTRUNC) != 0) return DataCorrupt("the worker sent descriptors that nobody asked for");
    return static_cast<size_t>(got);
  }
}

Status ReadExactly(int fd, void* to, size_t count, Deadline deadline) {
  auto* at = static_cast<char*>(to);
  while (count > 0) {
    ASSIGN_OR_RETURN(size_t got, ReadSome(fd, at, count, nullptr, deadline));
    at += got;
    count -= got;
  }
  return OkStatus();
}

// Room is made as the bytes come: a length that is announced claims no memory.
Status ReadText(int fd, size_t size, std::string* text, Deadline deadline) {
  constexpr size_t kStep = 1 << 16;  // chosen: most frames at once
  while (text->size() < size) {
    const size_t have = text->size();
    text->resize(std::min(size, have + std::max(have, kStep)));
    RETURN_IF_ERROR(ReadExactly(fd, text->data() + have, text->size() - have, deadline));
  }
  return OkStatus();
}

// Sends what there is room for; the worker may never read.
Result<size_t> WriteSome(int fd, const msghdr& message, Deadline deadline) {
  while (true) {
    RETURN_IF_ERROR(WaitFor(fd, POLLOUT, deadline));
    ssize_t put = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) return static_cast<size_t>(put);
    int err = errno;
    if (err != EINTR && err != EAGAIN) return Error::FromErrno("sendmsg", "worker socket", err);
  }
}

Status WriteExactly(int fd, const void* from, size_t count, Deadline deadline) {
  const auto* at = static_cast<const char*>(from);
  while (count > 0) {
    iovec part{const_cast<char*>(at), count};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ASSIGN_OR_RETURN(size_t put, WriteSome(fd, message, deadline));
    at += put;
    count -= put;
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
  if (json.size() > kMaxFrameBytes || fds.size() > kMaxFrameFds) {
    return Internal("a frame of " + std::to_string(json.size()) + " bytes and " + std::to_string(fds.size()) +
                    " descriptors is over the limit");
  }
  auto size = static_cast<uint32_t>(json.size());
  // The descriptors ride on the four bytes of the length alone; the payload follows by itself.
  iovec part{&size, sizeof size};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFrameFds * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  ASSIGN_OR_RETURN(size_t put, WriteSome(socket_.get(), message, deadline));
  RETURN_IF_ERROR(WriteExactly(socket_.get(), reinterpret_cast<char*>(&size) + put, sizeof size - put, deadline));
  return WriteExactly(socket_.get(), json.data(), json.size(), deadline);
}

Result<FrameWithFds> WorkerChannel::ReceiveFrame(Deadline deadline, uint32_t max_bytes, size_t max_fds) {
  FrameWithFds frame;
  uint32_t size = 0;
  ASSIGN_OR_RETURN(size_t got, ReadSome(socket_.get(), &size, sizeof size, &frame.fds, deadline));
  if (frame.fds.size() > max_fds) {
    return DataCorrupt("the worker sent " + std::to_string(frame.fds.size()) + " descriptors with a frame that brings " +
                       std::to_string(max_fds));
  }
  RETURN_IF_ERROR(ReadExactly(socket_.get(), reinterpret_cast<char*>(&size) + got, sizeof size - got, deadline));
  if (size > max_bytes) return DataCorrupt("the worker announced a frame of " + std::to_string(size) + " bytes");
  RETURN_IF_ERROR(ReadText(socket_.get(), size, &frame.json, deadline));
  return frame;
}

Status WorkerChannel::SendRun(uint32_t kind, uint32_t first_slot, uint32_t count, uint64_t nonce,
                              uint32_t observe) {
  PnRunCommand command{PN_RUN_MAGIC, kind, first_slot, count, nonce, observe, 0};
  // One system call, and none that waits: the command before it was answered, so there is room.
  ssize_t put = ::send(socket_.get(), &command, sizeof command, MSG_NOSIGNAL | MSG_DONTWAIT);
  int err = errno;
  if (put == sizeof command) return OkStatus();
  if (put < 0 && err != EAGAIN) return Error::FromErrno("send", "worker socket", err);
  return DataCorrupt("the worker left no room for a run command");
}

Result<RunAnswer> WorkerChannel::ReceiveRun(uint64_t nonce, Deadline deadline) {
  PnRunReply reply;
  RETURN_IF_ERROR(ReadExactly(socket_.get(), &reply, sizeof reply, deadline));
  if (reply.nonce != nonce || reply.status > PN_STATUS_EXCEPTION) {
    return DataCorrupt("the worker wrote bytes that are no answer to the call");
  }
  RunAnswer answer{reply.status == PN_STATUS_OK, "", reply.calls, reply.graph_calls};
  if (answer.ok) return answer;
  uint32_t size = 0;
  RETURN_IF_ERROR(ReadExactly(socket_.get(), &size, sizeof size, deadline));
  if (size > PN_MAX_ERROR_BYTES) return DataCorrupt("the worker announced an oversized error text");
  RETURN_IF_ERROR(ReadText(socket_.get(), size, &answer.error, deadline));
  return answer;
}

}  // namespace passnet::evaluator
