#include "trajectories/state.h"

#include <charconv>
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

int64_t SampleOfLabel(std::string_view label) {
  int64_t sample = 0;
  const char* end = label.data() + label.size();
  auto read = std::from_chars(label.data(), end, sample);
  return read.ec == std::errc() && read.ptr == end && sample >= 1 ? sample : 1;
}

void Apply(const Event& event, CampaignState* state) { Fold(event, state); }
void Apply(const Event& event, TrajectoryState* state) { Fold(event, state); }

}  // namespace passnet::trajectories
