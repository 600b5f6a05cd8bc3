#include "evaluator/device/cuda_seat.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

Error Hangs(const Error& error) {
  // Outside of the clock no contender is to blame.
  if (error.code != ErrorCode::kDeadlineExceeded) return error;
  return {ErrorCode::kIo, error.context};
}

}  // namespace

Result<std::unique_ptr<SeatMemory>> CudaSeat::Create(std::shared_ptr<const CudaContext> context,
                                                     const DeviceForWorker& device, const SeatSizes& sizes,
                                                     std::chrono::milliseconds copy_limit) {
  std::unique_ptr<CudaSeat> made(new CudaSeat(sizes));
  made->device_ = device;
  made->copy_limit_ = copy_limit;
  const size_t inputs = std::max<size_t>(sizes.inputs, 1), kept = std::max<size_t>(sizes.kept, 1);
  ASSIGN_OR_RETURN(made->headers_, SharedRegion::Create("seat-headers", sizes.headers));
  ASSIGN_OR_RETURN(made->inputs_, CudaMemory::Create(context, inputs, true));
  ASSIGN_OR_RETURN(made->arena_, CudaMemory::Create(context, std::max<size_t>(sizes.arena, 1), true));
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

Status CudaSeat::OutsideTheClock() const {
  auto done = stream_->Await(Deadline::After(copy_limit_));
  return done ? OkStatus() : Status(Hangs(done.error()));
}

Status CudaSeat::Wipe() {
  kept_.clear();
  if (headers_.size() > 0) std::memset(headers_.data(), 0, headers_.size());
  RETURN_IF_ERROR(stream_->Set(inputs_.at(), 0, inputs_.size()));
  RETURN_IF_ERROR(stream_->Set(staged_.at(), 0, staged_.size()));
  RETURN_IF_ERROR(stream_->Set(arena_.at(), kPoison, arena_.size()));
  RETURN_IF_ERROR(stream_->Set(snapshot_.at(), kPoison, snapshot_.size()));
  return OutsideTheClock();
}

Status CudaSeat::Stage(std::span<const std::byte> inputs) {
  CHECK(inputs.size() == sizes().inputs);
  kept_.clear();
  if (inputs.empty()) return OkStatus();
  std::memcpy(host_.data(), inputs.data(), inputs.size());
  RETURN_IF_ERROR(stream_->ToDevice(staged_.at(), host_.data(), inputs.size()));
  return OutsideTheClock();
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

// Neighbours become one copy: a copy costs as much as a launch. What does not fit is not kept, and so not read.
void CudaSeat::Keep(std::vector<MemoryRange> ranges) {
  kept_.clear();
  std::erase_if(ranges, [&](const MemoryRange& range) { return range.end == range.begin || !Resolve(range); });
  std::sort(ranges.begin(), ranges.end(), [](const auto& one, const auto& other) { return one.begin < other.begin; });
  kept_bytes_ = 0;
  for (const MemoryRange& range : ranges) {
    if (!kept_.empty() && range.begin < kept_.back().range.end + kKeptAlignment) {
      MemoryRange& last = kept_.back().range;
      const MemoryRange joined{last.begin, std::max(last.end, range.end)};
      const size_t end = kept_.back().offset + (joined.end - joined.begin);
      if (end <= snapshot_.size() && Resolve(joined)) {
        last = joined;
        kept_bytes_ = end;
        continue;
      }
    }
    const size_t offset = (kept_bytes_ + kKeptAlignment - 1) / kKeptAlignment * kKeptAlignment;
    if (range.end - range.begin > snapshot_.size() || offset > snapshot_.size() - (range.end - range.begin)) continue;
    kept_.push_back({range, offset});
    kept_bytes_ = offset + (range.end - range.begin);
  }
}

Status CudaSeat::Snapshot(const FindOutputs& find, Deadline deadline) {
  KeptRanges found;
  if (find) found = find(Headers());
  for (const MemoryRange& input : found.inputs) found.outputs.push_back({kInputsAt + input.begin, kInputsAt + input.end});
  Keep(std::move(found.outputs));
  for (const Kept& one : kept_) {
    const size_t bytes = one.range.end - one.range.begin;
    RETURN_IF_ERROR(stream_->Within(snapshot_.at() + one.offset, *Resolve(one.range), bytes));
  }
  return stream_->Await(deadline);
}

const CudaSeat::Kept* CudaSeat::KeptOf(uint64_t begin, size_t bytes) const {
  auto after = std::upper_bound(kept_.begin(), kept_.end(), begin,
                                [](uint64_t at, const Kept& one) { return at < one.range.begin; });
  if (after == kept_.begin()) return nullptr;
  const Kept& one = *std::prev(after);
  return begin <= one.range.end && bytes <= one.range.end - begin ? &one : nullptr;
}

Status CudaSeat::ToHost(cuda::Pointer from, size_t bytes) {
  RETURN_IF_ERROR(stream_->ToHost(host_.data(), from, bytes));
  return OutsideTheClock();
}

Status CudaSeat::Read(pid_t, std::span<OutputPart> parts) {
  const size_t bytes = kept_.empty() ? 0 : std::min(kept_bytes_, host_.size());
  RETURN_IF_ERROR(ToHost(snapshot_.at(), bytes));
  for (OutputPart& part : parts) {
    const Kept* kept = KeptOf(part.address, part.bytes);
    part.read = kept != nullptr;
    if (!part.read) continue;
    std::memcpy(part.to, host_.data() + kept->offset + (part.address - kept->range.begin), part.bytes);
  }
  return OkStatus();
}

Result<std::span<const std::byte>> CudaSeat::InputsAfter(size_t offset, size_t bytes) {
  CHECK(offset <= sizes().inputs && bytes <= sizes().inputs - offset);
  const Kept* kept = KeptOf(kInputsAt + offset, bytes);
  const cuda::Pointer from =
      kept != nullptr ? snapshot_.at() + kept->offset + (kInputsAt + offset - kept->range.begin) : inputs_.at() + offset;
  RETURN_IF_ERROR(ToHost(from, bytes));
  return std::span<const std::byte>(host_.data(), bytes);
}

Result<std::vector<MemoryRange>> CudaSeat::InputsIn(pid_t) {
  return std::vector<MemoryRange>{{kInputsAt, kInputsAt + inputs_.size()}};
}

}  // namespace passnet::evaluator
