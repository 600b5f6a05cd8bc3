// A worker that makes its calls on the stand-in device: out = in + 1, honestly or not, as its first frame says. It maps what
// the lane's own attach fields tell, and answers the lane's own run commands.
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "evaluator/device/cuda_memory.h"
#include "evaluator/lane/worker_channel.h"
#include "evaluator/worker/run_protocol.h"
#include "tests/device/worker_words.h"
#include "tests/fakes/libcuda/control.h"

namespace passnet::evaluator {
namespace {

constexpr int kControl = 3;  // where the test puts the socket
constexpr char kModule[] = ".entry add_one( .entry add_one_late( .entry persistent(";

// Kernels run beside the process: they touch memory and nothing else.
void AddOne(const float* from, float* to) {
  for (uint32_t i = 0; i < kElements; ++i) to[i] = from[i] + 1;
}
template <typename T>
T Parameter(void** parameters, int index) {
  return *static_cast<T*>(parameters[index]);
}
void Rest() {
  const timespec turn{0, 50'000};
  ::syscall(SYS_nanosleep, &turn, nullptr);
}

void AddOneKernel(void** parameters) { AddOne(Parameter<float*>(parameters, 0), Parameter<float*>(parameters, 1)); }

// Work that is still going on when the worker has answered.
void LateKernel(void** parameters) {
  auto* words = Parameter<WorkerWords*>(parameters, 2);
  while (words->release.load() == 0) Rest();
  AddOneKernel(parameters);
  ++words->late;
}

// Is there before the clock runs and waits for inputs, of the first slot.
void PersistentKernel(void** parameters) {
  auto* from = Parameter<volatile float*>(parameters, 0);
  auto* words = Parameter<WorkerWords*>(parameters, 2);
  while (from[kElements - 1] == 0) {
    ++words->looks;
    Rest();
  }
  AddOneKernel(parameters);
  words->seen.store(1);
}

class Worker {
 public:
  Worker(const FrameWithFds& frame, const Json& first) : behaviour_(first["behaviour"].Text()), layout_(first["layout"]) {
    fakes::FakeCudaControl& fake = fakes::FakeCuda();
    fake.add_kernel("add_one", "88", AddOneKernel);
    fake.add_kernel("add_one_late", "888", LateKernel);
    fake.add_kernel("persistent", "888", PersistentKernel);
    driver_ = CudaDriver::Load(fakes::FakeCudaPath()).value();
    context_ = CudaContext::Of(driver_, 0).value();
    const Json& device = layout_["device"];
    headers_bytes_ = layout_["out_size"].Unsigned();
    void* at = ::mmap(nullptr, headers_bytes_ + kWordsBytes, PROT_READ | PROT_WRITE, MAP_SHARED, frame.fds[0].get(), 0);
    CHECK(at != MAP_FAILED);
    headers_ = static_cast<std::byte*>(at);
    words_ = reinterpret_cast<WorkerWords*>(headers_ + headers_bytes_);
    inputs_ = CudaMemory::Import(context_, frame.fds[1].get(), device["inputs_bytes"].Unsigned()).value();
    arena_ = CudaMemory::Import(context_, frame.fds[2].get(), device["arena_bytes"].Unsigned()).value();
    stream_ = CudaStream::Create(context_).value();
    side_ = CudaStream::Create(context_).value();
    CHECK(driver_->api().cuModuleLoadData(&module_, kModule) == cuda::kSuccess);
    if (behaviour_ == "persistent") Launch(*side_, "persistent", 0);
  }

  void Call(uint32_t calls) {
    if (calls == 0) return;
    for (uint32_t slot = 0; slot < calls; ++slot) {
      if (behaviour_ == "late") Launch(*stream_, "add_one_late", slot);
      if (behaviour_ == "side_stream") Launch(*side_, "add_one_late", slot);
      if (behaviour_ == "honest" || behaviour_ == "outside" || behaviour_ == "changes_input") Launch(*stream_, "add_one", slot);
      Tell(slot);
    }
    if (behaviour_ != "late") CHECK(stream_->Await(Deadline::After(std::chrono::seconds(60))));
    while (behaviour_ == "persistent" && words_->seen.load() == 0) Rest();
    if (behaviour_ == "changes_input") *reinterpret_cast<float*>(InputOf(0)) = -5;
  }

 private:
  uint64_t InputOf(uint32_t slot) const { return inputs_.at() + slot * layout_["in_stride"].Unsigned(); }
  static uint64_t OffsetOf(uint32_t slot) { return slot * 512; }

  void Launch(CudaStream& stream, const char* kernel, uint32_t slot) {
    uint64_t from = InputOf(slot), to = arena_.at() + OffsetOf(slot), words = reinterpret_cast<uint64_t>(words_);
    void* parameters[] = {&from, &to, &words};
    cuda::Function function = nullptr;
    CHECK(driver_->api().cuModuleGetFunction(&function, module_, kernel) == cuda::kSuccess);
    CHECK(stream.Launch(function, 1, kElements, parameters));
  }

  void Tell(uint32_t slot) {
    std::byte* at = headers_ + slot * layout_["out_stride"].Unsigned();
    const PnSlotHeader slot_header{1, {}};
    PnOutputHeader header{};
    header.kind = PN_OUTPUT_TENSOR;
    header.scalar_type = 6;
    header.ndim = 1;
    header.shape[0] = kElements;
    header.strides[0] = 1;
    header.data = layout_["device"]["arena_at"].Unsigned() + OffsetOf(slot);
    if (behaviour_ == "outside") header.data = arena_.at() + OffsetOf(slot);  // right, and not in the arena's own words
    if (behaviour_ == "view") header.data = layout_["device"]["inputs_at"].Unsigned();
    if (behaviour_ == "twice") header.data = layout_["device"]["arena_at"].Unsigned();
    std::memcpy(at, &slot_header, sizeof slot_header);
    std::memcpy(at + sizeof slot_header, &header, sizeof header);
  }

  const std::string behaviour_;
  const Json layout_;
  std::shared_ptr<const CudaDriver> driver_;
  std::shared_ptr<const CudaContext> context_;
  std::byte* headers_ = nullptr;
  size_t headers_bytes_ = 0;
  WorkerWords* words_ = nullptr;
  CudaMemory inputs_, arena_;
  std::unique_ptr<CudaStream> stream_, side_;
  cuda::Module module_ = nullptr;
};

int Serve() {
  WorkerChannel channel{UniqueFd(kControl)};
  auto frame = channel.ReceiveFrame(Deadline::Never(), 1u << 20, kMaxFrameFds);
  if (!frame) return 1;
  Worker worker(frame.value(), ParseJson(frame.value().json).value());
  if (!channel.SendFrame(R"({"jailed": true})", {}, Deadline::Never())) return 1;
  PnRunCommand command;
  while (::recv(channel.fd(), &command, sizeof command, MSG_WAITALL) == sizeof command) {
    if (command.kind == PN_RUN_CALL) worker.Call(command.count);
    const PnRunReply reply{command.nonce, PN_STATUS_OK, command.count, 0};
    if (::send(channel.fd(), &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace passnet::evaluator

int main() { return passnet::evaluator::Serve(); }
