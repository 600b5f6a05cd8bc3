// Frames of a 32-bit little-endian length and that many bytes, on a stream descriptor.
// Threads: blocking; one reader and one writer at a time. Errors: kDataCorrupt (length beyond the limit),
// kUnavailable (the other side closed; its text says whether inside a frame), kDeadlineExceeded, kIo.
// Source: docs/worker_protocol.md, section 1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace passnet {

inline constexpr uint32_t kMaxFrameBytes = 64u << 20;  // docs/worker_protocol.md, section 2

Status WriteFrame(int fd, std::string_view payload, Deadline deadline);
Result<std::string> ReadFrame(int fd, Deadline deadline, uint32_t max_bytes = kMaxFrameBytes);

}  // namespace passnet
