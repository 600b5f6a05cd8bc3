// What a campaign pins in its first event, and what is read back of a campaign when the daemon starts again.
// Threads: immutable values; LoadCampaign is blocking.
// Errors: kDataCorrupt (a stored campaign that does not parse), and the reader's.
// Source: docs/contracts.md, `passnet.campaign_launch/1`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/campaign/spec.h"
#include "agent/campaign/starting_points.h"
#include "agent/loop/ports.h"
#include "agent/loop/trajectory_fold.h"
#include "prompts/prompt_set.h"
#include "trajectories/reader.h"
#include "trajectories/state.h"

namespace passnet::agent {

struct BuildFacts {
  std::string version;
  std::string git;
};

struct Launch {
  std::string campaign_id;
  CampaignSpec spec;
  std::vector<CampaignTask> tasks;
  prompts::PromptTexts prompts;
  std::map<std::string, std::string> environment;
  BuildFacts build;
};

// The launch, and behind it one campaign_task for each task with its files, which are moved out of `launch`.
std::vector<JournalEntry> ToJournalEntries(Launch* launch);

// The files of a task as they were at the launch, by their paths in the folder. kNotFound for a task that is not the
// campaign's, and for a campaign of a program that did not store them.
Result<std::map<std::string, std::string>> LoadTaskFiles(trajectories::Reader& reader, const std::string& campaign_id,
                                                         const std::string& task);

struct StoredTrajectory {
  std::string trajectory_id;
  std::string task;
  int64_t sample = 1;
  int64_t started_at_utc_us = 0;
  TrajectoryFold fold;
  bool finished = false;  // nothing more to do, or nothing that can be done
  bool solved = false;
  std::string quarantined = "";  // why its events do not fold; empty: they do
  std::string outcome;      // once finished
  bool superseded = false;  // ended infra, and the operator has asked for another one of its sample since
};

struct StoredCampaign {
  Launch launch;
  std::string state;
  int64_t launched_at_utc_us = 0;
  bool cancelled = false;  // the operator's action is stored, the end is not
  bool held = false;       // paused until the operator resumes it, whatever restarts
  std::vector<StoredTrajectory> trajectories;
  std::vector<trajectories::EventDraft> spending;  // what the budget folds, in order
  StartingPoints starting_points;  // with restart = "best"
};

// Every trajectory of a campaign, every campaign of the journal: the reader gives pages.
Result<std::vector<trajectories::TrajectoryState>> AllTrajectories(trajectories::Reader& reader,
                                                                   const std::string& campaign_id);
Result<std::vector<trajectories::CampaignState>> AllCampaigns(trajectories::Reader& reader);

// Where a trajectory stands, by its stored events.
Result<TrajectoryFold> LoadFold(trajectories::Reader& reader, const trajectories::TrajectoryState& state);

Result<Launch> LoadLaunch(trajectories::Reader& reader, const std::string& campaign_id);
Result<StoredCampaign> LoadCampaign(trajectories::Reader& reader, const std::string& campaign_id);

// True when stored events are at fault, and not the reading of them: reading again will not help.
bool IsDamage(const Error& error);

// True for states in which a campaign has nothing more to do.
bool IsEndState(const std::string& state);

}  // namespace passnet::agent
