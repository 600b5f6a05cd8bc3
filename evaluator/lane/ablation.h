// Layers of the integrity checks left out on purpose, so that tests and benches can see what each one is worth. From the
// evaluator's own command line alone: no request can ask for it, every report's environment says "ablated", and a client
// that did not start its lane so refuses it.
// Threads: immutable. Errors: kInvalidArgument for a name that is no layer.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "evaluator/integrity/observations.h"

namespace passnet::evaluator {

enum class Layer {
  kAdmission,  // layer 0: a graph whose answers are alike is judged as any other
  kScreen,     // layer 1: prepare.cc asks no screen
  kProducts,   // layer 4: the compiler's products are not looked at
  kCensus,     // layers 5 and 11: graph_evaluation.cc makes no witness
  kCalls,      // layer 6: PassBench's own inputs decide alone, other calls are as good as not compared
  kLayout,     // layer 6: an output's elements may share memory or have gaps between them
  kSharing,    // layer 6: an output may lie in an input or in another call's output
  kMutation,   // layer 6: inputs may be changed
  kStrays,     // layer 7: no call strays from what the task's files describe
  kFresh,      // layer 7: every call has PassBench's own inputs, again and again
  kClock,      // layer 8: CPU time and a device's work beside the clock are not looked at
  kFloor,      // layer 9: no call is too fast
  kSurprises,  // layer 9: a speed-up beyond 20 is believed at once
  kReplay,     // layer 10: a speed-up beyond 3 is believed without its launches being made again
};

struct LayerName {
  std::string_view name;
  Layer layer;
  int number;  // in docs/integrity.md, section 3
};

class Ablation {
 public:
  // Names of Layers(), separated by commas; empty leaves everything on.
  static Result<Ablation> Parse(std::string_view names);
  static std::span<const LayerName> Layers();

  bool Omits(Layer layer) const { return omitted_.count(layer) > 0; }
  // What the reports say: the names in order, separated by commas; empty where nothing is left out.
  std::string Text() const;

  // What of `seen` the judge is told: nothing of what a layer that is left out would have found.
  Observations Told(Observations seen) const;

 private:
  std::set<Layer> omitted_;
};

}  // namespace passnet::evaluator
