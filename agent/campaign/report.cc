#include "agent/campaign/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "evaluator/api/json.h"
#include "passbench/task.h"

namespace passnet::agent {
namespace {

using trajectories::Event;
using trajectories::EventKind;
using trajectories::TrajectoryState;

constexpr int64_t kMaxGraphs = passbench::kMaxGraphs;  // of a task
constexpr int64_t kMaxRounds = 1000;                   // the spec's limit

// What the events of one trajectory say beside its cached state.
struct Measured {
  std::optional<evaluator::EvaluationReport> final_report;
  std::optional<evaluator::BaselineReport> baseline;
  std::vector<std::optional<double>> round_scores;
  int64_t graphs = 0;
  std::string reason;
};

// The samples of one task that count.
struct TaskFigures {
  std::vector<SampleFigures> samples;
  std::optional<SampleFigures> baseline;
  int64_t solved = 0;
};

void KeepRoundScore(const Event& event, Measured* measured) {
  const int64_t round = event.body.round.value_or(0);
  if (round < 1 || round > kMaxRounds) return;
  const auto count = static_cast<size_t>(round);
  if (measured->round_scores.size() < count) measured->round_scores.resize(count);
  measured->round_scores[count - 1] = event.body.score;
}

Status ReadTrajectory(const std::vector<Event>& events, Measured* measured) {
  std::string final_id;
  for (const Event& event : events) {
    const auto& body = event.body;
    if (body.kind == EventKind::kEvaluationIntent && body.label == "final") final_id = body.subject;
    if (body.kind == EventKind::kEvaluationReport && body.subject == final_id) {
      ASSIGN_OR_RETURN(measured->final_report, evaluator::EvaluationReportFromJson(body.payload));
    } else if (body.kind == EventKind::kEvaluationReport) {
      KeepRoundScore(event, measured);
    }
    if (body.kind == EventKind::kBaseline) {
      auto baseline = evaluator::BaselineReportFromJson(body.payload);
      if (baseline && !baseline.value().graphs.empty()) measured->baseline = std::move(baseline).value();
    }
    bool first_prompt = body.kind == EventKind::kPromptRendered && body.round == 1;
    if (!first_prompt && body.kind != EventKind::kTrajectoryFinished) continue;
    auto payload = ParseJsonObject(body.payload, "journal row " + std::to_string(event.row_id));
    if (!payload) return DataCorrupt(payload.error().context);
    if (first_prompt) measured->graphs = std::clamp(payload.value()["graphs"].Integer(), int64_t{0}, kMaxGraphs);
    if (!first_prompt) measured->reason = payload.value()["reason"].Text();
  }
  return OkStatus();
}

bool IsScored(const TaskRow& row, const Measured& measured) {
  if (row.outcome.empty() || row.outcome == "infra" || row.outcome == "cancelled") return false;
  // An unsupported or quarantined candidate is measured but not scored.
  if (measured.final_report) {
    return measured.final_report->aggregated_score.has_value() && !measured.final_report->graphs.empty();
  }
  return measured.graphs > 0;
}

// "plateau: no improvement in 2 rounds" and the like, so that alike ones can be counted.
std::string ClassOf(const std::string& reason) {
  size_t end = reason.find(':');
  if (reason.starts_with("infra_") && end != std::string::npos) end = reason.find(':', end + 1);
  return reason.substr(0, std::min(end, size_t{80}));
}

class Builder {
 public:
  Builder(trajectories::Reader* reader, Launch launch) : reader_(*reader), launch_(std::move(launch)) {}

  Result<CampaignReport> Build(trajectories::CampaignState state) {
    report_.state = std::move(state);
    report_.spec = launch_.spec;
    report_.environment = launch_.environment;
    ASSIGN_OR_RETURN(report_.detail, LoadStateDetail(reader_, launch_.campaign_id));
    ASSIGN_OR_RETURN(auto trajectories, AllTrajectories(reader_, launch_.campaign_id));
    for (TrajectoryState& one : trajectories) {
      std::pair<std::string, int64_t> key{one.task, one.sample};
      // In the order of their start: what was tried again counts; what it replaces may have been paid all the same.
      if (auto old = states_.find(key); old != states_.end()) RETURN_IF_ERROR(AddLostCalls(old->second));
      states_[std::move(key)] = std::move(one);
    }
    for (const CampaignTask& task : launch_.tasks) RETURN_IF_ERROR(AddTask(task));
    FillFigures();
    FillStatistics();
    RETURN_IF_ERROR(FillScoreByRound());
    return std::move(report_);
  }

 private:
  const ScoringOptions& scoring() const { return launch_.spec.refine.scoring; }

  Status AddTask(const CampaignTask& task) {
    TaskFigures figures;
    TaskSummary summary;
    summary.task = task.name;
    summary.hash = task.hash;
    for (int64_t sample = 1; sample <= launch_.spec.samples; ++sample) {
      auto state = states_.find({task.name, sample});
      if (state == states_.end()) {
        AddUnbegun(task.name, sample, figures.solved);
        continue;
      }
      ++summary.begun;
      RETURN_IF_ERROR(AddSample(state->second, &figures));
      summary.graphs = std::max(summary.graphs, report_.tasks.back().graphs);
    }
    Summarise(figures, &summary);
    report_.by_task.push_back(std::move(summary));
    figures_.push_back(std::move(figures));
    return OkStatus();
  }

