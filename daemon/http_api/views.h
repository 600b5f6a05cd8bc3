// Stored states and events as the JSON that the API shows: passnet.campaign/1, passnet.campaigns/1,
// passnet.trajectory_state/1, passnet.trajectories/1, and one event on one line.
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "agent/campaign/lane_pool.h"
#include "agent/campaign/report.h"
#include "agent/campaign/spec.h"
#include "agent/health/breaker.h"
#include "base/json.h"
#include "trajectories/event.h"
#include "trajectories/state.h"

namespace passnet::daemon {

std::string CampaignJson(const trajectories::CampaignState& state, const agent::StateDetail& detail,
                         const agent::CampaignSpec& spec, int64_t tasks);
// What does not work now, for /health.
Json OutagesJson(const std::vector<agent::Outage>& outages);
// `next` is the cursor of the following page, 0 when there is none.
std::string CampaignsJson(const std::vector<trajectories::CampaignState>& states, int64_t next);
std::string TrajectoryJson(const trajectories::TrajectoryState& state);
std::string TrajectoriesJson(const std::vector<trajectories::TrajectoryState>& states, int64_t next);
std::string LanesJson(const agent::LanePoolFacts& facts);
// Without payload and content: what a follower needs, never what a candidate wrote.
std::string EventJson(const trajectories::Event& event);

}  // namespace passnet::daemon
