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
#include "trajectories/state.h"

namespace passnet::trajectories {

class GroupStates {
 public:
  explicit GroupStates(Database* database) : database_(database) {}

  // As the batches so far left it.
  Result<CampaignState> Campaign(const std::string& id);
  Result<TrajectoryState> Trajectory(const std::string& id);
  void Put(CampaignState state);
  void Put(TrajectoryState state);

  // What is put from here on belongs to a batch that may fail alone.
  void BeginBatch();
  void TakeBatchBack();

  // Everything that was put, into the tables.
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
    std::map<std::string, std::optional<Held<State>>> before_batch;  // of those that the batch put

    void Put(const std::string& id, State state);
    void TakeBatchBack();
  };

  Database* const database_;
  States<CampaignState> campaigns_;
  States<TrajectoryState> trajectories_;
};

}  // namespace passnet::trajectories
