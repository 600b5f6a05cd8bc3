#include "trajectories/group_states.h"

#include <utility>

#include "trajectories/state_table.h"

namespace passnet::trajectories {

template <typename State>
void GroupStates::States<State>::Put(const std::string& id, State state) {
  auto known = now.find(id);
  before_batch.try_emplace(id, known == now.end() ? std::nullopt : std::optional(known->second));
  now.insert_or_assign(id, Held<State>{std::move(state), true});
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

Result<CampaignState> GroupStates::Campaign(const std::string& id) {
  auto known = campaigns_.now.find(id);
  if (known == campaigns_.now.end()) {
    ASSIGN_OR_RETURN(CampaignState state, LoadCampaign(database_, id));
    known = campaigns_.now.emplace(id, Held<CampaignState>{std::move(state)}).first;
  }
  return known->second.state;
}

Result<TrajectoryState> GroupStates::Trajectory(const std::string& id) {
  auto known = trajectories_.now.find(id);
  if (known == trajectories_.now.end()) {
    ASSIGN_OR_RETURN(TrajectoryState state, LoadTrajectory(database_, id));
    known = trajectories_.now.emplace(id, Held<TrajectoryState>{std::move(state)}).first;
  }
  return known->second.state;
}

void GroupStates::Put(CampaignState state) {
  const std::string id = state.campaign_id;
  campaigns_.Put(id, std::move(state));
}

void GroupStates::Put(TrajectoryState state) {
  const std::string id = state.trajectory_id;
  trajectories_.Put(id, std::move(state));
}

void GroupStates::BeginBatch() {
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
