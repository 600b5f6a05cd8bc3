#include "evaluator/device/cuda_kernels.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "evaluator/device/cuda_trial.h"
#include "evaluator/device/kernels/on_host.h"
#include "evaluator/device/nvrtc.h"

namespace passnet::evaluator {
namespace {

using kernels::DrawStep;
using kernels::DrawTable;

// What a launch of draws is told: both tables, then the steps of both.
constexpr size_t kStepsAt = 2 * sizeof(DrawTable);

template <typename Step>
size_t BytesOf(const std::vector<Step>& steps) {
  return steps.size() * sizeof(Step);
}

size_t PlanBytes(const DrawLaunches& launches) {
  return kStepsAt + BytesOf(launches.first) + BytesOf(launches.strays);
}

// One behind the last byte that the step writes.
uint64_t ReachOf(const DrawStep& step) {
  const uint64_t elements = step.kind == kernels::kStrays ? step.among : step.elements;
  return step.to + elements * (step.kind == kernels::kCopy ? 1 : kernels::WidthOf(step.type));
}

}  // namespace

Result<std::shared_ptr<CudaKernels>> CudaKernels::Load(std::shared_ptr<const CudaContext> context,
                                                       const std::vector<std::string>& nvrtc, int capability) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const NvrtcLibrary> compiler, NvrtcLibrary::Load(nvrtc));
  ASSIGN_OR_RETURN(const std::string image, compiler->CompileKernels(capability));
  std::shared_ptr<CudaKernels> made(new CudaKernels);
  made->context_ = context;
  RETURN_IF_ERROR(made->FindEntries(image));
  ASSIGN_OR_RETURN(made->compare_stream_, CudaStream::Create(context));
  RETURN_IF_ERROR(TryKernels(*made, std::move(context)));
  return made;
}

CudaKernels::~CudaKernels() {
  compare_stream_.reset();
  if (module_ != nullptr && context_->Enter()) (void)context_->api().cuModuleUnload(module_);
}

Status CudaKernels::FindEntries(const std::string& image) {
  RETURN_IF_ERROR(context_->Enter());
  const CudaDriver& driver = context_->driver();
  RETURN_IF_ERROR(driver.Check(driver.api().cuModuleLoadData(&module_, image.c_str()), "cuModuleLoadData"));
  const std::pair<const char*, cuda::Function*> entries[] = {{"passnet_draw", &draw_},
                                                             {"passnet_claim_strays", &claim_},
                                                             {"passnet_write_strays", &write_},
                                                             {"passnet_compare", &compare_}};
  for (const auto& [name, function] : entries) {
    RETURN_IF_ERROR(driver.Check(driver.api().cuModuleGetFunction(function, module_, name),
                                 std::string("cuModuleGetFunction ") + name));
  }
  return OkStatus();
}

Status CudaKernels::AtLeast(size_t bytes, Exchange* exchange) const {
  if (exchange->host.size() >= bytes) return OkStatus();
  const size_t wanted = bytes + bytes / 2;  // few growths, since each may wait for the device
  ASSIGN_OR_RETURN(exchange->device, CudaMemory::Create(context_, wanted, false));
  ASSIGN_OR_RETURN(exchange->host, CudaHostMemory::Create(context_, wanted));
  return OkStatus();
}

// All seats of a graph are given the same bytes in all of its rounds.
Status CudaKernels::Give(CudaStream& stream, const std::shared_ptr<const std::vector<std::byte>>& given) {
  if (!given || given->empty() || given == given_now_) return OkStatus();
  given_now_.reset();
  RETURN_IF_ERROR(AtLeast(given->size(), &given_));
  std::memcpy(given_.host.data(), given->data(), given->size());
  RETURN_IF_ERROR(stream.ToDevice(given_.device.at(), given_.host.data(), given->size()));
  RETURN_IF_ERROR(stream.AwaitOutsideTheClock());
  given_now_ = given;
  return OkStatus();
}

Status CudaKernels::Launch(CudaStream& stream, cuda::Function function, kernels::u64 groups, cuda::Pointer table) const {
  if (groups == 0) return OkStatus();
  const kernels::u64 blocks = (groups + kernels::kThreads - 1) / kernels::kThreads;
  if (blocks > INT_MAX) return Internal("a launch of " + std::to_string(blocks) + " blocks: more than a device takes");
  void* parameters[] = {&table};
  return stream.Launch(function, static_cast<unsigned>(blocks), kernels::kThreads, parameters);
}

