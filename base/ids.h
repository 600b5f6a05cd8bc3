// Random identifiers and random bytes from the kernel (man 2 getrandom).
// Threads: thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace passnet {

void FillRandom(void* bytes, size_t count);

// "<prefix>-<20 lower-case base32 digits>": 100 random bits, safe in paths, URLs and log lines.
std::string NewId(std::string_view prefix);

}  // namespace passnet
