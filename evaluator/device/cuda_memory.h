// One process's use of one CUDA device: its primary context, a stream whose end is waited for with a deadline, and memory
// whose descriptor can be given to another process, which maps the same bytes (cuMemCreate and its relatives).
// Threads: thread-compatible; every call makes the context current to its thread. Owns: context, stream, memory, mappings.
// Errors: those of CudaDriver; kDeadlineExceeded where the device did not get done in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "evaluator/device/cuda_driver.h"

namespace passnet::evaluator {

class CudaContext {
 public:
  // `limit`: of what is waited for outside of the clock; a device that takes as long for it hangs.
  static Result<std::shared_ptr<const CudaContext>> Of(std::shared_ptr<const CudaDriver> driver, cuda::DeviceNumber device,
                                                       std::chrono::milliseconds limit = std::chrono::seconds(10));
  ~CudaContext();
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  // Current to the calling thread.
  Status Enter() const;
  const CudaDriver& driver() const { return *driver_; }
  const cuda::Api& api() const { return driver_->api(); }
  cuda::DeviceNumber device() const { return device_; }
  std::chrono::milliseconds limit() const { return limit_; }

 private:
  CudaContext() = default;
  std::shared_ptr<const CudaDriver> driver_;
  cuda::DeviceNumber device_ = 0;
  std::chrono::milliseconds limit_{0};
  cuda::Context context_ = nullptr;
};

// In order; what is queued is done on the device, beside other processes'. Its end waits for it for a second at most.
class CudaStream {
 public:
  static Result<std::unique_ptr<CudaStream>> Create(std::shared_ptr<const CudaContext> context);
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  // The host's memory is a CudaHostMemory: with any other the driver waits without a deadline.
  Status ToDevice(cuda::Pointer to, const void* from, size_t bytes);
  Status ToHost(void* to, cuda::Pointer from, size_t bytes);
  Status Within(cuda::Pointer to, cuda::Pointer from, size_t bytes);
  Status Set(cuda::Pointer to, unsigned char value, size_t bytes);
  Status Launch(cuda::Function function, unsigned blocks, unsigned threads, void** parameters);
  // Polls, so that a device that hangs keeps nobody.
  Status Await(Deadline deadline) const;
  // The same where no contender is to blame, with the context's limit. kIo where the device hangs.
  Status AwaitOutsideTheClock() const;
  bool Idle() const;

  const CudaContext& context() const { return *context_; }

 private:
  CudaStream() = default;
  std::shared_ptr<const CudaContext> context_;
  cuda::Stream stream_ = nullptr;
};

// Memory of the host that the device reaches by itself, while the host goes on.
class CudaHostMemory {
 public:
  static Result<CudaHostMemory> Create(std::shared_ptr<const CudaContext> context, size_t bytes);
  CudaHostMemory() = default;
  CudaHostMemory(CudaHostMemory&& other) noexcept;
  CudaHostMemory& operator=(CudaHostMemory&& other) noexcept;
  ~CudaHostMemory();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::shared_ptr<const CudaContext> context_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

class CudaMemory {
 public:
  // At least `bytes`, more than 0; with `shared` its descriptor can be given away.
  static Result<CudaMemory> Create(std::shared_ptr<const CudaContext> context, size_t bytes, bool shared);
  // What another process created: `descriptor` is borrowed, `bytes` its size().
  static Result<CudaMemory> Import(std::shared_ptr<const CudaContext> context, int descriptor, size_t bytes);

  CudaMemory() = default;
  CudaMemory(CudaMemory&& other) noexcept;
  CudaMemory& operator=(CudaMemory&& other) noexcept;
  ~CudaMemory();

  cuda::Pointer at() const { return at_; }
  size_t size() const { return size_; }  // a multiple of the device's granularity
  int descriptor() const { return descriptor_.get(); }

 private:
  Status Map();
  void Release();

  std::shared_ptr<const CudaContext> context_;
  cuda::Handle handle_ = 0;
  bool has_handle_ = false, mapped_ = false;
  cuda::Pointer at_ = 0;
  size_t size_ = 0;
  UniqueFd descriptor_;
};

}  // namespace passnet::evaluator