Status CudaKernels::QueueDraws(CudaStream& stream, const InputRecipe& recipe, const DrawLaunches& launches,
                               cuda::Pointer to) {
  const cuda::Pointer at = plan_.device.at();
  DrawTable tables[2];
  kernels::SetKeyOnHost(recipe.key, &tables[0]);
  tables[0].to = to;
  tables[0].given = recipe.given ? given_.device.at() : 0;
  tables[0].claims = claims_.at();
  tables[1] = tables[0];
  tables[0].steps = at + kStepsAt;
  tables[0].step_count = launches.first.size();
  tables[0].groups = launches.first_groups;
  tables[1].steps = at + kStepsAt + BytesOf(launches.first);
  tables[1].step_count = launches.strays.size();
  tables[1].groups = launches.stray_groups;
  std::memcpy(plan_.host.data(), tables, sizeof tables);
  ::explicit_bzero(tables, sizeof tables);
  if (!launches.first.empty()) std::memcpy(plan_.host.data() + kStepsAt, launches.first.data(), BytesOf(launches.first));
  if (!launches.strays.empty()) {
    std::memcpy(plan_.host.data() + kStepsAt + BytesOf(launches.first), launches.strays.data(), BytesOf(launches.strays));
  }
  RETURN_IF_ERROR(stream.ToDevice(at, plan_.host.data(), PlanBytes(launches)));
  RETURN_IF_ERROR(stream.Set(claims_.at(), 0, launches.claims * sizeof(kernels::u32)));
  RETURN_IF_ERROR(Launch(stream, draw_, launches.first_groups, at));
  RETURN_IF_ERROR(Launch(stream, claim_, launches.stray_groups, at + sizeof(DrawTable)));
  RETURN_IF_ERROR(Launch(stream, write_, launches.stray_groups, at + sizeof(DrawTable)));
  return stream.Set(at, 0, sizeof tables);
}

Status CudaKernels::Draw(CudaStream& stream, const InputRecipe& recipe, cuda::Pointer to, size_t bytes) {
  for (const DrawStep& step : recipe.steps) {
    CHECK(ReachOf(step) <= bytes);
    CHECK(step.kind != kernels::kCopy || (recipe.given && step.from + step.elements <= recipe.given->size()));
  }
  const DrawLaunches launches = LaunchesOf(recipe);
  std::lock_guard lock(draw_mutex_);
  RETURN_IF_ERROR(Give(stream, recipe.given));
  RETURN_IF_ERROR(AtLeast(PlanBytes(launches), &plan_));
  if (claims_.size() < launches.claims * sizeof(kernels::u32)) {
    ASSIGN_OR_RETURN(claims_, CudaMemory::Create(context_, launches.claims * sizeof(kernels::u32), false));
  }
  const Status queued = QueueDraws(stream, recipe, launches, to);
  const Status done = stream.AwaitOutsideTheClock();
  ::explicit_bzero(plan_.host.data(), std::min(plan_.host.size(), kStepsAt));
  return queued ? done : queued;
}

Result<std::vector<kernels::CompareResult>> CudaKernels::Compare(std::vector<kernels::CompareStep> steps) {
  std::vector<kernels::CompareResult> results(steps.size());
  kernels::CompareTable table;
  table.groups = CountGroups(&steps);
  if (table.groups == 0) return results;
  const size_t results_at = sizeof table + BytesOf(steps);
  std::lock_guard lock(compare_mutex_);
  RETURN_IF_ERROR(AtLeast(results_at + BytesOf(results), &comparison_));
  CudaStream& stream = *compare_stream_;
  const cuda::Pointer at = comparison_.device.at();
  std::byte* host = comparison_.host.data();
  table.steps = at + sizeof table;
  table.step_count = steps.size();
  table.results = at + results_at;
  std::memcpy(host, &table, sizeof table);
  std::memcpy(host + sizeof table, steps.data(), BytesOf(steps));
  std::memset(host + results_at, 0, BytesOf(results));
  const auto queue = [&]() -> Status {
    RETURN_IF_ERROR(stream.ToDevice(at, host, results_at + BytesOf(results)));
    RETURN_IF_ERROR(Launch(stream, compare_, table.groups, at));
    return stream.ToHost(host + results_at, table.results, BytesOf(results));
  };
  // Whatever was queued has ended with this call: the caller may give up what is compared.
  const Status queued = queue();
  const Status done = stream.AwaitOutsideTheClock();
  RETURN_IF_ERROR(queued);
  RETURN_IF_ERROR(done);
  std::memcpy(results.data(), host + results_at, BytesOf(results));
  return results;
}

}  // namespace passnet::evaluator
