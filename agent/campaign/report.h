// The report of a campaign from its stored events: per sample what came out and TorchInductor's figures beside it, the
// ES(t) row and AS over all graphs of all scored samples with intervals, pass@k and best@k, what it cost, and what was not
// scored because of us.
// Threads: blocking, thread-compatible. Borrows: the reader.
// Errors: kNotFound (no such campaign), the reader's, kDataCorrupt.
// Source: docs/contracts.md, `passnet.campaign_report/1`; passbench/score.h and agent/campaign/statistics.h for every
// figure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/campaign/launch.h"
#include "agent/campaign/sample_figures.h"
#include "agent/campaign/statistics.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/reader.h"
#include "trajectories/state.h"

namespace passnet::agent {

inline constexpr const char* kCampaignReportSchema = "passnet.campaign_report/1";

// One sample of a task.
struct TaskRow {
  std::string task;
  int64_t sample = 1;
  std::string trajectory_id;  // the newest one; empty: not begun
  std::string outcome;        // empty: not ended
  std::string reason;
  int64_t rounds = 0;
  std::vector<std::optional<double>> round_scores;  // of each round's candidate, by the refining profile
  std::string verdict;        // of the final measurement, or of the best round while there is none
  std::optional<double> score;             // AS of the final measurement
  std::optional<double> noise;             // of the score: half its 95 % interval, relative
  std::optional<double> speedup;           // geometric mean over the correct graphs, over eager
  std::optional<double> inductor_score;
  std::optional<double> inductor_speedup;  // likewise
  int64_t graphs = 0;
  int64_t graphs_correct = 0;
  bool scored = false;                     // counts in the campaign's figures
  trajectories::UsageTotals usage;
};

struct TaskSummary {
  std::string task;
  std::string hash;
  int64_t begun = 0;
  int64_t scored = 0;
  int64_t solved = 0;
  int64_t graphs = 0;
  std::optional<double> score;       // AS, the geometric mean over the scored samples
  std::optional<double> noise;       // of the score, relative: of measuring, or between samples where that is more
  std::optional<double> best_score;
  std::optional<double> speedup;
  std::optional<double> inductor_score;
  std::optional<double> inductor_speedup;
};

struct Figures {
  std::optional<double> aggregated_score;
  std::map<int, double> es;
  int64_t tasks = 0;
  int64_t graphs = 0;
};

// Why a campaign is in its state, as the last campaign_state tells.
struct StateDetail {
  std::string reason;
  std::string what;      // that does not work, while parked
  std::string next_try;  // likewise; time as text
};
Result<StateDetail> LoadStateDetail(trajectories::Reader& reader, const std::string& campaign_id);

struct AtK {
  int64_t k = 1;
  int64_t tasks = 0;  // those with at least k scored samples
  Interval interval;
};

// With intervals over tasks.
struct Statistics {
  std::optional<Interval> aggregated_score;
  std::optional<Interval> speedup;
  std::optional<Interval> inductor_score;
  std::vector<AtK> pass_at;  // empty where tasks stop early: no estimate without bias is known then
  std::vector<AtK> best_at;  // AS when the best of k samples is taken; likewise
};

struct CampaignReport {
  trajectories::CampaignState state;
  StateDetail detail;
  CampaignSpec spec;
  std::map<std::string, std::string> environment;  // of the lane, as pinned
  std::vector<TaskRow> tasks;        // a row a sample: tasks in the order of the launch, then samples
  std::vector<TaskSummary> by_task;
  Figures campaign;                  // over all scored samples
  Figures campaign_with_baseline;    // over the tasks that have a baseline: what `inductor` compares with
  Figures inductor;
  Statistics statistics;
  std::vector<double> score_by_round;  // AS if every sample had ended after that round, by the refining profile
  std::map<std::string, int64_t> outcomes;
  std::map<std::string, int64_t> verdicts;
  std::map<std::string, int64_t> reasons;
  int64_t n_scored = 0;
  int64_t n_infra = 0;             // ended for a failure on our side: in no figure
  int64_t n_unfinished = 0;
  int64_t n_skipped = 0;           // never begun, because enough samples of the task were solved
  std::vector<std::string> lost_calls;  // call ids: sent, no reply known, perhaps paid
};

Result<CampaignReport> BuildReport(trajectories::Reader& reader, const std::string& campaign_id);

// "passnet.campaign_report/1", one line.
std::string ToJson(const CampaignReport& report);

}  // namespace passnet::agent
