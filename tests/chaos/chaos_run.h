// A daemon is put through everything that goes wrong, while it works on campaigns: its endpoint answers by a script that
// refuses, limits, cuts, trickles and lies, its evaluators are killed, its journal is locked by another process, its disk
// is filled, it is killed and stopped again and again. Then what must hold is counted (claims.h).
// What is done, and in which order, follows from the seed; how it meets the daemon's work does not, and the claims hold
// for every way. Nothing is waited for by the clock but how long a fault lasts.
// Threads: blocking; main thread only. Owns: the processes and a temporary folder, both gone at the end.
// Errors: what keeps the run itself from going on: no port, no program, a daemon that does not start again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tests/chaos/claims.h"

namespace passnet::chaos {

struct ChaosOptions {
  int samples = 200;  // trajectories, over four campaigns: chat streamed, chat whole, messages, responses
  int kills = 50;
  int stops = 20;
  int seed = 1;
  int locks = 5;       // of the journal, each in a life of the daemon of its own
  int full_disks = 5;  // likewise
  int refusals = 8;    // likewise: connections to the endpoint are refused for a while
  int outages = 5;     // likewise: no evaluator comes up for a while
  Millis longest_lock{9000};  // until the daemon says that it waits, which takes it five seconds; at most so long
  bool mount_disk = true;     // a disk that is really full, where a tmpfs may be mounted
  std::function<void(int done, int total)> progress = [](int, int) {};  // lives of the daemon
};

struct ChaosReport {
  std::vector<std::pair<std::string, int64_t>> done;  // what was done and what it met with
  std::vector<std::string> left_out;
  int64_t samples = 0;
  int64_t scored = 0;
  Balance balance;
  std::vector<Claim> claims;
  double longest_stop_s = 0;
  std::string log_file_tail;  // of the daemon, where something speaks against a claim
};

Result<ChaosReport> RunChaos(const ChaosOptions& options);

}  // namespace passnet::chaos
