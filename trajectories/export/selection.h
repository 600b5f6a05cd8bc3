// Which trajectories of a journal an export takes, and why the others are left out.
// Threads: thread-compatible, blocking. Borrows: reader, options and exclusions.
// Errors: kInvalidArgument (unknown campaign), those of Reader. A trajectory that cannot be read is left out under
// `unreadable`, not an Error.
// Source: docs/formats.md, "Left out".
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "trajectories/export/exclusions.h"
#include "trajectories/export/figures.h"
#include "trajectories/export/options.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

struct Candidate {
  TrajectoryState state;
  TrajectoryFigures figures;
  double Score() const;
};

// True for what damage in one trajectory's bytes gives: it costs that trajectory, not the export.
bool IsDamage(const Error& error);

class Selection {
 public:
  Selection(Reader* reader, const ExportOptions* options, Exclusions* exclusions)
      : reader_(reader), options_(*options), exclusions_(*exclusions) {}

  Status Run();

  const std::vector<CampaignState>& campaigns() const { return campaigns_; }
  int64_t looked_at() const { return looked_at_; }
  // In the order in which they started.
  const std::vector<Candidate>& chosen() const { return chosen_; }
  // Of these too only honest and uncontaminated ones: what a pair may reject.
  const std::vector<Candidate>& honest() const { return honest_; }
  const OpSequences& OpsOf(const StoredTask& task) const;

 private:
  Status ChooseCampaigns();
  Status ReadTrajectories(const std::string& campaign_id);
  Status Read(TrajectoryState state);
  void LearnOpSequences();
  using Reason = std::function<const char*(const Candidate&)>;
  void Drop(const Reason& reason_of);
  const char* Contaminated(const Candidate& candidate) const;
  const char* NotGoodEnough(const Candidate& candidate) const;
  const char* NotBetterThanInductor(const Candidate& candidate) const;
  Status DropDuplicates();
  void KeepBestOfEachTask();
  // Folders as they are compared; empty: the journal does not say which files they have.
  struct FilesKeys {
    std::string winner;
    std::string start;  // that it was shown to start from
  };
  Result<FilesKeys> ReadFilesKeys(const Candidate& candidate);
  // Those that an event names by this prefix, by their names.
  Result<std::map<std::string, std::string>> FilesOf(const EventDraft& event, std::string_view prefix);
  void Exclude(const char* reason, const std::string& id) { exclusions_.trajectories[reason].push_back(id); }
  void Unreadable(const std::string& id, const Error& error);

  Reader* const reader_;
  const ExportOptions& options_;
  Exclusions& exclusions_;
  std::vector<CampaignState> campaigns_;
  int64_t looked_at_ = 0;
  std::vector<Candidate> chosen_;
  std::vector<Candidate> honest_;
  std::map<std::string, OpSequences> ops_;  // by what TaskKey says
  std::map<std::pair<std::string, std::string>, double> inductor_;  // campaign, task's key -> score
};

}  // namespace passnet::trajectories
