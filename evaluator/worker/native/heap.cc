#include "evaluator/worker/native/heap.h"

#include <Python.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

namespace passnet::worker {

bool MoveHeap() {
  constexpr size_t kBeyondFreeChunks = 1u << 20, kLine = 64, kPlaces = 1024;
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  static void* pad = nullptr;
  if (pad == nullptr) pad = std::malloc(kBeyondFreeChunks + kLine * (random % kPlaces));
  if (pad == nullptr) PyErr_NoMemory();
  return pad != nullptr;
}

// In huge pages where the system has any to give: how the small ones happen to lie decides what a process's cache misses
// cost, all its life. (glibc's own tunable for them asks /sys, which no jail has.)
bool TouchHeap(size_t bytes) {
  constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;
  auto* memory = static_cast<volatile char*>(std::malloc(bytes));
  if (memory == nullptr && bytes > 0) PyErr_NoMemory();
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory), end = begin + bytes;
  const uintptr_t first = (begin + kHugePage - 1) & ~(kHugePage - 1), last = end & ~(kHugePage - 1);
  if (memory != nullptr && first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  for (size_t at = 0; memory != nullptr && at < bytes; at += kPage) memory[at] = 0;
  std::free(const_cast<char*>(memory));
  return memory != nullptr || bytes == 0;
}

}  // namespace passnet::worker
