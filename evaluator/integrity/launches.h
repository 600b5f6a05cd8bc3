// What a call of a graph comes to where only the candidate's kernels are left of it: memory that is made, launches in order,
// and where results lie. Written by a process in which the candidate's code ran, bounded by evaluator/lane/launch_list.h.
// Threads: immutable values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace passnet::evaluator {

// A tensor that the function was given, or one that it made.
struct LaunchPlace {
  int64_t argument = -1;  // of the function; -1: made in the call
  int type = 0;           // c10::ScalarType
  std::vector<int64_t> shape, strides;
};

// A tensor in a place, of the same type; the offset is from the place's first element, in elements.
struct LaunchView {
  int64_t place = 0, offset = 0;
  std::vector<int64_t> shape, strides;
};

struct LaunchScalar {
  bool is_float = false;
  int64_t bits = 0;  // of the double, or the integer
};

struct Launch {
  std::string kernel;    // name of its file, without suffix
  std::string function;
  std::vector<LaunchView> inputs, outputs;
  std::vector<LaunchScalar> scalars;
};

// One call of the candidate's function.
struct RecordedCall {
  int64_t arguments = 0;
  std::vector<LaunchPlace> places;
  std::vector<Launch> launches;
  bool many = false;  // it returns a tuple
  std::vector<LaunchView> results;
};

struct LaunchList {
  std::string why;                  // there is none: what the calls did that no list says; hostile text, bounded
  std::vector<RecordedCall> calls;  // of one call of the graph, in order
};

}  // namespace passnet::evaluator
