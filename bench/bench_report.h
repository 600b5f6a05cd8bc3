// What every program of bench/ prints: a table for people, or passnet.bench/1 as the last line with --json.
// Threads: main thread only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace passnet::bench {

class BenchReport {
 public:
  explicit BenchReport(std::string name) : name_(std::move(name)) {}

  void Add(const std::string& figure, double value) { figures_.emplace_back(figure, value); }
  // A goal that an issue sets for a figure; bound is "min" or "max".
  void Goal(const std::string& figure, const std::string& bound, double value) { goals_[figure][bound] = value; }
  void Environment(std::map<std::string, std::string> facts) { environment_ = std::move(facts); }
  void Print(bool json) const;

 private:
  std::string GoalText(const std::string& figure, double value) const;

  std::string name_;
  std::vector<std::pair<std::string, double>> figures_;
  std::map<std::string, std::map<std::string, double>> goals_;
  std::map<std::string, std::string> environment_;
};

// Tells on stderr that `done` of `total` runs of `what` are over: rewrites its line on a terminal, else every tenth run.
void Progress(const std::string& what, int done, int total);

}  // namespace passnet::bench
