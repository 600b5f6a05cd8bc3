#include "evaluator/lane/ablation.h"

#include <algorithm>
#include <array>
#include <utility>

namespace passnet::evaluator {
namespace {

constexpr std::array<std::pair<std::string_view, Layer>, 3> kLayers{
    {{"screen", Layer::kScreen}, {"products", Layer::kProducts}, {"census", Layer::kCensus}}};

std::string KnownNames() {
  std::string names;
  for (const auto& [name, layer] : kLayers) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

}  // namespace

Result<Ablation> Ablation::Parse(std::string_view names) {
  Ablation made;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    const auto found = std::find_if(kLayers.begin(), kLayers.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == kLayers.end()) {
      return InvalidArgument("--ablate: no layer is called \"" + std::string(name) + "\"; there are " + KnownNames());
    }
    made.omitted_.insert(found->second);
  }
  return made;
}

std::string Ablation::Text() const {
  std::string text;
  for (const auto& [name, layer] : kLayers) {
    if (Omits(layer)) text += (text.empty() ? "" : ",") + std::string(name);
  }
  return text;
}

}  // namespace passnet::evaluator
