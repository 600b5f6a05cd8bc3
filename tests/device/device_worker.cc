// A worker that makes its calls on a device: out = in + 1, honestly or not, as its first frame says. It maps what the lane's own
// attach fields tell, and answers the lane's own run commands. Its kernels are there twice: in PTX for a GPU, and as functions of
// the host for the stand-in.
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
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
// What the functions below do, a thread an element. `words` is memory of the host that the device reaches.
constexpr char kModule[] = R"(.version 6.3
.target sm_70
.address_size 64
.visible .entry add_one(.param .u64 from, .param .u64 to, .param .u64 words)
{
  .reg .u64 %a<4>;
  .reg .u32 %t<2>;
  .reg .f32 %v<3>;
  ld.param.u64 %a1, [from];
  ld.param.u64 %a2, [to];
  mov.u32 %t1, %tid.x;
  mul.wide.u32 %a3, %t1, 4;
  add.u64 %a1, %a1, %a3;
  add.u64 %a2, %a2, %a3;
  ld.volatile.f32 %v1, [%a1];
  add.f32 %v2, %v1, 0f3F800000;
  st.volatile.f32 [%a2], %v2;
  ret;
}
.visible .entry add_one_late(.param .u64 from, .param .u64 to, .param .u64 words)
{
  .reg .pred %p<3>;
  .reg .u64 %a<5>;
  .reg .u32 %t<4>;
  .reg .f32 %v<3>;
  ld.param.u64 %a1, [from];
  ld.param.u64 %a2, [to];
  ld.param.u64 %a4, [words];
  mov.u32 %t1, %tid.x;
  mul.wide.u32 %a3, %t1, 4;
  add.u64 %a1, %a1, %a3;
  add.u64 %a2, %a2, %a3;
WAIT:
  nanosleep.u32 50000;
  ld.volatile.u32 %t2, [%a4];
  setp.eq.u32 %p1, %t2, 0;
  @%p1 bra WAIT;
  ld.volatile.f32 %v1, [%a1];
  add.f32 %v2, %v1, 0f3F800000;
  st.volatile.f32 [%a2], %v2;
  membar.sys;
  bar.sync 0;
  setp.ne.u32 %p2, %t1, 0;
  @%p2 bra DONE;
  atom.sys.add.u32 %t3, [%a4+12], 1;
DONE:
  ret;
}
.visible .entry spin(.param .u64 from, .param .u64 to, .param .u64 words)
{
  .reg .pred %p<2>;
  .reg .u64 %a<2>;
  .reg .u32 %t<2>;
  ld.param.u64 %a1, [words];
  mov.u32 %t1, 1;
  st.volatile.u32 [%a1+16], %t1;
AGAIN:
  ld.volatile.u32 %t1, [%a1];
  setp.eq.u32 %p1, %t1, 0;
  @%p1 bra AGAIN;
  ret;
}
.visible .entry persistent(.param .u64 from, .param .u64 to, .param .u64 words)
{
  .reg .pred %p<4>;
  .reg .u64 %a<6>;
  .reg .u32 %t<3>;
  .reg .f32 %v<4>;
  ld.param.u64 %a1, [from];
  ld.param.u64 %a2, [to];
  ld.param.u64 %a4, [words];
  mov.u64 %a5, %a1;
  mov.u32 %t1, %tid.x;
  setp.ne.u32 %p2, %t1, 0;
  mul.wide.u32 %a3, %t1, 4;
  add.u64 %a1, %a1, %a3;
  add.u64 %a2, %a2, %a3;
WAIT:
  @!%p2 atom.sys.add.u32 %t2, [%a4+4], 1;
  nanosleep.u32 50000;
  ld.volatile.f32 %v3, [%a5+252];
  setp.eq.f32 %p1, %v3, 0f00000000;
  @%p1 bra WAIT;
  ld.volatile.f32 %v1, [%a1];
  add.f32 %v2, %v1, 0f3F800000;
  st.volatile.f32 [%a2], %v2;
  membar.sys;
  bar.sync 0;
  @%p2 bra DONE;
  mov.u32 %t2, 1;
  st.volatile.u32 [%a4+8], %t2;
DONE:
  ret;
}
)";
static_assert(kElements == 64 && offsetof(WorkerWords, looks) == 4 && offsetof(WorkerWords, seen) == 8 &&
              offsetof(WorkerWords, late) == 12 && offsetof(WorkerWords, spinning) == 16);

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

