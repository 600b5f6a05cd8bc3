// Inputs drawn anew for every call, so that no output of one call is an answer to another: floats from a distribution of
// the mean and spread that the task states, ranged integers and masks uniformly. Literal data stays as the task gives it.
// Threads: as the stream that is passed in. Source: docs/measuring.md, "Inputs".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluator/device/kernels/words.h"
#include "evaluator/timing/secret_stream.h"

namespace passnet::evaluator {

enum class Freshness {
  kFixed,     // literal data, integers without a range: the task's own bytes
  kFloat,     // drawn around a mean
  kConstant,  // a float tensor of standard deviation 0: one value, but in strayed calls
  kRangedInt, // uniform in [low, high]
  kBool,      // a mask
};

enum class DrawKind {
  kPlain,    // as the task describes
  kStrayed,  // some elements far off, constants no constants, masks of another density: catches answers that only hold
             // for what the task's files show
};

struct FreshTensor {
  std::string dtype;  // "float32", …
  size_t elements = 0;
  Freshness freshness = Freshness::kFixed;
  double mean = 0, spread = 0;  // of the drawn values; kFloat and kConstant
  double least = 0, most = 0;   // they are clamped to; kFloat and kConstant
  int64_t low = 0, high = 0;    // inclusive; kRangedInt
};

// Writes one draw to `to`, which holds `elements` of `dtype`; `fixed` are the bytes of a kFixed tensor.
//
// Plain floats are mean + spread * sqrt(6) * (u + v - 1) with u, v of 16 bits each: the triangular distribution of that
// standard deviation, two instructions an element where a normal one costs thirty. Strayed ones replace a random 1 to 5 %
// by draws of fifteen times the spread (three times the standard deviation that the task's file states, whose inputs
// PassBench draws at a fifth), keeping the sign where the task's values have only one.
void DrawInput(const FreshTensor& tensor, DrawKind kind, std::span<const std::byte> fixed, SecretStream& random,
               std::span<std::byte> to);

// The same draw as steps for a device, which makes the same bytes of the stream itself: this one passes over them. `bytes`:
// of the tensor; `to`: where they begin among a device's inputs, `from`: those of a kFixed tensor among what it is given.
void PlanInput(const FreshTensor& tensor, DrawKind kind, uint64_t bytes, uint64_t to, uint64_t from, SecretStream& random,
               std::vector<kernels::DrawStep>* steps);

}  // namespace passnet::evaluator
