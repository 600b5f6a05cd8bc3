// The columns of the tables campaigns and trajectories, each said once: its name on disk, the field of the state, how an
// event moves it, and what SQL adds to the field's type. state.cc folds by this list; state_table.cc creates, writes,
// reads and compares by it.
// Threads: pure functions. Errors: none.
// Source: docs/formats.md, "Journal". Names and order stand in files: a change here is a new version (schema.cc).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/saturating.h"
#include "trajectories/event.h"
#include "trajectories/state.h"

namespace passnet::trajectories {

// How an event moves a column: `value` is the column's own; `before` is the whole state as it was before the event.
namespace fold {

// A field of the event's body, beside &Event::seq and its like.
template <typename T>
auto Body(T EventDraft::* field) {
  return [field](const Event& event) -> const T& { return event.body.*field; };
}

template <typename Get>
auto Latest(Get get) {
  return [get](const Event& event, const auto&, auto& value) { value = std::invoke(get, event); };
}

// Of the latest event of one kind.
template <typename Get>
auto From(EventKind kind, Get get) {
  return [kind, get](const Event& event, const auto&, auto& value) {
    if (event.body.kind == kind) value = std::invoke(get, event);
  };
}

// Of the latest event of the campaign itself, not of one of its trajectories.
template <typename Get>
auto OfOwnChain(Get get) {
  return [get](const Event& event, const auto&, auto& value) {
    if (event.body.trajectory_id.empty()) value = std::invoke(get, event);
  };
}

inline auto Count(EventKind kind) {
  return [kind](const Event& event, const auto&, int64_t& value) {
    if (event.body.kind == kind) ++value;
  };
}

// The sum over every attempt that was or may have been billed.
inline auto Billed(std::optional<int64_t> EventDraft::* field) {
  return [field](const Event& event, const auto&, int64_t& value) {
    EventKind kind = event.body.kind;
    bool billed = kind == EventKind::kLlmOutcome || kind == EventKind::kLlmAttemptEnd || kind == EventKind::kLlmLost;
    if (billed) value = SaturatingAdd(value, (event.body.*field).value_or(0));
  };
}

inline void CampaignStateName(const Event& event, const CampaignState&, std::string& value) {
  if (event.body.kind == EventKind::kCampaignLaunched) value = "launched";
  if (event.body.kind == EventKind::kCampaignState) value = event.body.label;
}

inline void TrajectoryStateName(const Event& event, const TrajectoryState&, std::string& value) {
  if (event.body.kind == EventKind::kTrajectoryStarted) value = "running";
  if (event.body.kind == EventKind::kTrajectoryFinished) value = "finished";
}

inline void SampleNumber(const Event& event, const TrajectoryState&, int64_t& value) {
  if (event.body.kind == EventKind::kTrajectoryStarted) value = SampleOfLabel(event.body.label);
}

// The round of trajectory_finished is the winner's, not a further one.
inline void LargestRound(const Event& event, const TrajectoryState&, int64_t& value) {
  if (event.body.kind != EventKind::kTrajectoryFinished) value = std::max(value, event.body.round.value_or(0));
}

inline bool IsBestReport(const Event& event, const TrajectoryState& before) {
  if (event.body.kind != EventKind::kEvaluationReport || !event.body.score) return false;
  return !before.best_score || *event.body.score > *before.best_score;
}

template <typename T>
auto OfBestReport(T EventDraft::* field) {
  return [field](const Event& event, const TrajectoryState& before, T& value) {
    if (IsBestReport(event, before)) value = event.body.*field;
  };
}

inline void VerdictOfBest(const Event& event, const TrajectoryState& before, std::string& value) {
  bool counts = IsBestReport(event, before) || !before.best_score;
  if (event.body.kind == EventKind::kEvaluationReport && counts) value = event.body.label;
}

}  // namespace fold

// A field of a state's usage, as &CampaignState::name is one of the state itself.
struct UsageField {
  int64_t UsageTotals::* field;
  template <typename State>
  auto& operator()(State& state) const {
    return state.usage.*field;
  }
};

template <typename Visit>
void VisitUsageColumns(const Visit& visit) {
  visit("prompt_tokens", UsageField{&UsageTotals::prompt_tokens}, fold::Billed(&EventDraft::prompt_tokens));
  visit("completion_tokens", UsageField{&UsageTotals::completion_tokens}, fold::Billed(&EventDraft::completion_tokens));
  visit("cost_microusd", UsageField{&UsageTotals::cost_microusd}, fold::Billed(&EventDraft::cost_microusd));
  visit("calls", UsageField{&UsageTotals::calls}, fold::Count(EventKind::kLlmIntent));
  visit("calls_lost", UsageField{&UsageTotals::calls_lost}, fold::Count(EventKind::kLlmLost));
}

// kName: of the table. VisitColumns: calls visit(name, field, fold) or visit(name, field, fold, constraint) for each
// column in the table's order; the first is the primary key. std::invoke(field, state) is the field.
template <typename State>
struct StateTable;

template <>
struct StateTable<CampaignState> {
  static constexpr std::string_view kName = "campaigns";

