#include "trajectories/group_states.h"

#include <utility>

#include "trajectories/state_table.h"

namespace passnet::trajectories {

template <typename State>
void GroupStates::States<State>::Apply(const std::string& id, const Event& event, bool keep_before) {
  auto held = now.find(id);
  if (keep_before) before_batch.try_emplace(id, held == now.end() ? std::nullopt : std::optional(held->second));
  if (held == now.end()) held = now.emplace(id, Held<State>()).first;
  trajectories::Apply(event, &held->second.state);
  held->second.moved = true;
}

template <typename State>
void GroupStates::States<State>::TakeBatchBack() {
  for (auto& [id, before] : before_batch) {
    if (before) {
      now.insert_or_assign(id, std::move(*before));
    } else {
      now.erase(id);
    }
  }
  before_batch.clear();
}

Result<const CampaignState*> GroupStates::Campaign(const std::string& id) {
  auto held = campaigns_.now.find(id);
  if (held == campaigns_.now.end()) {
    ASSIGN_OR_RETURN(CampaignState state, LoadCampaign(database_, id));
    held = campaigns_.now.emplace(id, Held<CampaignState>{std::move(state)}).first;
  }
  return &held->second.state;
}

Result<const TrajectoryState*> GroupStates::Trajectory(const std::string& id) {
  auto held = trajectories_.now.find(id);
  if (held == trajectories_.now.end()) {
    ASSIGN_OR_RETURN(TrajectoryState state, LoadTrajectory(database_, id));
    held = trajectories_.now.emplace(id, Held<TrajectoryState>{std::move(state)}).first;
  }
  return &held->second.state;
}

void GroupStates::Apply(const Event& event) {
  campaigns_.Apply(event.body.campaign_id, event, in_batch_);
  if (!event.body.trajectory_id.empty()) trajectories_.Apply(event.body.trajectory_id, event, in_batch_);
}

void GroupStates::BeginBatch() {
  in_batch_ = true;
  campaigns_.before_batch.clear();
  trajectories_.before_batch.clear();
}

void GroupStates::TakeBatchBack() {
  campaigns_.TakeBatchBack();
  trajectories_.TakeBatchBack();
}

// Campaigns first: rows of trajectories refer to theirs.
Status GroupStates::Write() {
  for (const auto& [id, held] : campaigns_.now) {
    if (held.moved) RETURN_IF_ERROR(SaveCampaign(database_, held.state));
  }
  for (const auto& [id, held] : trajectories_.now) {
    if (held.moved) RETURN_IF_ERROR(SaveTrajectory(database_, held.state));
  }
  return OkStatus();
}

}  // namespace passnet::trajectories