// Does nothing for itself, and never leaves the device.
void SpinKernel(void** parameters) {
  auto* words = Parameter<WorkerWords*>(parameters, 2);
  words->spinning.store(1);
  while (words->release.load() == 0) Rest();
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
    const std::string library = first["driver"].Text();
    if (first["stand_in"].Flag()) GiveKernels(fakes::FakeCudaOf(library));
    driver_ = CudaDriver::Load(library).value();
    context_ = CudaContext::Of(driver_, 0).value();
    const Json& device = layout_["device"];
    headers_bytes_ = layout_["out_size"].Unsigned();
    void* at = ::mmap(nullptr, headers_bytes_ + kWordsBytes, PROT_READ | PROT_WRITE, MAP_SHARED, frame.fds[0].get(), 0);
    CHECK(at != MAP_FAILED);
    headers_ = static_cast<std::byte*>(at);
    words_ = reinterpret_cast<WorkerWords*>(headers_ + headers_bytes_);
    words_at_ = AtOnDevice(library, headers_, headers_bytes_ + kWordsBytes) + headers_bytes_;
    inputs_ = CudaMemory::Import(context_, frame.fds[1].get(), device["inputs_bytes"].Unsigned()).value();
    arena_ = CudaMemory::Import(context_, frame.fds[2].get(), device["arena_bytes"].Unsigned()).value();
    stream_ = CudaStream::Create(context_).value();
    side_ = CudaStream::Create(context_).value();
    CHECK(driver_->api().cuModuleLoadData(&module_, kModule) == cuda::kSuccess);
    if (behaviour_ == "persistent") Launch(*side_, "persistent", 0);
    if (behaviour_ == "spins") Launch(*side_, "spin", 0);
  }

  void Call(uint32_t calls) {
    if (calls == 0) return;
    for (uint32_t slot = 0; slot < calls; ++slot) {
      if (behaviour_ == "late") Launch(*stream_, "add_one_late", slot);
      if (behaviour_ == "side_stream") Launch(*side_, "add_one_late", slot);
      if (behaviour_ == "honest" || behaviour_ == "outside" || behaviour_ == "changes_input" ||
          behaviour_ == "spins") {
        Launch(*stream_, "add_one", slot);
      }
      Tell(slot);
    }
    if (behaviour_ != "late") CHECK(stream_->Await(Deadline::After(std::chrono::seconds(60))));
    while (behaviour_ == "persistent" && words_->seen.load() == 0) Rest();
    if (behaviour_ != "changes_input") return;
    CHECK(stream_->Set(InputOf(0), 0xc0, sizeof(float)));
    CHECK(stream_->Await(Deadline::After(std::chrono::seconds(60))));
  }

 private:
  static void GiveKernels(fakes::FakeCudaControl& fake) {
    fake.add_kernel("add_one", "88", AddOneKernel);
    fake.add_kernel("add_one_late", "888", LateKernel);
    fake.add_kernel("persistent", "888", PersistentKernel);
    fake.add_kernel("spin", "888", SpinKernel);
  }

  // Where the device has a part of the host's memory. A stand-in has it where the host does, and knows neither call.
  uint64_t AtOnDevice(const std::string& library, void* at, size_t bytes) const {
    void* loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto enter = reinterpret_cast<cuda::Code (*)(void*, size_t, unsigned)>(::dlsym(loaded, "cuMemHostRegister_v2"));
    const auto find =
        reinterpret_cast<cuda::Code (*)(cuda::Pointer*, void*, unsigned)>(::dlsym(loaded, "cuMemHostGetDevicePointer_v2"));
    if (enter == nullptr || find == nullptr) return reinterpret_cast<uint64_t>(at);
    constexpr unsigned kDeviceMap = 2;
    const auto page = static_cast<size_t>(::getpagesize());
    cuda::Pointer found = 0;
    CHECK(context_->Enter());
    CHECK(driver_->Check(enter(at, (bytes + page - 1) / page * page, kDeviceMap), "cuMemHostRegister"));
    CHECK(driver_->Check(find(&found, at, 0), "cuMemHostGetDevicePointer"));
    return found;
  }

  uint64_t InputOf(uint32_t slot) const { return inputs_.at() + slot * layout_["in_stride"].Unsigned(); }
  static uint64_t OffsetOf(uint32_t slot) { return slot * 512; }

  void Launch(CudaStream& stream, const char* kernel, uint32_t slot) {
    uint64_t from = InputOf(slot), to = arena_.at() + OffsetOf(slot), words = words_at_;
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
  uint64_t words_at_ = 0;  // on the device
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
