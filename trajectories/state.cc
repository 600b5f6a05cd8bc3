#include "trajectories/state.h"

#include <functional>

#include "trajectories/state_columns.h"

namespace passnet::trajectories {
namespace {

template <typename State>
void Fold(const Event& event, State* state) {
  const State before = *state;
  StateTable<State>::VisitColumns([&](std::string_view, auto field, const auto& fold, auto...) {
    fold(event, before, std::invoke(field, *state));
  });
}

}  // namespace

void Apply(const Event& event, CampaignState* state) { Fold(event, state); }
void Apply(const Event& event, TrajectoryState* state) { Fold(event, state); }

}  // namespace passnet::trajectories
