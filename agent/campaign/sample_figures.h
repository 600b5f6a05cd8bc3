// What one measured sample adds to a campaign's figures, as sums of logarithms: ES(t), AS and speed-ups are geometric
// means over graphs, so samples of a task and tasks of a campaign are put together by adding.
// Threads: immutable values, pure functions. Errors: kInvalidArgument of passbench::Score.
// Source: passbench/score.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "agent/campaign/statistics.h"
#include "agent/loop/options.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::agent {

struct SampleFigures {
  std::map<int, double> log_es;  // t to the mean over graphs of log(value at t)
  double log_score = 0;          // log(AS)
  double log_noise = 0;          // half its 95 % interval: what the graphs' own noise makes of it
  double log_speedup_sum = 0;    // over the correct graphs of all its samples
  int64_t graphs = 0;
  int64_t correct = 0;
  int64_t samples = 1;           // that the two figures of speed-ups are sums over
};

// Of a measured candidate or baseline.
Result<SampleFigures> FiguresOfGraphs(const std::vector<evaluator::GraphReport>& graphs, const ScoringOptions& scoring);
// Of a sample that ended without anything to measure: it failed on each of the task's graphs.
Result<SampleFigures> FiguresOfNothing(int64_t graphs, const ScoringOptions& scoring);

std::optional<double> MeanSpeedup(const SampleFigures& figures);

// A task's scored samples as one, each weighing the same. Not empty.
SampleFigures MeanOfSamples(const std::vector<SampleFigures>& samples);

Cluster ScoreCluster(const SampleFigures& task);
Cluster SpeedupCluster(const SampleFigures& task);
// By t, each over all tasks.
std::map<int, double> EsOverTasks(const std::vector<SampleFigures>& tasks);

}  // namespace passnet::agent
