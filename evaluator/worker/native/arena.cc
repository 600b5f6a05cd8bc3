#include "evaluator/worker/native/arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

namespace passnet::worker::arena {
namespace {

constexpr size_t kPiece = 512;  // torch's own CUDA allocator rounds up to as much
constexpr uint8_t kBeforeTorchs = 100;  // of allocators for one kind of device the one of the highest priority serves

// Free and used pieces by their offsets.
class Pieces {
 public:
  void Lend(char* memory, size_t bytes) {
    std::lock_guard lock(mutex_);
    memory_ = memory;
    bytes_ = bytes / kPiece * kPiece;
    Release(0, bytes_);
  }

  void* Allocate(size_t bytes) {
    std::lock_guard lock(mutex_);
    // One that asks for nothing gets a place of its own all the same: torch knows what it has by address.
    const size_t size = (std::max<size_t>(bytes, 1) + kPiece - 1) / kPiece * kPiece;
    const auto found = bytes <= bytes_ ? by_size_.lower_bound({size, 0}) : by_size_.end();
    TORCH_CHECK_WITH(OutOfMemoryError, found != by_size_.end(), "the lane's arena has no piece of ", bytes, " bytes left: ",
                     bytes_ - free_bytes_, " of its ", bytes_, " are in use");
    const auto [free_size, offset] = *found;
    by_size_.erase(found);
    by_place_.erase(offset);
    free_bytes_ -= free_size;
    if (free_size > size) Release(offset + size, free_size - size);
    used_[offset] = size;
    return memory_ + offset;
  }

  // What was never handed out is left alone.
  void Free(void* at) {
    if (at == nullptr) return;
    std::lock_guard lock(mutex_);
    const auto found = used_.find(static_cast<size_t>(static_cast<char*>(at) - memory_));
    if (found == used_.end()) return;
    size_t offset = found->first, size = found->second;
    used_.erase(found);
    const auto after = by_place_.lower_bound(offset);
    if (after != by_place_.end() && after->first == offset + size) size += Take(after);
    const auto behind = by_place_.lower_bound(offset);
    if (behind != by_place_.begin()) {
      const auto before = std::prev(behind);
      if (before->first + before->second == offset) {
        offset = before->first;
        size += Take(before);
      }
    }
    Release(offset, size);
  }

 private:
  void Release(size_t offset, size_t size) {
    if (size == 0) return;
    by_size_.insert({size, offset});
    by_place_[offset] = size;
    free_bytes_ += size;
  }

  // Of a free piece that becomes part of another one: its size.
  size_t Take(std::map<size_t, size_t>::iterator piece) {
    const size_t size = piece->second;
    by_size_.erase({size, piece->first});
    by_place_.erase(piece);
    free_bytes_ -= size;
    return size;
  }

  std::mutex mutex_;
  char* memory_ = nullptr;
  size_t bytes_ = 0, free_bytes_ = 0;
  std::set<std::pair<size_t, size_t>> by_size_;  // of the smallest that fit the first
  std::map<size_t, size_t> by_place_;
  std::unordered_map<size_t, size_t> used_;
};

// Never destroyed: tensors may outlive whatever order a process ends in.
Pieces& TheArena() {
  static auto* pieces = new Pieces;
  return *pieces;
}

void FreePiece(void* at) { TheArena().Free(at); }

class CpuAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* at = bytes > 0 ? TheArena().Allocate(bytes) : nullptr;
    return {at, at, &FreePiece, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &FreePiece; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

void Lend(char* memory, size_t bytes) { TheArena().Lend(memory, bytes); }

void ServeCpu() {
  static auto* allocator = new CpuAllocator;
  c10::SetCPUAllocator(allocator, kBeforeTorchs);
}

}  // namespace passnet::worker::arena

void* pn_arena_alloc(ssize_t bytes, int, void*) {
  return passnet::worker::arena::TheArena().Allocate(static_cast<size_t>(bytes));
}

void pn_arena_free(void* at, ssize_t, int, void*) { passnet::worker::arena::TheArena().Free(at); }
