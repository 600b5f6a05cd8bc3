// Where an evaluation's own time went: laps added up by name, in milliseconds. Never a score.
// Threads: thread-compatible. Borrows the map.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.h"

namespace passnet::evaluator {

class Stopwatch {
 public:
  explicit Stopwatch(std::map<std::string, double>* laps) : laps_(laps), since_(Clock::System().Now()) {}

  // Adds the time since the last lap to `name`.
  void Lap(const std::string& name) {
    SteadyTime now = Clock::System().Now();
    (*laps_)[name] += std::chrono::duration<double, std::milli>(now - since_).count();
    since_ = now;
  }

 private:
  std::map<std::string, double>* laps_;
  SteadyTime since_;
};

}  // namespace passnet::evaluator
