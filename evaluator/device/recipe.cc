#include "evaluator/device/recipe.h"

#include "evaluator/device/kernels/on_host.h"

namespace passnet::evaluator {
namespace {

kernels::u64 AddressOf(const void* at) { return reinterpret_cast<kernels::u64>(at); }

}  // namespace

DrawLaunches LaunchesOf(const InputRecipe& recipe) {
  DrawLaunches launches;
  for (kernels::DrawStep step : recipe.steps) {
    const bool stray = step.kind == kernels::kStrays;
    kernels::u64& groups = stray ? launches.stray_groups : launches.first_groups;
    step.first_group = groups;
    groups += kernels::GroupsOf(step);
    if (stray) {
      step.claims = launches.claims;
      launches.claims += step.among;
    }
    (stray ? launches.strays : launches.first).push_back(step);
  }
  return launches;
}

kernels::u64 CountGroups(std::vector<kernels::CompareStep>* steps) {
  kernels::u64 groups = 0;
  for (kernels::CompareStep& step : *steps) {
    step.first_group = groups;
    groups += kernels::GroupsOf(step);
  }
  return groups;
}

void DrawOnHost(const InputRecipe& recipe, std::vector<std::byte>* inputs) {
  const DrawLaunches launches = LaunchesOf(recipe);
  std::vector<kernels::u32> claims(launches.claims);
  kernels::DrawTable table;
  kernels::SetKeyOnHost(recipe.key, &table);
  table.to = AddressOf(inputs->data());
  table.given = recipe.given ? AddressOf(recipe.given->data()) : 0;
  table.claims = AddressOf(claims.data());
  table.steps = AddressOf(launches.first.data());
  table.step_count = launches.first.size();
  table.groups = launches.first_groups;
  kernels::DrawOnHost(table);
  table.steps = AddressOf(launches.strays.data());
  table.step_count = launches.strays.size();
  table.groups = launches.stray_groups;
  kernels::ClaimStraysOnHost(table);
  kernels::WriteStraysOnHost(table);
}

std::vector<kernels::CompareResult> CompareOnHost(std::vector<kernels::CompareStep> steps) {
  std::vector<kernels::CompareResult> results(steps.size());
  kernels::CompareTable table;
  table.groups = CountGroups(&steps);
  table.steps = AddressOf(steps.data());
  table.step_count = steps.size();
  table.results = AddressOf(results.data());
  kernels::CompareOnHost(table);
  return results;
}

}  // namespace passnet::evaluator
