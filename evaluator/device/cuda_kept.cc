#include "evaluator/device/cuda_kept.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "evaluator/device/cuda_seat.h"

namespace passnet::evaluator {

std::optional<size_t> KeptPlaces::Find(uint64_t begin, size_t size) const {
  auto after = std::upper_bound(places.begin(), places.end(), begin,
                                [](uint64_t at, const Place& one) { return at < one.range.begin; });
  if (after == places.begin()) return {};
  const Place& one = *std::prev(after);
  if (begin > one.range.end || size > one.range.end - begin) return {};
  return one.offset + (begin - one.range.begin);
}

Result<std::shared_ptr<KeptRun>> CudaKeptRun::Copy(std::shared_ptr<CudaKernels> kernels,
                                                   std::shared_ptr<const CudaContext> context, CudaStream& stream,
                                                   const CudaMemory& from, const KeptPlaces& places,
                                                   std::shared_ptr<KeptRun> used) {
  CHECK(places.bytes <= from.size());
  auto run = std::static_pointer_cast<CudaKeptRun>(std::move(used));  // all runs of a lane are of its one device
  if (!run) run = std::make_shared<CudaKeptRun>();
  run->kernels_ = std::move(kernels);
  run->context_ = std::move(context);
  run->places_ = places;
  if (run->memory_.size() < places.bytes) {
    ASSIGN_OR_RETURN(run->memory_, CudaMemory::Create(run->context_, from.size(), false));
  }
  RETURN_IF_ERROR(stream.Within(run->memory_.at(), from.at(), places.bytes));
  RETURN_IF_ERROR(stream.AwaitOutsideTheClock());
  return std::shared_ptr<KeptRun>(std::move(run));
}

uint64_t CudaKeptRun::InputAddress(size_t offset) const { return CudaSeat::kInputsAt + offset; }

Result<cuda::Pointer> CudaKeptRun::Resolve(uint64_t address) const {
  const auto offset = places_.Find(address, 1);
  if (!offset) return Internal("values are to be compared that were not kept");
  return memory_.at() + *offset;
}

Status CudaKeptRun::Read(uint64_t address, std::span<std::byte> to) const {
  if (to.empty()) return OkStatus();
  const auto offset = places_.Find(address, to.size());
  if (!offset) return Error{ErrorCode::kUnavailable, "these bytes of a run were not kept"};
  // Seldom: what a report tells of outputs that are wrong.
  ASSIGN_OR_RETURN(const CudaHostMemory host, CudaHostMemory::Create(context_, to.size()));
  ASSIGN_OR_RETURN(const std::unique_ptr<CudaStream> stream, CudaStream::Create(context_));
  RETURN_IF_ERROR(stream->ToHost(host.data(), memory_.at() + *offset, to.size()));
  RETURN_IF_ERROR(stream->AwaitOutsideTheClock());
  std::memcpy(to.data(), host.data(), to.size());
  return OkStatus();
}

Result<std::vector<kernels::CompareResult>> CudaKeptRun::Compare(const KeptRun& actual,
                                                                 std::vector<kernels::CompareStep> steps) const {
  const auto& other = static_cast<const CudaKeptRun&>(actual);
  for (kernels::CompareStep& step : steps) {
    if (step.elements == 0) continue;
    ASSIGN_OR_RETURN(step.expected, Resolve(step.expected));
    ASSIGN_OR_RETURN(step.actual, other.Resolve(step.actual));
  }
  return kernels_->Compare(std::move(steps));
}

}  // namespace passnet::evaluator
