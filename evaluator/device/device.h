// What a lane needs of the device that it measures on: memory that the evaluator and one worker share, and the steps of
// the measured window (docs/measuring.md, "The window on a device"). Measuring, judging and comparing know only this.
// Threads: thread-compatible; one thread at a time uses a seat, and it may be another one for what comes after the clock.
// Owns: a seat its memory, a pool the seats that wait. Errors: infrastructure's, except kDeadlineExceeded of Reveal and
// Snapshot (what runs on the device keeps it: the seat's doing) and kUnavailable of Read (its process ended).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/device/host_lock.h"
#include "evaluator/device/recipe.h"

namespace passnet::evaluator {

struct DeviceFacts {
  std::string kind = "cpu";  // or "cuda"; what follows is of the latter
  std::string name, uuid, pci;
  int compute_major = 0, compute_minor = 0;
  int multiprocessors = 0;
  uint64_t memory_bytes = 0, l2_bytes = 0;
  double copy_bytes_per_us = 0;  // read and written, measured
  double launch_us = 0;          // of a kernel that does nothing, until it is known to be done, measured
  int driver_version = 0;        // 13000 for CUDA 13.0
  bool ecc = false;
  std::optional<bool> persistence, mig;  // nothing where NVML does not say
  std::string no_kernels;  // why inputs are drawn and outputs compared on the host; empty where the device does
};

// What else of a device decides how fast it is. Nothing where it does not say.
struct DeviceHealth {
  std::optional<uint32_t> core_mhz, memory_mhz, celsius;
  std::vector<std::string> slowed_by;  // "power cap", "heat": measured again where it is not empty
  std::optional<uint64_t> uncorrected_errors;  // of its memory, since boot
  std::vector<pid_t> processes;  // that have a context on it, ours too, as the host numbers them
};

struct SeatSizes {
  size_t inputs = 0;   // bytes of all slots' inputs
  size_t headers = 0;  // of all slots' output headers, which always lie in the host's memory
  size_t arena = 0;    // what a process may hold on a device at once; no memory of a CPU lane
  size_t kept = 0;     // the most that one run's outputs and changed inputs span; none of a CPU lane's
  bool operator==(const SeatSizes&) const = default;
};

inline constexpr size_t kKeptAlignment = 512;  // of what is kept of a run; torch's allocators round up to as much

// Addresses as the worker has them in its headers.
struct MemoryRange {
  uint64_t begin = 0, end = 0;
};

struct OutputPart {
  uint64_t address = 0;
  size_t bytes = 0;
  std::byte* to = nullptr;
  bool read = false;  // whether it could be read whole
};

// What of a run is kept: the outputs where its headers say they lie (hostile bytes, bounded by the layout), and those
// inputs that the graph changes, as offsets.
struct KeptRanges {
  std::vector<MemoryRange> outputs, inputs;
};
using FindOutputs = std::function<KeptRanges(std::span<const std::byte> headers)>;

// What a seat kept of one run, once more, so that it stays when the seat runs again: memory of the evaluator's own device
// context, compared where it lies. Addresses are those of the run's headers.
class KeptRun {
 public:
  virtual ~KeptRun() = default;
  virtual bool Has(uint64_t address, size_t bytes) const = 0;
  // Of the input at this offset.
  virtual uint64_t InputAddress(size_t offset) const = 0;
  // To the host. kUnavailable where it is not there whole.
  virtual Status Read(uint64_t address, std::span<std::byte> to) const = 0;
  // Tensors of this run, the expected ones, and of another one of the same device. Both have all of them.
  virtual Result<std::vector<kernels::CompareResult>> Compare(const KeptRun& actual,
                                                              std::vector<kernels::CompareStep> steps) const = 0;
};

// One seat's inputs, output headers and what its calls hand back.
class SeatMemory {
 public:
  explicit SeatMemory(const SeatSizes& sizes) : sizes_(sizes) {}
  virtual ~SeatMemory() = default;
  SeatMemory(const SeatMemory&) = delete;
  SeatMemory& operator=(const SeatMemory&) = delete;

  const SeatSizes& sizes() const { return sizes_; }

