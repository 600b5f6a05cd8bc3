// How wide a line of UTF-8 without wide or combining characters stands on a terminal.
// Threads: thread-safe.
#pragma once

#include <algorithm>
#include <string>

namespace passnet::cli {

inline size_t Columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace passnet::cli
