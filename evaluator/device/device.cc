#include "evaluator/device/device.h"

#include <algorithm>

namespace passnet::evaluator {

Status SeatMemory::StageDrawn(const InputRecipe&) { return Internal("this device draws no inputs"); }
Result<std::shared_ptr<KeptRun>> SeatMemory::KeepRun(std::shared_ptr<KeptRun>) {
  return Internal("this device compares no outputs");
}
Result<std::vector<bool>> SeatMemory::Changed(std::span<const MemoryRange>) {
  return Internal("this device compares no inputs");
}

Result<std::unique_ptr<SeatMemory>> SeatPool::Take(const SeatSizes& sizes) {
  auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) { return one->sizes() == sizes; });
  if (found == waiting_.end()) return make_(sizes);
  std::unique_ptr<SeatMemory> seat = std::move(*found);
  waiting_.erase(found);
  return seat;
}

void SeatPool::GiveBack(std::unique_ptr<SeatMemory> seat) {
  if (seat->Wipe()) waiting_.push_back(std::move(seat));
}

}  // namespace passnet::evaluator
