#include "evaluator/device/cpu_seat.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "base/check.h"

namespace passnet::evaluator {

CpuSeat::CpuSeat(const SeatSizes& sizes, SharedRegion in, SharedRegion out)
    : SeatMemory(sizes), in_(std::move(in)), out_(std::move(out)) {}

Result<std::unique_ptr<SeatMemory>> CpuSeat::Create(const SeatSizes& sizes) {
  ASSIGN_OR_RETURN(SharedRegion in, SharedRegion::Create("seat-in", sizes.inputs));
  ASSIGN_OR_RETURN(SharedRegion out, SharedRegion::Create("seat-out", sizes.headers));
  return std::unique_ptr<SeatMemory>(new CpuSeat(sizes, std::move(in), std::move(out)));
}

Status CpuSeat::Stage(std::span<const std::byte> inputs) {
  CHECK(inputs.size() == in_.size());
  if (!inputs.empty()) std::memcpy(in_.data(), inputs.data(), inputs.size());
  return OkStatus();
}

Status CpuSeat::Read(pid_t process, std::span<OutputPart> parts) {
  constexpr size_t kMostAtOnce = 512;  // below IOV_MAX
  std::vector<iovec> to, from;
  for (OutputPart& part : parts) {
    part.read = false;
    to.push_back({part.to, part.bytes});
    from.push_back({reinterpret_cast<void*>(part.address), part.bytes});
  }
  for (size_t begin = 0; begin < to.size();) {
    const size_t count = std::min(kMostAtOnce, to.size() - begin);
    ssize_t got = ::process_vm_readv(process, &to[begin], count, &from[begin], count, 0);
    if (got < 0 && errno != EFAULT) {
      if (errno == ESRCH) return Error{ErrorCode::kUnavailable, "the worker process ended"};
      return Error::FromErrno("process_vm_readv", "worker " + std::to_string(process), errno);
    }
    size_t done = begin;
    for (auto left = static_cast<size_t>(std::max<ssize_t>(got, 0)); done < begin + count && left >= to[done].iov_len;
         ++done) {
      left -= to[done].iov_len;
      parts[done].read = true;
    }
    // What stopped it is skipped: the rest is read all the same.
    begin = done < begin + count ? done + 1 : done;
  }
  return OkStatus();
}

Result<std::span<const std::byte>> CpuSeat::InputsAfter(size_t offset, size_t bytes) {
  CHECK(offset <= in_.size() && bytes <= in_.size() - offset);
  return std::span<const std::byte>(in_.data() + offset, bytes);
}

// The kernel's own list of mappings decides, not what the process says.
Result<std::vector<MemoryRange>> CpuSeat::InputsIn(pid_t process) {
  struct stat file {};
  if (::fstat(in_.fd(), &file) != 0) return Error::FromErrno("fstat", "inputs region", errno);
  const std::string path = "/proc/" + std::to_string(process) + "/maps";
  std::ifstream maps(path);
  if (!maps) return Error::FromErrno("open", path, errno);
  std::vector<MemoryRange> found;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0, inode = 0;
    unsigned major = 0, minor = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %*x %x:%x %lu", &begin, &end, &major, &minor, &inode) != 5) continue;
    if (inode == file.st_ino && makedev(major, minor) == file.st_dev) found.push_back({begin, end});
  }
  if (found.empty()) return DataCorrupt("the process has unmapped its inputs");
  return found;
}

Status CpuSeat::Wipe() {
  for (SharedRegion* region : {&in_, &out_}) {
    if (region->size() > 0) std::memset(region->data(), 0, region->size());
  }
  return OkStatus();
}

SeatPool CpuSeats() { return SeatPool(&CpuSeat::Create); }

}  // namespace passnet::evaluator
