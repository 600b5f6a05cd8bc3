#include "agent/replay/fold_check.h"

#include "agent/campaign/launch.h"

namespace passnet::agent {
namespace {

Status CheckCampaign(trajectories::Reader& reader, const trajectories::CampaignState& campaign, FoldReport* report,
                     const std::function<void(int64_t, int64_t)>& progress) {
  if (auto launch = LoadLaunch(reader, campaign.campaign_id); !launch) {
    if (!IsDamage(launch.error())) return launch.error();
    report->unfoldable.push_back({campaign.campaign_id, launch.error().context});
  }
  ASSIGN_OR_RETURN(auto trajectories, AllTrajectories(reader, campaign.campaign_id));
  int64_t done = 0;
  for (const auto& trajectory : trajectories) {
    if (progress) progress(done++, static_cast<int64_t>(trajectories.size()));
    if (auto fold = LoadFold(reader, trajectory); fold) {
      ++report->folded;
    } else if (IsDamage(fold.error())) {
      report->unfoldable.push_back({trajectory.trajectory_id, fold.error().context});
    } else {
      return fold.error();
    }
  }
  return OkStatus();
}

}  // namespace

Result<FoldReport> CheckFolds(trajectories::Reader& reader, const std::string& campaign_id,
                              const std::function<void(int64_t done, int64_t total)>& progress) {
  FoldReport report;
  ASSIGN_OR_RETURN(auto campaigns, AllCampaigns(reader));
  for (const auto& campaign : campaigns) {
    if (!campaign_id.empty() && campaign.campaign_id != campaign_id) continue;
    RETURN_IF_ERROR(CheckCampaign(reader, campaign, &report, progress));
  }
  return report;
}

}  // namespace passnet::agent