  void AddUnbegun(const std::string& task, int64_t sample, int64_t solved) {
    const int64_t enough = launch_.spec.stop_after_solved;
    if (enough > 0 && solved >= enough) {
      ++report_.n_skipped;
      return;
    }
    ++report_.n_unfinished;
    TaskRow row;
    row.task = task;
    row.sample = sample;
    report_.tasks.push_back(std::move(row));
  }

  Status AddLostCalls(const TrajectoryState& state) {
    ASSIGN_OR_RETURN(auto events, reader_.Chain(launch_.campaign_id, state.trajectory_id));
    AddLostCalls(events);
    return OkStatus();
  }

  void AddLostCalls(const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (event.body.kind == EventKind::kLlmLost) report_.lost_calls.push_back(event.body.subject);
    }
  }

  Status AddSample(const TrajectoryState& state, TaskFigures* figures) {
    ASSIGN_OR_RETURN(auto events, reader_.Chain(launch_.campaign_id, state.trajectory_id));
    Measured measured;
    RETURN_IF_ERROR(ReadTrajectory(events, &measured));
    AddLostCalls(events);
    TaskRow row = RowOf(state, measured);
    RETURN_IF_ERROR(Measure(measured, &row, figures));
    figures->solved += row.outcome == "solved";
    report_.n_scored += row.scored;
    report_.n_infra += row.outcome == "infra";
    report_.n_unfinished += row.outcome.empty();
    if (!row.outcome.empty()) ++report_.outcomes[row.outcome];
    if (row.scored) ++report_.verdicts[row.verdict.empty() ? "no candidate" : row.verdict];
    if (!row.reason.empty()) ++report_.reasons[ClassOf(row.reason)];
    report_.tasks.push_back(std::move(row));
    return OkStatus();
  }

  static TaskRow RowOf(const TrajectoryState& state, const Measured& measured) {
    TaskRow row;
    row.task = state.task;
    row.sample = state.sample;
    row.trajectory_id = state.trajectory_id;
    row.outcome = state.outcome;
    row.reason = measured.reason;
    row.rounds = state.rounds;
    row.round_scores = measured.round_scores;
    row.verdict = state.verdict;
    row.usage = state.usage;
    row.graphs = measured.graphs;
    if (measured.final_report) {
      row.verdict = evaluator::VerdictName(measured.final_report->verdict);
      row.score = measured.final_report->aggregated_score;
    }
    row.scored = IsScored(row, measured);
    return row;
  }

  // The row's speed-ups, and what it adds to the task's figures.
  Status Measure(const Measured& measured, TaskRow* row, TaskFigures* figures) {
    if (measured.final_report && !measured.final_report->graphs.empty()) {
      ASSIGN_OR_RETURN(SampleFigures sample, FiguresOfGraphs(measured.final_report->graphs, scoring()));
      row->speedup = MeanSpeedup(sample);
      row->graphs_correct = sample.correct;
      if (row->score) row->noise = sample.log_noise;
      if (row->scored) figures->samples.push_back(std::move(sample));
    } else if (row->scored) {
      ASSIGN_OR_RETURN(SampleFigures sample, FiguresOfNothing(measured.graphs, scoring()));
      figures->samples.push_back(std::move(sample));
    }
    if (!measured.baseline) return OkStatus();
    ASSIGN_OR_RETURN(SampleFigures baseline, FiguresOfGraphs(measured.baseline->graphs, scoring()));
    row->inductor_score = measured.baseline->aggregated_score;
    row->inductor_speedup = MeanSpeedup(baseline);
    // Measured once for each sample, on one host: the first stands for them.
    if (row->scored && !figures->baseline) figures->baseline = std::move(baseline);
    return OkStatus();
  }

  static void Summarise(const TaskFigures& figures, TaskSummary* summary) {
    summary->scored = static_cast<int64_t>(figures.samples.size());
    summary->solved = figures.solved;
    if (figures.baseline) {
      summary->inductor_score = std::exp(figures.baseline->log_score);
      summary->inductor_speedup = MeanSpeedup(*figures.baseline);
    }
    if (figures.samples.empty()) return;
    const SampleFigures mean = MeanOfSamples(figures.samples);
    summary->score = std::exp(mean.log_score);
    summary->noise = mean.log_noise;
    summary->speedup = MeanSpeedup(mean);
    auto less = [](const SampleFigures& a, const SampleFigures& b) { return a.log_score < b.log_score; };
    summary->best_score =
        std::exp(std::max_element(figures.samples.begin(), figures.samples.end(), less)->log_score);
  }

  static Figures FiguresOver(const std::vector<SampleFigures>& tasks) {
    Figures figures;
    figures.tasks = static_cast<int64_t>(tasks.size());
    if (tasks.empty()) return figures;
    Cluster total;
    for (const SampleFigures& task : tasks) {
      const Cluster one = ScoreCluster(task);
      total.sum += one.sum;
      total.weight += one.weight;
      figures.graphs += task.graphs;
    }
    figures.aggregated_score = std::exp(total.sum / total.weight);
    figures.es = EsOverTasks(tasks);
    return figures;
  }

