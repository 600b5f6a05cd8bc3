// What a jailed tree may use. A limit that cannot be applied is a set-up failure, never a warning.
// Threads: immutable values. Zero means "no limit" only where the member says so.
// Source: setrlimit(2), cgroups(7); tiers in docs/sandbox.md.
#pragma once

#include <chrono>
#include <cstdint>

namespace passnet::sandbox {

// Memory and CPU time of a whole tree: by control groups where this host lets us make them, else by looking at the tree
// every 20 ms. kPolling asks for the latter everywhere: to compare, and to test it on hosts that have groups.
enum class LimitsBy { kBestOfHost, kPolling };

// Between two looks at the memory of a tree or a process that is in no control group. Chosen: what hostile code can
// overshoot meanwhile is some 100 MB, and a look at thirty processes costs the thread 2 % of its core.
inline constexpr std::chrono::milliseconds kMemoryLookPeriod{20};

// How long a killed tree may take to end: freeing gigabytes on a loaded host takes seconds; longer means stuck in the
// kernel.
inline constexpr std::chrono::seconds kKillPatience{30};

// oom_score_adj of a process that makes jails, and of the program of a run; of the former's children: plan.cc.
inline constexpr uint32_t kZygoteOomScore = 200;
inline constexpr uint32_t kCompilerOomScore = 800;

struct Limits {
  std::chrono::milliseconds wall{10'000};
  std::chrono::milliseconds cpu{10'000};       // of the whole tree
  uint64_t memory_bytes = 1ull << 30;          // of the whole tree: control group, else polled resident sizes
  uint64_t address_space_bytes = 0;            // RLIMIT_AS a process; 0: no limit (GPU drivers reserve terabytes)
  uint32_t processes = 64;                     // processes and threads of the tree
  uint64_t file_bytes = 64ull << 20;           // RLIMIT_FSIZE
  uint32_t open_files = 256;                   // RLIMIT_NOFILE
  uint64_t output_bytes = 64ull << 10;         // kept of each stream (first and last half); killed at 4 times this
};

}  // namespace passnet::sandbox
