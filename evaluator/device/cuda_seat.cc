#include "evaluator/device/cuda_seat.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace passnet::evaluator {

Result<std::unique_ptr<SeatMemory>> CudaSeat::Create(std::shared_ptr<const CudaContext> context,
                                                     const DeviceForWorker& device, const SeatSizes& sizes,
                                                     std::shared_ptr<CudaKernels> kernels) {
  std::unique_ptr<CudaSeat> made(new CudaSeat(sizes));
  made->device_ = device;
  made->context_ = context;
  made->kernels_ = std::move(kernels);
  const size_t inputs = std::max<size_t>(sizes.inputs, 1), kept = std::max<size_t>(sizes.kept, 1);
  ASSIGN_OR_RETURN(made->headers_, SharedRegion::Create("seat-headers", sizes.headers));
  ASSIGN_OR_RETURN(made->inputs_, CudaMemory::Create(context, inputs, true));
  ASSIGN_OR_RETURN(made->arena_, CudaMemory::Create(context, std::max<size_t>(sizes.arena, 1) + device.libraries_bytes, true));
  ASSIGN_OR_RETURN(made->staged_, CudaMemory::Create(context, inputs, false));
  ASSIGN_OR_RETURN(made->snapshot_, CudaMemory::Create(context, kept, false));
  ASSIGN_OR_RETURN(made->host_, CudaHostMemory::Create(context, std::max(inputs, kept)));
  ASSIGN_OR_RETURN(made->stream_, CudaStream::Create(context));
  RETURN_IF_ERROR(made->Wipe());
  return std::unique_ptr<SeatMemory>(std::move(made));
}

std::vector<int> CudaSeat::Descriptors() const {
  return {headers_.fd(), inputs_.descriptor(), arena_.descriptor()};
}

void CudaSeat::AddAttachFields(Json* fields) const {
  fields->Set("device", {{"uuid", device_.uuid},
                         {"driver", device_.driver},
                         {"torch", device_.torch},
                         {"inputs_bytes", inputs_.size()},
                         {"inputs_at", kInputsAt},
                         {"arena_bytes", arena_.size()},
                         {"arena_at", kArenaAt}});
}

Status CudaSeat::Wipe() {
  kept_ = {};
  if (headers_.size() > 0) std::memset(headers_.data(), 0, headers_.size());
  RETURN_IF_ERROR(stream_->Set(inputs_.at(), 0, inputs_.size()));
  RETURN_IF_ERROR(stream_->Set(staged_.at(), 0, staged_.size()));
  RETURN_IF_ERROR(stream_->Set(arena_.at(), kPoison, arena_.size()));
  RETURN_IF_ERROR(stream_->Set(snapshot_.at(), kPoison, snapshot_.size()));
  return stream_->AwaitOutsideTheClock();
}

Status CudaSeat::Stage(std::span<const std::byte> inputs) {
  CHECK(inputs.size() == sizes().inputs);
  kept_ = {};
  if (inputs.empty()) return OkStatus();
  std::memcpy(host_.data(), inputs.data(), inputs.size());
  RETURN_IF_ERROR(stream_->ToDevice(staged_.at(), host_.data(), inputs.size()));
  return stream_->AwaitOutsideTheClock();
}

Status CudaSeat::StageDrawn(const InputRecipe& recipe) {
  CHECK(kernels_ != nullptr);
  kept_ = {};
  return kernels_->Draw(*stream_, recipe, staged_.at(), sizes().inputs);
}

Status CudaSeat::Reveal(Deadline deadline) {
  RETURN_IF_ERROR(stream_->Within(inputs_.at(), staged_.at(), sizes().inputs));
  return stream_->Await(deadline);
}

std::optional<cuda::Pointer> CudaSeat::Resolve(MemoryRange range) const {
  const auto within = [&](uint64_t at, const CudaMemory& memory) {
    return range.begin >= at && range.end >= range.begin && range.end <= at + memory.size();
  };
  if (within(kInputsAt, inputs_)) return inputs_.at() + (range.begin - kInputsAt);
  if (within(kArenaAt, arena_)) return arena_.at() + (range.begin - kArenaAt);
  return {};
}

