// The states of campaigns and trajectories while one transaction moves them on: each is read when it is first asked for
// and written once, at the end, however many of the group's events moved it. A campaign's is moved by every event.
// Threads: as Database (pn-db only). Borrows: the database, inside a transaction that the caller holds.
// Errors: kNotFound (no such id), those of Database.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "trajectories/database.h"
#include "trajectories/event.h"
#include "trajectories/state.h"

namespace passnet::trajectories {

class GroupStates {
 public:
  explicit GroupStates(Database* database) : database_(database) {}

  // As the batches so far left it; borrowed until the next call.
  Result<const CampaignState*> Campaign(const std::string& id);
  Result<const TrajectoryState*> Trajectory(const std::string& id);
  // Moves the event's campaign and its trajectory, which were asked for, or begin with it.
  void Apply(const Event& event);

  // What is applied from here on belongs to a batch that may fail alone, and can then be taken back.
  void BeginBatch();
  void TakeBatchBack();

  // Everything that was moved, into the tables.
  Status Write();

 private:
  template <typename State>
  struct Held {
    State state;
    bool moved = false;
  };
  template <typename State>
  struct States {
    std::map<std::string, Held<State>> now;
    std::map<std::string, std::optional<Held<State>>> before_batch;  // of those that the batch moved

    void Apply(const std::string& id, const Event& event, bool keep_before);
    void TakeBatchBack();
  };

  Database* const database_;
  bool in_batch_ = false;
  States<CampaignState> campaigns_;
  States<TrajectoryState> trajectories_;
};

}  // namespace passnet::trajectories