  void FillFigures() {
    std::vector<SampleFigures> all, with_baseline, inductor;
    for (const TaskFigures& task : figures_) {
      if (task.samples.empty()) continue;
      all.push_back(MeanOfSamples(task.samples));
      if (!task.baseline) continue;
      with_baseline.push_back(all.back());
      inductor.push_back(*task.baseline);
    }
    report_.campaign = FiguresOver(all);
    report_.campaign_with_baseline = FiguresOver(with_baseline);
    report_.inductor = FiguresOver(inductor);
  }

  void FillStatistics() {
    std::vector<Cluster> scores, speedups, inductor;
    for (const TaskFigures& task : figures_) {
      if (task.baseline) inductor.push_back(ScoreCluster(*task.baseline));
      if (task.samples.empty()) continue;
      const SampleFigures mean = MeanOfSamples(task.samples);
      scores.push_back(ScoreCluster(mean));
      speedups.push_back(SpeedupCluster(mean));
    }
    Statistics& statistics = report_.statistics;
    statistics.aggregated_score = MeanOverTasks(scores, Scale::kLog);
    statistics.speedup = MeanOverTasks(speedups, Scale::kLog);
    statistics.inductor_score = MeanOverTasks(inductor, Scale::kLog);
    // A task that ended at its first success has too few failures, and samples that start from one another are no draws
    // of the same: neither estimate would be without bias.
    if (launch_.spec.stop_after_solved > 0 || launch_.spec.restart == RestartKind::kBest) return;
    for (int64_t k : StepsOfK(launch_.spec.samples)) AddAtK(k);
  }

  void AddAtK(int64_t k) {
    std::vector<Cluster> pass, best;
    for (const TaskFigures& task : figures_) {
      const auto n = static_cast<int64_t>(task.samples.size());
      if (n < k) continue;
      pass.push_back({PassAtK(n, std::min(task.solved, n), k), 1});
      std::vector<double> scores;
      for (const SampleFigures& sample : task.samples) scores.push_back(sample.log_score);
      const auto graphs = static_cast<double>(task.samples.front().graphs);
      best.push_back({BestAtK(std::move(scores), k) * graphs, graphs});
    }
    const auto tasks = static_cast<int64_t>(pass.size());
    if (auto interval = MeanOverTasks(pass, Scale::kLinear)) report_.statistics.pass_at.push_back({k, tasks, *interval});
    if (auto interval = MeanOverTasks(best, Scale::kLog)) report_.statistics.best_at.push_back({k, tasks, *interval});
  }

  // The best so far of each scored sample, a failure while there is none, weighing as in AS.
  Status FillScoreByRound() {
    size_t rounds = 0;
    for (const TaskRow& row : report_.tasks) rounds = std::max(rounds, row.scored ? row.round_scores.size() : 0);
    std::vector<Cluster> totals(rounds);
    for (const TaskRow& row : report_.tasks) {
      if (!row.scored || row.graphs < 1) continue;
      ASSIGN_OR_RETURN(SampleFigures nothing, FiguresOfNothing(row.graphs, scoring()));
      double best = nothing.log_score;
      const auto graphs = static_cast<double>(row.graphs);
      for (size_t round = 0; round < rounds; ++round) {
        if (round < row.round_scores.size() && row.round_scores[round] && *row.round_scores[round] > 0) {
          best = std::max(best, std::log(*row.round_scores[round]));
        }
        totals[round].sum += best * graphs;
        totals[round].weight += graphs;
      }
    }
    for (const Cluster& total : totals) report_.score_by_round.push_back(std::exp(total.sum / total.weight));
    return OkStatus();
  }

  trajectories::Reader& reader_;
  const Launch launch_;
  std::map<std::pair<std::string, int64_t>, TrajectoryState> states_;  // by task and sample
  std::vector<TaskFigures> figures_;                                   // in the order of the launch
  CampaignReport report_;
};

}  // namespace

Result<StateDetail> LoadStateDetail(trajectories::Reader& reader, const std::string& campaign_id) {
  ASSIGN_OR_RETURN(auto events, reader.Chain(campaign_id, ""));
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->body.kind != EventKind::kCampaignState) continue;
    auto payload = ParseJsonObject(event->body.payload, "journal row " + std::to_string(event->row_id));
    if (!payload) return DataCorrupt(payload.error().context);
    const Json& detail = payload.value();
    return StateDetail{detail["reason"].Text(), detail["what"].Text(), detail["next_try"].Text()};
  }
  return StateDetail();
}

Result<CampaignReport> BuildReport(trajectories::Reader& reader, const std::string& campaign_id) {
  ASSIGN_OR_RETURN(auto state, reader.Campaign(campaign_id));
  ASSIGN_OR_RETURN(Launch launch, LoadLaunch(reader, campaign_id));
  return Builder(&reader, std::move(launch)).Build(std::move(state));
}

}  // namespace passnet::agent
