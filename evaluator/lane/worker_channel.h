// The evaluator's end of a worker process's socket: JSON frames with descriptors, and the fixed-size run commands of
// evaluator/worker/run_protocol.h. Everything that comes back is bounded, descriptors too; what does not fit the protocol
// is an error that names it.
// Threads: thread-compatible, blocking. Owns: the socket.
// Errors: kDataCorrupt (left the protocol), kUnavailable (closed: the process ended), kDeadlineExceeded, kIo.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::evaluator {

inline constexpr size_t kMaxFrameFds = 64;  // docs/worker_protocol.md, section 1

struct FrameWithFds {
  std::string json;
  std::vector<UniqueFd> fds;
};

struct RunAnswer {
  bool ok = false;
  std::string error;  // the worker's exception text when !ok; hostile bytes, bounded
  uint32_t calls = 0;
  uint64_t graph_calls = 0;
};

class WorkerChannel {
 public:
  WorkerChannel() = default;
  explicit WorkerChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Two connected stream sockets, close-on-exec: ours and the one that goes to the worker.
  static Result<std::pair<UniqueFd, UniqueFd>> Pair();

  Status SendFrame(std::string_view json, const std::vector<int>& fds, Deadline deadline);
  // More descriptors than `max_fds`, or any later in the frame, are closed and kDataCorrupt.
  Result<FrameWithFds> ReceiveFrame(Deadline deadline, uint32_t max_bytes, size_t max_fds = 0);

  // The two halves of a run command, apart, so that the clock is read around nothing else.
  Status SendRun(uint32_t kind, uint32_t first_slot, uint32_t count, uint64_t nonce, uint32_t observe = 0);
  Result<RunAnswer> ReceiveRun(uint64_t nonce, Deadline deadline);

  int fd() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }

 private:
  UniqueFd socket_;
};

}  // namespace passnet::evaluator
