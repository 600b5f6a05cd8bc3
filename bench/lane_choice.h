// What a bench measures on.
// Threads: plain values. Owns: nothing. Errors: none.
#pragma once

#include <string>
#include <vector>

namespace passnet::bench {

struct LaneChoice {
  std::string device = "cpu";
  std::string stand_in;  // the library that stands in for CUDA's driver, for trials of the bench itself: no figure comes of it

  bool OnGpu() const { return device != "cpu" && stand_in.empty(); }
  // What passnet-evaluator is given beside what its client knows.
  std::vector<std::string> Further() const {
    if (stand_in.empty()) return {};
    return {"--driver-library", stand_in, "--management-library", stand_in, "--torch-device", "cpu"};
  }
};

}  // namespace passnet::bench
