// What a trajectory's events say in figures: how each round's candidate was judged, how the winner was measured at the
// end, what TorchInductor reached on its task.
// Threads: pure functions over values. Errors: kDataCorrupt, naming the journal's row: a report that cannot be read.
// Source: docs/contracts.md, "Evaluation reports"; docs/formats.md, "Export".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "trajectories/event.h"
#include "trajectories/export/stored_task.h"

namespace passnet::trajectories {

// As whoever knows verdicts names them.
struct VerdictNames {
  std::set<std::string> barred;  // of a report or of one of its graphs: the trajectory teaches nobody
  std::string good;
};

struct Judgement {
  bool good = false;             // on every graph
  std::optional<double> score;   // aggregated
  std::optional<double> speedup;  // over eager, geometric mean over the graphs; absent unless all of them are good
};

struct TrajectoryFigures {
  StoredTask task;
  std::map<int64_t, Judgement> rounds;  // as measured for the model's next round
  std::optional<Judgement> final;       // the winner, measured once more with the scoring profile
  std::optional<double> inductor_score;
  std::optional<double> start_score;    // final one of the folder that it was shown to start from; absent: of none
  std::optional<int64_t> winner_round;
  bool barred = false;
};

// `events` in order, with payloads.
Result<TrajectoryFigures> ReadFigures(const std::vector<Event>& events, const VerdictNames& verdicts);

}  // namespace passnet::trajectories
