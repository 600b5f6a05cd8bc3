// The tables campaigns and trajectories: the folds of state.h, cached. Their columns stand in state_columns.h.
// Threads: as Database. Errors: kNotFound, those of Database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trajectories/database.h"
#include "trajectories/state.h"

namespace passnet::trajectories {

// One CREATE TABLE statement each.
std::string CreateCampaignsSql();
std::string CreateTrajectoriesSql();

// Inserts, or replaces the row of the same id.
Status SaveCampaign(Database* database, const CampaignState& state);
Status SaveTrajectory(Database* database, const TrajectoryState& state);

Result<CampaignState> LoadCampaign(Database* database, std::string_view campaign_id);
Result<TrajectoryState> LoadTrajectory(Database* database, std::string_view trajectory_id);

// In the order of first_row_id, from the one after `after_row_id`.
Result<std::vector<CampaignState>> LoadCampaigns(Database* database, int64_t after_row_id, int64_t limit);
Result<std::vector<TrajectoryState>> LoadTrajectories(Database* database, std::string_view campaign_id,
                                                      int64_t after_row_id, int64_t limit);

// Names of the fields in which two states of one thing differ, in the table's order: "best_score, rounds".
std::string Difference(const CampaignState& a, const CampaignState& b);
std::string Difference(const TrajectoryState& a, const TrajectoryState& b);

}  // namespace passnet::trajectories
