// The device of a CPU lane: nothing of it needs to be flushed, leased or asked whether it still answers.
// Threads: thread-compatible. Errors: none but those of its seats.
#pragma once

#include "evaluator/device/cpu_seat.h"
#include "evaluator/device/device.h"

namespace passnet::evaluator {

class CpuDevice : public Device {
 public:
  const DeviceFacts& facts() const override { return facts_; }
  SeatPool Seats() override { return CpuSeats(); }
  Result<bool> FlushCaches() override { return false; }
  Status LearnQuiet() override { return OkStatus(); }
  Result<bool> IsQuiet() override { return true; }  // its processes are stopped, and all that they do with them
  Result<DeviceHealth> Health() override { return DeviceHealth(); }
  Result<HostLock::Hold> Lease(Deadline, const std::function<bool()>&) override { return HostLock::Hold(); }
  Status CheckAnswers() override { return OkStatus(); }

 private:
  const DeviceFacts facts_;
};

}  // namespace passnet::evaluator
