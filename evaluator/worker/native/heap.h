// Where a process's heap begins, and what of it is there before anything is timed.
// Threads: one. Owns: memory that is never given back. Errors: false with a Python error set.
#pragma once

#include <cstddef>

namespace passnet::worker {

// Where a process's heap lies against its inputs and its code decides by some per cent how fast it is, and forks of one
// parent have it all at the same addresses: a whole evaluation would share one such accident. So every process begins its
// own at a random place, for as long as it lives.
bool MoveHeap();

// Pages that the heap has had once stay with it (GLIBC_TUNABLES). How far a block's results reach into new ones depends on
// what was free before, which forks of one parent share: the same blocks of every process would pay for page faults.
bool TouchHeap(size_t bytes);

}  // namespace passnet::worker
