// A CUDA device of this host: its facts, its health as NVML tells it, the lease that one evaluator at a time holds, and
// whether it still answers once a candidate's processes are gone. One that does not is quarantined for every evaluator of this
// user, by a file beside the lease's: nothing measures on it until somebody looked and took the file away.
// Threads: thread-compatible, but that CheckAnswers may run beside the others. Owns: the context and its memory; a lease must
// not outlive it.
// Errors: kNotFound ("no GPU"), kUnavailable (quarantined), kInvalidArgument (the device lacks what the lane needs), those of
// CudaDriver and HostLock.
// Source: docs/measuring.md, "The window on a device".
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "evaluator/device/cuda_kernels.h"
#include "evaluator/device/cuda_memory.h"
#include "evaluator/device/device.h"
#include "evaluator/device/quiet.h"

namespace passnet::evaluator {

struct CudaDeviceOptions {
  std::string uuid;  // "": the first one
  // Others than these are for tests, but for the driver's own path.
  std::string driver_library = "libcuda.so.1";
  std::string torch_device = "cuda";  // DeviceForWorker::torch
  std::string nvml_library = "libnvidia-ml.so.1";
  std::vector<std::string> nvrtc_libraries = {"libnvrtc.so.13", "libnvrtc.so.12"};  // a lane's: NvrtcLibraries(python)
  std::filesystem::path lock_folder = PrivateLockFolder();
  std::filesystem::path pci_folder = "/sys/bus/pci/devices";
  std::chrono::milliseconds answer_limit{10'000};  // a context of a killed process is gone after seconds at most
  std::chrono::milliseconds open_limit{120'000};   // for the lease: another evaluator may be measuring
  // Quiet's slack. A change of context takes tens of microseconds, a process's turn about two thousand.
  std::chrono::microseconds late_by{300};
};

class CudaDevice : public Device {
 public:
  // Holds the lease meanwhile: a context that is made takes from what somebody else measures.
  static Result<std::unique_ptr<CudaDevice>> Open(const CudaDeviceOptions& options);
  ~CudaDevice() override;

  const DeviceFacts& facts() const override { return facts_; }
  SeatPool Seats() override;
  Result<bool> FlushCaches() override;
  Status LearnQuiet() override;
  Result<bool> IsQuiet() override;
  Result<DeviceHealth> Health() override;
  Result<HostLock::Hold> Lease(Deadline deadline, const std::function<bool()>& cancelled) override;
  Status CheckAnswers() override;

 private:
  explicit CudaDevice(const CudaDeviceOptions& options) : options_(options), quiet_(options.late_by) {}
  Status ReadFacts(const CudaDriver& driver, cuda::DeviceNumber device);
  void AskNvml();
  Status MakeMemory();
  Status MeasureCopies();
  Status MeasureLaunches();
  Status LoadKernel();
  void LoadKernels();
  Result<Nanos> Flush();
  Status RunKernel();
  std::filesystem::path QuarantineFile() const;
  Error Quarantine(const Error& why);

  const CudaDeviceOptions options_;
  DeviceFacts facts_;
  std::shared_ptr<const CudaContext> context_;
  std::shared_ptr<const NvmlLibrary> nvml_;  // null where there is none
  cuda::NvmlDevice nvml_device_ = nullptr;
  CudaMemory ring_, cell_;
  CudaHostMemory answer_;
  std::unique_ptr<CudaStream> stream_;  // ends before what it works on
  cuda::Module module_ = nullptr;
  cuda::Function kernel_ = nullptr;
  std::shared_ptr<CudaKernels> kernels_;  // null: facts_.no_kernels says why
  unsigned char flushed_with_ = 0;
  Quiet quiet_;
  std::unique_ptr<HostLock> lock_;
};

}  // namespace passnet::evaluator
