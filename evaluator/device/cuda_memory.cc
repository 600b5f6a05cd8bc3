#include "evaluator/device/cuda_memory.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace passnet::evaluator {
namespace {

cuda::AllocationProperties PropertiesOf(cuda::DeviceNumber device, bool shared) {
  cuda::AllocationProperties properties{};
  properties.type = cuda::kPinned;
  properties.handle_types = shared ? cuda::kPosixDescriptor : 0;
  properties.location = {cuda::kOnDevice, device};
  return properties;
}

std::string Sized(const char* call, size_t bytes) { return std::string(call) + " of " + std::to_string(bytes) + " bytes"; }

}  // namespace

Result<std::shared_ptr<const CudaContext>> CudaContext::Of(std::shared_ptr<const CudaDriver> driver,
                                                           cuda::DeviceNumber device,
                                                           std::chrono::milliseconds limit) {
  std::shared_ptr<CudaContext> made(new CudaContext);
  cuda::Context context = nullptr;
  RETURN_IF_ERROR(driver->Check(driver->api().cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain"));
  made->context_ = context;
  made->device_ = device;
  made->limit_ = limit;
  made->driver_ = std::move(driver);
  return std::shared_ptr<const CudaContext>(std::move(made));
}

CudaContext::~CudaContext() {
  if (context_ != nullptr) (void)api().cuDevicePrimaryCtxRelease_v2(device_);
}

Status CudaContext::Enter() const { return driver_->Check(api().cuCtxSetCurrent(context_), "cuCtxSetCurrent"); }

Result<std::unique_ptr<CudaStream>> CudaStream::Create(std::shared_ptr<const CudaContext> context) {
  RETURN_IF_ERROR(context->Enter());
  std::unique_ptr<CudaStream> made(new CudaStream);
  cuda::Stream stream = nullptr;
  RETURN_IF_ERROR(context->driver().Check(context->api().cuStreamCreate(&stream, cuda::kNonBlocking), "cuStreamCreate"));
  made->stream_ = stream;
  made->context_ = std::move(context);
  return made;
}

CudaStream::~CudaStream() {
  if (stream_ == nullptr) return;
  // Nothing should be unmapped under a copy that is slow; one that hangs is not waited for.
  constexpr std::chrono::seconds kLastWait{1};
  (void)Await(Deadline::After(kLastWait));
  if (context_->Enter()) (void)context_->api().cuStreamDestroy_v2(stream_);
}

Status CudaStream::ToDevice(cuda::Pointer to, const void* from, size_t bytes) {
  if (bytes == 0) return OkStatus();
  RETURN_IF_ERROR(context_->Enter());
  const cuda::Code code = context_->api().cuMemcpyHtoDAsync_v2(to, from, bytes, stream_);
  return context_->driver().Check(code, Sized("cuMemcpyHtoDAsync", bytes));
}

Status CudaStream::ToHost(void* to, cuda::Pointer from, size_t bytes) {
  if (bytes == 0) return OkStatus();
  RETURN_IF_ERROR(context_->Enter());
  const cuda::Code code = context_->api().cuMemcpyDtoHAsync_v2(to, from, bytes, stream_);
  return context_->driver().Check(code, Sized("cuMemcpyDtoHAsync", bytes));
}

Status CudaStream::Within(cuda::Pointer to, cuda::Pointer from, size_t bytes) {
  if (bytes == 0) return OkStatus();
  RETURN_IF_ERROR(context_->Enter());
  const cuda::Code code = context_->api().cuMemcpyDtoDAsync_v2(to, from, bytes, stream_);
  return context_->driver().Check(code, Sized("cuMemcpyDtoDAsync", bytes));
}

Status CudaStream::Set(cuda::Pointer to, unsigned char value, size_t bytes) {
  if (bytes == 0) return OkStatus();
  RETURN_IF_ERROR(context_->Enter());
  const cuda::Code code = context_->api().cuMemsetD8Async(to, value, bytes, stream_);
  return context_->driver().Check(code, Sized("cuMemsetD8Async", bytes));
}

Status CudaStream::Launch(cuda::Function function, unsigned blocks, unsigned threads, void** parameters) {
  RETURN_IF_ERROR(context_->Enter());
  const cuda::Code code =
      context_->api().cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, stream_, parameters, nullptr);
  return context_->driver().Check(code, "cuLaunchKernel");
}

Status CudaStream::Await(Deadline deadline) const {
  RETURN_IF_ERROR(context_->Enter());
  while (true) {
    const cuda::Code code = context_->api().cuStreamQuery(stream_);
    if (code != cuda::kNotReady) return context_->driver().Check(code, "cuStreamQuery");
    if (deadline.Passed()) {
      return Error{ErrorCode::kDeadlineExceeded, "the device was not done in time: something else keeps it, or it hangs"};
    }
    ::sched_yield();  // what it waits for may be another process of this core
  }
}

Status CudaStream::AwaitOutsideTheClock() const {
  auto done = Await(Deadline::After(context_->limit()));
  if (done || done.error().code != ErrorCode::kDeadlineExceeded) return done;
  return Error{ErrorCode::kIo, done.error().context};
}

bool CudaStream::Idle() const { return context_->Enter() && context_->api().cuStreamQuery(stream_) == cuda::kSuccess; }

Result<CudaHostMemory> CudaHostMemory::Create(std::shared_ptr<const CudaContext> context, size_t bytes) {
  RETURN_IF_ERROR(context->Enter());
  void* at = nullptr;
  RETURN_IF_ERROR(context->driver().Check(context->api().cuMemHostAlloc(&at, bytes, 0), Sized("cuMemHostAlloc", bytes)));
  CudaHostMemory made;
  made.context_ = std::move(context);
  made.data_ = static_cast<std::byte*>(at);
  made.size_ = bytes;
  return made;
}

CudaHostMemory::CudaHostMemory(CudaHostMemory&& other) noexcept { *this = std::move(other); }

CudaHostMemory& CudaHostMemory::operator=(CudaHostMemory&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

CudaHostMemory::~CudaHostMemory() {
  if (data_ != nullptr && context_->Enter()) (void)context_->api().cuMemFreeHost(data_);
}

Result<CudaMemory> CudaMemory::Create(std::shared_ptr<const CudaContext> context, size_t bytes, bool shared) {
  RETURN_IF_ERROR(context->Enter());
  const CudaDriver& driver = context->driver();
  const cuda::AllocationProperties properties = PropertiesOf(context->device(), shared);
  size_t grain = 0;
  RETURN_IF_ERROR(driver.Check(
      driver.api().cuMemGetAllocationGranularity(&grain, &properties, cuda::kLeastGranularity),
      "cuMemGetAllocationGranularity"));
  if (grain == 0 || bytes == 0 || bytes > SIZE_MAX - grain) return Internal(Sized("device memory", bytes));
  CudaMemory made;
  made.context_ = std::move(context);
  made.size_ = (bytes + grain - 1) / grain * grain;
  RETURN_IF_ERROR(driver.Check(driver.api().cuMemCreate(&made.handle_, made.size_, &properties, 0),
                               Sized("cuMemCreate", made.size_)));
  made.has_handle_ = true;
  if (shared) {
    int descriptor = -1;
    RETURN_IF_ERROR(driver.Check(
        driver.api().cuMemExportToShareableHandle(&descriptor, made.handle_, cuda::kPosixDescriptor, 0),
        "cuMemExportToShareableHandle"));
    made.descriptor_.Reset(descriptor);
    // The driver does not say that it is born so.
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return Error::FromErrno("fcntl", "exported descriptor", errno);
  }
  RETURN_IF_ERROR(made.Map());
  return made;
}

Result<CudaMemory> CudaMemory::Import(std::shared_ptr<const CudaContext> context, int descriptor, size_t bytes) {
  RETURN_IF_ERROR(context->Enter());
  const CudaDriver& driver = context->driver();
  CudaMemory made;
  made.context_ = std::move(context);
  made.size_ = bytes;
  void* as_pointer = reinterpret_cast<void*>(static_cast<intptr_t>(descriptor));  // so says the documentation
  RETURN_IF_ERROR(driver.Check(
      driver.api().cuMemImportFromShareableHandle(&made.handle_, as_pointer, cuda::kPosixDescriptor),
      "cuMemImportFromShareableHandle"));
  made.has_handle_ = true;
  RETURN_IF_ERROR(made.Map());
  return made;
}

Status CudaMemory::Map() {
  const CudaDriver& driver = context_->driver();
  RETURN_IF_ERROR(driver.Check(driver.api().cuMemAddressReserve(&at_, size_, 0, 0, 0), Sized("cuMemAddressReserve", size_)));
  RETURN_IF_ERROR(driver.Check(driver.api().cuMemMap(at_, size_, 0, handle_, 0), Sized("cuMemMap", size_)));
  mapped_ = true;
  const cuda::AccessDescription access{{cuda::kOnDevice, context_->device()}, cuda::kReadWrite};
  return driver.Check(driver.api().cuMemSetAccess(at_, size_, &access, 1), Sized("cuMemSetAccess", size_));
}

CudaMemory::CudaMemory(CudaMemory&& other) noexcept { *this = std::move(other); }

CudaMemory& CudaMemory::operator=(CudaMemory&& other) noexcept {
  if (this == &other) return *this;
  Release();
  context_ = std::move(other.context_);
  handle_ = other.handle_;
  has_handle_ = std::exchange(other.has_handle_, false);
  mapped_ = std::exchange(other.mapped_, false);
  at_ = std::exchange(other.at_, 0);
  size_ = std::exchange(other.size_, 0);
  descriptor_ = std::move(other.descriptor_);
  return *this;
}

CudaMemory::~CudaMemory() { Release(); }

void CudaMemory::Release() {
  if (!context_ || !context_->Enter()) return;
  const cuda::Api& api = context_->api();
  if (mapped_) (void)api.cuMemUnmap(at_, size_);
  if (at_ != 0) (void)api.cuMemAddressFree(at_, size_);
  if (has_handle_) (void)api.cuMemRelease(handle_);
  mapped_ = has_handle_ = false;
  at_ = 0;
}

}  // namespace passnet::evaluator