// Neighbours become one copy: a copy costs as much as a launch. What does not fit is not kept, and so not read. A copy has
// the alignment of what it is of, whatever lies before it: kernels read it.
void CudaSeat::Keep(std::vector<MemoryRange> ranges) {
  kept_ = {};
  std::vector<KeptPlaces::Place>& places = kept_.places;
  std::erase_if(ranges, [&](const MemoryRange& range) { return range.end == range.begin || !Resolve(range); });
  for (MemoryRange& range : ranges) range.begin -= range.begin % kKeptAlignment;
  std::sort(ranges.begin(), ranges.end(), [](const auto& one, const auto& other) { return one.begin < other.begin; });
  for (const MemoryRange& range : ranges) {
    if (!places.empty() && range.begin < places.back().range.end + kKeptAlignment) {
      MemoryRange& last = places.back().range;
      const MemoryRange joined{last.begin, std::max(last.end, range.end)};
      const size_t end = places.back().offset + (joined.end - joined.begin);
      if (end <= snapshot_.size() && Resolve(joined)) {
        last = joined;
        kept_.bytes = end;
        continue;
      }
    }
    const size_t offset = (kept_.bytes + kKeptAlignment - 1) / kKeptAlignment * kKeptAlignment;
    if (range.end - range.begin > snapshot_.size() || offset > snapshot_.size() - (range.end - range.begin)) continue;
    places.push_back({range, offset});
    kept_.bytes = offset + (range.end - range.begin);
  }
}

Status CudaSeat::Snapshot(const FindOutputs& find, Deadline deadline) {
  KeptRanges found;
  if (find) found = find(Headers());
  for (const MemoryRange& input : found.inputs) found.outputs.push_back({kInputsAt + input.begin, kInputsAt + input.end});
  Keep(std::move(found.outputs));
  for (const KeptPlaces::Place& one : kept_.places) {
    const size_t bytes = one.range.end - one.range.begin;
    RETURN_IF_ERROR(stream_->Within(snapshot_.at() + one.offset, *Resolve(one.range), bytes));
  }
  return stream_->Await(deadline);
}

Status CudaSeat::ToHost(cuda::Pointer from, size_t bytes) {
  RETURN_IF_ERROR(stream_->ToHost(host_.data(), from, bytes));
  return stream_->AwaitOutsideTheClock();
}

Status CudaSeat::Read(pid_t, std::span<OutputPart> parts) {
  RETURN_IF_ERROR(ToHost(snapshot_.at(), std::min(kept_.bytes, host_.size())));
  for (OutputPart& part : parts) {
    const auto offset = kept_.Find(part.address, part.bytes);
    part.read = offset.has_value();
    if (part.read) std::memcpy(part.to, host_.data() + *offset, part.bytes);
  }
  return OkStatus();
}

Result<std::span<const std::byte>> CudaSeat::InputsAfter(size_t offset, size_t bytes) {
  CHECK(offset <= sizes().inputs && bytes <= sizes().inputs - offset);
  const auto kept = kept_.Find(kInputsAt + offset, bytes);
  const cuda::Pointer from = kept ? snapshot_.at() + *kept : inputs_.at() + offset;
  RETURN_IF_ERROR(ToHost(from, bytes));
  return std::span<const std::byte>(host_.data(), bytes);
}

Result<std::vector<MemoryRange>> CudaSeat::InputsIn(pid_t) {
  return std::vector<MemoryRange>{{kInputsAt, kInputsAt + inputs_.size()}};
}

Result<std::shared_ptr<KeptRun>> CudaSeat::KeepRun(std::shared_ptr<KeptRun> used) {
  CHECK(kernels_ != nullptr);
  return CudaKeptRun::Copy(kernels_, context_, *stream_, snapshot_, kept_, std::move(used));
}

Result<std::vector<bool>> CudaSeat::Changed(std::span<const MemoryRange> inputs) {
  CHECK(kernels_ != nullptr);
  std::vector<kernels::CompareStep> steps;
  for (const MemoryRange& input : inputs) {
    CHECK(input.begin <= input.end && input.end <= sizes().inputs);
    kernels::CompareStep step;
    step.expected = staged_.at() + input.begin;
    step.actual = inputs_.at() + input.begin;
    step.elements = input.end - input.begin;
    if (input.begin % 8 == 0 && step.elements % 8 == 0) {
      step.type = kernels::kInt64;
      step.elements /= 8;
    }
    steps.push_back(step);
  }
  ASSIGN_OR_RETURN(const auto results, kernels_->Compare(std::move(steps)));
  std::vector<bool> changed;
  for (const kernels::CompareResult& result : results) changed.push_back(result.unequal != 0);
  return changed;
}

}  // namespace passnet::evaluator