  // What the worker gets with its attach command, borrowed, and what that command says of it beside the layout.
  virtual std::vector<int> Descriptors() const = 0;
  virtual void AddAttachFields(Json* fields) const = 0;

  // Outside of the clock, the process stopped: the inputs of all slots, put where no worker can read them before the clock
  // runs. Until then a seat's inputs are zero.
  virtual Status Stage(std::span<const std::byte> inputs) = 0;
  // Inside of it, before the process goes on: what was staged becomes visible.
  virtual Status Reveal(Deadline deadline) = 0;
  // Whether outputs must be copied before the clock stops, because what the process left at work could still change them.
  // Where not, the stopped process's memory is read afterwards.
  virtual bool CopiesOutputs() const = 0;
  // Inside of it, the process stopped: the evaluator's own copy, complete when this returns.
  virtual Status Snapshot(const FindOutputs& find, Deadline deadline) = 0;

  // Outside of the clock, until the next Stage or Reveal; what is given is good until the next call. Hostile bytes, to be copied before they are looked at.
  virtual std::span<const std::byte> Headers() const = 0;
  // Parts of the outputs; an error only where nothing can be read at all.
  virtual Status Read(pid_t process, std::span<OutputPart> parts) = 0;
  // The inputs as the calls left them.
  virtual Result<std::span<const std::byte>> InputsAfter(size_t offset, size_t bytes) = 0;
  // Where the inputs lie in the process, by what the process cannot bend. kDataCorrupt where it has them no more.
  virtual Result<std::vector<MemoryRange>> InputsIn(pid_t process) = 0;

  // Whether the device draws inputs and compares outputs by itself. Where it does not, the host does both, and what follows
  // up to Wipe is an error of the caller's.
  virtual bool WorksThere() const { return false; }
  // As Stage.
  virtual Status StageDrawn(const InputRecipe& recipe);
  // What the last Snapshot kept. `used`: nobody's any more, of any seat of this device, or null.
  virtual Result<std::shared_ptr<KeptRun>> KeepRun(std::shared_ptr<KeptRun> used);
  // Of inputs, by their offsets, that are not kept: whether the calls left each other than it was staged.
  virtual Result<std::vector<bool>> Changed(std::span<const MemoryRange> inputs);

  // Makes it what it was when it was made; no process that mapped it may still run.
  virtual Status Wipe() = 0;

 private:
  const SeatSizes sizes_;
};

// Seats that are used again from round to round: fresh ones would have to be allocated, cleared and faulted in for every
// process, which costs as much as forking it. What comes back is wiped, so that nothing passes from a process to a later one.
class SeatPool {
 public:
  using Make = std::function<Result<std::unique_ptr<SeatMemory>>(const SeatSizes&)>;
  explicit SeatPool(Make make) : make_(std::move(make)) {}

  Result<std::unique_ptr<SeatMemory>> Take(const SeatSizes& sizes);
  // No process that mapped it may still run. A seat that cannot be wiped is let go of.
  void GiveBack(std::unique_ptr<SeatMemory> seat);

 private:
  Make make_;
  std::vector<std::unique_ptr<SeatMemory>> waiting_;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceFacts& facts() const = 0;
  virtual SeatPool Seats() = 0;
  // Outside of the clock: its caches hold nothing of what seats wrote or read. True where that was late, beside what
  // LearnQuiet learnt: somebody else was at work there.
  virtual Result<bool> FlushCaches() = 0;
  // With the lease, while no process of a lane has the device: how long a flush takes when nothing else is done there. kIo where
  // that is much longer than it was before.
  virtual Status LearnQuiet() = 0;
  // Whether it still takes as long.
  virtual Result<bool> IsQuiet() = 0;
  virtual Result<DeviceHealth> Health() = 0;
  // The exclusive use of the device among all evaluators of this host; an empty hold where the timing core's is enough.
  // kUnavailable once the device is quarantined: the text says since when, why and what to do.
  virtual Result<HostLock::Hold> Lease(Deadline deadline, const std::function<bool()>& cancelled) = 0;
  // After every process of a candidate has ended. A device that does no work then is quarantined: kUnavailable.
  virtual Status CheckAnswers() = 0;
};

}  // namespace passnet::evaluator
