// Where everything lies that a process of a CUDA lane has torch allocate: memory that the evaluator owns and copies outputs out
// of, so that no process copies them by itself. Best fit in pieces of 512 bytes. What is kept of the pieces lies in the host's
// memory, and nothing is ever asked of a driver: a free takes effect at once, as in torch's own allocator for work that is
// queued on one stream (a process that makes others and frees what they still use spoils its own values).
// Threads: thread-safe. Owns: the list of pieces; the memory is borrowed for the process's life.
// Errors: c10::OutOfMemoryError (torch.OutOfMemoryError) where no piece is large enough.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace passnet::worker::arena {

// Once a process.
void Lend(char* memory, size_t bytes);
// From now on it is torch's allocator for the CPU (of a driver that stands in, whose device memory is the host's).
void ServeCpu();

}  // namespace passnet::worker::arena

// As torch.cuda.memory.CUDAPluggableAllocator looks them up in this module.
extern "C" void* pn_arena_alloc(ssize_t bytes, int device, void* stream);
extern "C" void pn_arena_free(void* at, ssize_t bytes, int device, void* stream);
