// The inputs of a seat's slots as steps instead of bytes, for a device that carries them out where they are wanted: a secret
// and a few numbers a tensor travel, the inputs do not. And the launches that do so and that compare, on the host: what a
// device's answers are held against before it is believed.
// Threads: values and pure functions. Owns: nothing beyond them. Errors: none.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "evaluator/device/kernels/words.h"

namespace passnet::evaluator {

struct InputRecipe {
  kernels::SecretKey key;  // of one recipe alone: what a device shows of it tells nothing of another
  std::vector<kernels::DrawStep> steps;
  std::shared_ptr<const std::vector<std::byte>> given;  // what is copied from; no secret
};

// Everything but strays is one launch, strays are two, after it.
struct DrawLaunches {
  std::vector<kernels::DrawStep> first, strays;
  kernels::u64 first_groups = 0, stray_groups = 0;
  size_t claims = 0;  // words, zero before the launch
};
DrawLaunches LaunchesOf(const InputRecipe& recipe);

// Numbers the steps' groups and gives how many there are.
kernels::u64 CountGroups(std::vector<kernels::CompareStep>* steps);

// `inputs`: of the host, at least as large as the recipe reaches. What no step writes stays.
void DrawOnHost(const InputRecipe& recipe, std::vector<std::byte>* inputs);
// Addresses are the host's.
std::vector<kernels::CompareResult> CompareOnHost(std::vector<kernels::CompareStep> steps);

}  // namespace passnet::evaluator
