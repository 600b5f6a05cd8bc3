// The report of a campaign from its stored events: per task what came out and TorchInductor's figures beside it, the
// ES(t) row and AS over all graphs of all scored tasks, and what was not scored because of us.
// Threads: blocking, thread-compatible. Borrows: the reader.
// Errors: kNotFound (no such campaign), the reader's, kDataCorrupt.
// Source: docs/contracts.md, `passnet.campaign_report/1`; passbench/score.h for every figure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/campaign/launch.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "trajectories/reader.h"
#include "trajectories/state.h"

namespace passnet::agent {

struct TaskRow {
  std::string task;
  std::string trajectory_id;  // the newest one; empty: not begun
  std::string outcome;        // empty: not ended
  std::string reason;
  int64_t rounds = 0;
  std::string verdict;        // of the final measurement, or of the best round while there is none
  std::optional<double> score;             // AS of the final measurement
  std::optional<double> speedup;           // geometric mean over the correct graphs, over eager
  std::optional<double> inductor_score;
  std::optional<double> inductor_speedup;  // likewise
  int64_t graphs = 0;
  int64_t graphs_correct = 0;
  bool scored = false;                     // counts in the campaign's figures
  trajectories::UsageTotals usage;
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

struct CampaignReport {
  trajectories::CampaignState state;
  StateDetail detail;
  CampaignSpec spec;
  std::vector<TaskRow> tasks;      // in the order of the launch
  Figures campaign;                // over all scored tasks
  Figures campaign_with_baseline;  // over those of them that have a baseline: what `inductor` compares with
  Figures inductor;
  int64_t n_scored = 0;
  int64_t n_infra = 0;             // ended for a failure on our side: in no figure
  int64_t n_unfinished = 0;
  std::vector<std::string> lost_calls;  // call ids: sent, no reply known, perhaps paid
};

Result<CampaignReport> BuildReport(trajectories::Reader& reader, const std::string& campaign_id);

// "passnet.campaign_report/1", one line.
std::string ToJson(const CampaignReport& report);

}  // namespace passnet::agent
