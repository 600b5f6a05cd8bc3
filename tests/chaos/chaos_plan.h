// The lives of the daemon, drawn from a seed: what happens in each and how it ends.
// Threads: pure. Errors: none.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/random.h"

namespace passnet::chaos {

enum class LifeEnd {
  kKill,       // SIGKILL from outside, once so many rows are written
  kFailpoint,  // SIGKILL at a durable step, or from outside where the step is not reached
  kStop,       // SIGTERM
  kStopTwice,  // a second one right behind it
};

enum class Disturbance {
  kNone,
  kLock,      // of the journal, by another process
  kFullDisk,  // under the journal
  kRefusal,   // of connections, by the endpoint
  kNoLane,    // evaluators die in their start, and those that are up at their next evaluation
};

struct Life {
  LifeEnd end = LifeEnd::kKill;
  Disturbance disturbance = Disturbance::kNone;
  bool begins_disturbed = false;  // the disturbance is there before the daemon
  bool ends_disturbed = false;    // and after it
  int rows_percent = 100;       // of an even share of what is left to write
  std::string failpoint;        // name:count
};

struct PlanOptions {
  int kills = 0, stops = 0;
  int locks = 0, full_disks = 0, refusals = 0, outages = 0;
};

// `failpoints`: their names; every other kill is at one of them.
inline std::vector<Life> PlanLives(const PlanOptions& options, const std::vector<std::string>& failpoints, Random random) {
  const auto below = [&random](size_t count) { return static_cast<size_t>(random.Below(static_cast<int64_t>(count))); };
  std::vector<Life> lives;
  for (int i = 0; i < options.kills; ++i) {
    Life life;
    if (i % 2 == 1 && !failpoints.empty()) {
      life.end = LifeEnd::kFailpoint;
      life.failpoint = failpoints[below(failpoints.size())] + ":" + std::to_string(1 + random.Below(6));
    }
    lives.push_back(life);
  }
  for (int i = 0; i < options.stops; ++i) {
    Life life;
    life.end = i % 4 == 3 ? LifeEnd::kStopTwice : LifeEnd::kStop;
    lives.push_back(life);
  }
  const auto shuffle = [&] {
    for (size_t i = lives.size(); i > 1; --i) std::swap(lives[i - 1], lives[below(i)]);
  };
  shuffle();
  size_t next = 0;
  const auto disturb = [&](int times, Disturbance disturbance) {
    for (int i = 0; i < times && next < lives.size(); ++i) lives[next++].disturbance = disturbance;
  };
  disturb(options.locks, Disturbance::kLock);
  disturb(options.full_disks, Disturbance::kFullDisk);
  disturb(options.refusals, Disturbance::kRefusal);
  disturb(options.outages, Disturbance::kNoLane);
  shuffle();
  for (Life& life : lives) {
    life.begins_disturbed = random.Percent(40);
    life.ends_disturbed = random.Percent(40);
    life.rows_percent = static_cast<int>(30 + random.Below(140));
  }
  return lives;
}

}  // namespace passnet::chaos
