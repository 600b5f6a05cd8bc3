// Layers of the integrity checks left out on purpose, so that tests and benches can see what each one is worth. From the
// evaluator's own command line alone: no request can ask for it, every report's environment says "ablated", and a client
// that did not start its lane so refuses it.
// Threads: immutable. Errors: kInvalidArgument for a name that is no layer.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace passnet::evaluator {

enum class Layer {
  kScreen,    // layer 1: prepare.cc asks no screen
  kProducts,  // layer 4: the compiler's products are not looked at
  kCensus,    // layers 5, 10 and 11: graph_evaluation.cc makes no witness
};

class Ablation {
 public:
  // Names of LayerName(), separated by commas; empty leaves everything on.
  static Result<Ablation> Parse(std::string_view names);

  bool Omits(Layer layer) const { return omitted_.count(layer) > 0; }
  // What the reports say: the names in order, separated by commas; empty where nothing is left out.
  std::string Text() const;

 private:
  std::set<Layer> omitted_;
};

}  // namespace passnet::evaluator
