#include "tests/evaluator/counted_memory.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

size_t live = 0, base = 0, peak = 0;

void* Take(size_t size) {
  void* memory = std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  live += ::malloc_usable_size(memory);
  peak = std::max(peak, live);
  return memory;
}

void Give(void* memory) {
  if (memory == nullptr) return;
  live -= ::malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return Take(size); }
void* operator new[](size_t size) { return Take(size); }
void operator delete(void* memory) noexcept { Give(memory); }
void operator delete[](void* memory) noexcept { Give(memory); }
void operator delete(void* memory, size_t) noexcept { Give(memory); }
void operator delete[](void* memory, size_t) noexcept { Give(memory); }

namespace passnet::fakes {

size_t PeakMemory() { return peak - base; }
void ResetPeakMemory() { base = peak = live; }

}  // namespace passnet::fakes