  template <typename Visit>
  static void VisitColumns(const Visit& visit) {
    using S = CampaignState;
    constexpr EventKind kLaunch = EventKind::kCampaignLaunched;
    visit("campaign_id", &S::campaign_id, fold::From(kLaunch, fold::Body(&EventDraft::campaign_id)), "PRIMARY KEY");
    visit("name", &S::name, fold::From(kLaunch, fold::Body(&EventDraft::subject)));
    visit("state", &S::state, fold::CampaignStateName);
    visit("launched_at_utc_us", &S::launched_at_utc_us, fold::From(kLaunch, &Event::at_utc_us));
    visit("updated_at_utc_us", &S::updated_at_utc_us, fold::Latest(&Event::at_utc_us));
    visit("trajectories_started", &S::trajectories_started, fold::Count(EventKind::kTrajectoryStarted));
    visit("trajectories_finished", &S::trajectories_finished, fold::Count(EventKind::kTrajectoryFinished));
    VisitUsageColumns(visit);
    visit("first_row_id", &S::first_row_id, fold::From(kLaunch, &Event::row_id), "UNIQUE");
    visit("head_seq", &S::head_seq, fold::OfOwnChain(&Event::seq));
    visit("head_hash", &S::head_hash, fold::OfOwnChain(&Event::hash));
  }
};

template <>
struct StateTable<TrajectoryState> {
  static constexpr std::string_view kName = "trajectories";

  template <typename Visit>
  static void VisitColumns(const Visit& visit) {
    using S = TrajectoryState;
    constexpr EventKind kStart = EventKind::kTrajectoryStarted;
    constexpr EventKind kFinish = EventKind::kTrajectoryFinished;
    visit("trajectory_id", &S::trajectory_id, fold::From(kStart, fold::Body(&EventDraft::trajectory_id)),
          "PRIMARY KEY");
    visit("campaign_id", &S::campaign_id, fold::From(kStart, fold::Body(&EventDraft::campaign_id)),
          "REFERENCES campaigns (campaign_id)");
    visit("task", &S::task, fold::From(kStart, fold::Body(&EventDraft::subject)));
    visit("sample", &S::sample, fold::SampleNumber);
    visit("state", &S::state, fold::TrajectoryStateName);
    visit("outcome", &S::outcome, fold::From(kFinish, fold::Body(&EventDraft::label)));
    visit("verdict", &S::verdict, fold::VerdictOfBest);
    visit("rounds", &S::rounds, fold::LargestRound);
    visit("evaluations", &S::evaluations, fold::Count(EventKind::kEvaluationReport));
    visit("best_score", &S::best_score, fold::OfBestReport(&EventDraft::score));
    visit("best_round", &S::best_round, fold::OfBestReport(&EventDraft::round));
    visit("final_score", &S::final_score, fold::From(kFinish, fold::Body(&EventDraft::score)));
    visit("final_subject", &S::final_subject, fold::From(kFinish, fold::Body(&EventDraft::subject)));
    visit("started_at_utc_us", &S::started_at_utc_us, fold::From(kStart, &Event::at_utc_us));
    visit("updated_at_utc_us", &S::updated_at_utc_us, fold::Latest(&Event::at_utc_us));
    VisitUsageColumns(visit);
    visit("first_row_id", &S::first_row_id, fold::From(kStart, &Event::row_id), "UNIQUE");
    visit("head_seq", &S::head_seq, fold::Latest(&Event::seq));
    visit("head_hash", &S::head_hash, fold::Latest(&Event::hash));
  }
};

}  // namespace passnet::trajectories
