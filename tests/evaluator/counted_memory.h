// Counts what operator new gave out and was not given back, so that a test can bound what a stranger's bytes cost.
// For one program: it replaces operator new and delete. Threads: one, the test's.
#pragma once

#include <cstddef>

namespace passnet::fakes {

// Since the last Reset, in bytes as malloc rounds them.
size_t PeakMemory();
void ResetPeakMemory();

}  // namespace passnet::fakes
