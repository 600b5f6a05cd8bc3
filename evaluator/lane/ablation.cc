#include "evaluator/lane/ablation.h"

#include <algorithm>
#include <array>
#include <utility>

namespace passnet::evaluator {
namespace {

constexpr auto kLayers = std::to_array<LayerName>({{"admission", Layer::kAdmission, 0},
                                                   {"screen", Layer::kScreen, 1},
                                                   {"products", Layer::kProducts, 4},
                                                   {"census", Layer::kCensus, 5},
                                                   {"calls", Layer::kCalls, 6},
                                                   {"layout", Layer::kLayout, 6},
                                                   {"sharing", Layer::kSharing, 6},
                                                   {"mutation", Layer::kMutation, 6},
                                                   {"strays", Layer::kStrays, 7},
                                                   {"fresh", Layer::kFresh, 7},
                                                   {"clock", Layer::kClock, 8},
                                                   {"floor", Layer::kFloor, 9},
                                                   {"surprises", Layer::kSurprises, 9},
                                                   {"replay", Layer::kReplay, 10}});

std::string KnownNames() {
  std::string names;
  for (const LayerName& entry : kLayers) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

}  // namespace

std::span<const LayerName> Ablation::Layers() { return kLayers; }

Result<Ablation> Ablation::Parse(std::string_view names) {
  Ablation made;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    const auto found = std::find_if(kLayers.begin(), kLayers.end(), [&](const auto& entry) { return entry.name == name; });
    if (found == kLayers.end()) {
      return InvalidArgument("--ablate: no layer is called \"" + std::string(name) + "\"; there are " + KnownNames());
    }
    made.omitted_.insert(found->layer);
  }
  return made;
}

std::string Ablation::Text() const {
  std::string text;
  for (const LayerName& entry : kLayers) {
    if (Omits(entry.layer)) text += (text.empty() ? "" : ",") + std::string(entry.name);
  }
  return text;
}

Observations Ablation::Told(Observations seen) const {
  if (Omits(Layer::kAdmission)) seen.answers_compared = seen.answers_alike = 0;
  if (Omits(Layer::kCalls)) seen.plain = seen.strayed = CallTally();
  if (Omits(Layer::kSharing)) {
    seen.view_of_input.reset();
    seen.shares_memory = false;
  }
  if (Omits(Layer::kMutation)) seen.changed_input.clear();
  if (Omits(Layer::kClock)) {
    seen.idle_cpu_us = seen.cpu_over_wall = 0;
    seen.worked_beside = false;  // measuring does not look for it either
  }
  if (Omits(Layer::kFloor)) seen.candidate_us.reset();
  return seen;
}

}  // namespace passnet::evaluator
