#include "agent/campaign/sample_figures.h"

#include <algorithm>
#include <cmath>

#include "evaluator/api/graph_result.h"
#include "passbench/score.h"

namespace passnet::agent {
namespace {

using evaluator::GraphReport;
using passbench::GraphResult;

Result<SampleFigures> FiguresOfResults(const std::vector<GraphResult>& results, const ScoringOptions& scoring) {
  passbench::ScoreOptions options;
  options.p = scoring.p;
  options.b = scoring.b;
  ASSIGN_OR_RETURN(passbench::Scores scores, passbench::Score(results, options));
  SampleFigures figures;
  figures.graphs = static_cast<int64_t>(results.size());
  for (const auto& [t, value] : scores.es) figures.log_es[t] = std::log(value);
  figures.log_score = std::log(scores.aggregated.value_or(0));
  return figures;
}

bool CountsAsCorrect(const GraphReport& graph) {
  return graph.status == evaluator::GraphStatus::kCorrect && graph.speedup_call && *graph.speedup_call > 0 &&
         !evaluator::IsCheating(graph.verdict);
}

}  // namespace

Result<SampleFigures> FiguresOfGraphs(const std::vector<GraphReport>& graphs, const ScoringOptions& scoring) {
  std::vector<GraphResult> results;
  for (const GraphReport& graph : graphs) results.push_back(ToGraphResult(graph));
  ASSIGN_OR_RETURN(SampleFigures figures, FiguresOfResults(results, scoring));
  double squares = 0;
  for (const GraphReport& graph : graphs) {
    if (!CountsAsCorrect(graph)) continue;
    ++figures.correct;
    figures.log_speedup_sum += std::log(*graph.speedup_call);
    squares += graph.noise.value_or(0) * graph.noise.value_or(0);
  }
  figures.log_noise = std::sqrt(squares) / static_cast<double>(figures.graphs);
  return figures;
}

Result<SampleFigures> FiguresOfNothing(int64_t graphs, const ScoringOptions& scoring) {
  const GraphResult failed = passbench::FailedWith(passbench::GraphStatus::kPassMiss);
  return FiguresOfResults(std::vector<GraphResult>(static_cast<size_t>(graphs), failed), scoring);
}

std::optional<double> MeanSpeedup(const SampleFigures& figures) {
  if (figures.correct == 0) return std::nullopt;
  return std::exp(figures.log_speedup_sum / static_cast<double>(figures.correct));
}

SampleFigures MeanOfSamples(const std::vector<SampleFigures>& samples) {
  const auto count = static_cast<double>(samples.size());
  SampleFigures mean;
  mean.graphs = samples.front().graphs;
  mean.samples = static_cast<int64_t>(samples.size());
  double squares = 0;
  std::vector<double> scores;
  for (const SampleFigures& sample : samples) {
    for (const auto& [t, value] : sample.log_es) mean.log_es[t] += value / count;
    mean.log_score += sample.log_score / count;
    mean.log_speedup_sum += sample.log_speedup_sum;
    mean.correct += sample.correct;
    squares += sample.log_noise * sample.log_noise;
    scores.push_back(sample.log_score);
  }
  mean.log_noise = std::max(std::sqrt(squares) / count, HalfWidthOfMean(scores));
  return mean;
}

Cluster ScoreCluster(const SampleFigures& task) {
  const auto graphs = static_cast<double>(task.graphs);
  return {task.log_score * graphs, graphs};
}

// A task that has more samples than another one does not weigh more for it.
Cluster SpeedupCluster(const SampleFigures& task) {
  const auto samples = static_cast<double>(task.samples);
  return {task.log_speedup_sum / samples, static_cast<double>(task.correct) / samples};
}

std::map<int, double> EsOverTasks(const std::vector<SampleFigures>& tasks) {
  double graphs = 0;
  std::map<int, double> sums;
  for (const SampleFigures& task : tasks) {
    graphs += static_cast<double>(task.graphs);
    for (const auto& [t, value] : task.log_es) sums[t] += value * static_cast<double>(task.graphs);
  }
  std::map<int, double> es;
  for (const auto& [t, sum] : sums) es[t] = std::exp(sum / graphs);
  return es;
}

}  // namespace passnet::agent
