// The calls of CUPTI's Activity API that passnet makes. Records wait until they are flushed; each has 160 bytes, as CUDA 12's of
// a kernel, of which kind, start, end and name are set.
#include <cstring>
#include <vector>

#include "tests/fakes/libcupti/control.h"

namespace passnet::fakes {
namespace {

constexpr uint32_t kMemcpy = 1, kConcurrentKernel = 10;
constexpr int kSuccess = 0, kMaxLimitReached = 12;
constexpr size_t kRecordBytes = 160, kStartAt = 16, kEndAt = 24, kNameAt = 104;

using Requested = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using Completed = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t bytes, size_t valid);

struct Waiting {
  uint32_t kind;
  const char* name;
  uint64_t start, end;
};

struct FakeCuptiState {
  FakeCuptiControl control;
  Requested requested = nullptr;
  Completed completed = nullptr;
  bool enabled = false;
  std::vector<Waiting> waiting;
};

FakeCuptiState& Cupti();

void Ran(const char* name, uint64_t start, uint64_t end) {
  if (Cupti().enabled) Cupti().waiting.push_back({kConcurrentKernel, name, start, end});
}
void Copied() {
  if (Cupti().enabled) Cupti().waiting.push_back({kMemcpy, nullptr, 1, 2});
}

FakeCuptiState& Cupti() {
  static FakeCuptiState state = [] {
    FakeCuptiState made;
    made.control.ran = Ran;
    made.control.copied = Copied;
    return made;
  }();
  return state;
}

void Write(const Waiting& one, uint8_t* at) {
  std::memset(at, 0xee, kRecordBytes);
  std::memcpy(at, &one.kind, sizeof one.kind);
  std::memcpy(at + kStartAt, &one.start, sizeof one.start);
  std::memcpy(at + kEndAt, &one.end, sizeof one.end);
  std::memcpy(at + kNameAt, &one.name, sizeof one.name);
}

}  // namespace
}  // namespace passnet::fakes

#define CALL extern "C" __attribute__((visibility("default")))

using namespace passnet::fakes;

CALL FakeCuptiControl* passnet_fake_cupti_control() { return &Cupti().control; }

CALL int cuptiActivityRegisterCallbacks(Requested requested, Completed completed) {
  Cupti().requested = requested;
  Cupti().completed = completed;
  return kSuccess;
}
CALL int cuptiActivityEnable(uint32_t kind) {
  if (Cupti().control.enable_fails_with != 0) return Cupti().control.enable_fails_with;
  Cupti().enabled = kind == kConcurrentKernel;
  return kSuccess;
}
CALL int cuptiActivityDisable(uint32_t) {
  Cupti().enabled = false;
  return kSuccess;
}
// As many buffers as it takes.
CALL int cuptiActivityFlushAll(uint32_t) {
  FakeCuptiState& state = Cupti();
  for (size_t next = 0; next < state.waiting.size();) {
    uint8_t* buffer = nullptr;
    size_t bytes = 0, most = 0, used = 0;
    state.requested(&buffer, &bytes, &most);
    ++state.control.buffers;
    if (buffer == nullptr) break;
    for (; next < state.waiting.size() && used + kRecordBytes <= bytes; used += kRecordBytes) {
      Write(state.waiting[next++], buffer + used);
    }
    state.completed(nullptr, 0, buffer, bytes, used);
  }
  state.waiting.clear();
  return kSuccess;
}
CALL int cuptiActivityGetNextRecord(uint8_t* buffer, size_t valid, void** record) {
  uint8_t* next = *record == nullptr ? buffer : static_cast<uint8_t*>(*record) + kRecordBytes;
  if (next + kRecordBytes > buffer + valid) return kMaxLimitReached;
  *record = next;
  return kSuccess;
}
CALL int cuptiActivityGetNumDroppedRecords(void*, uint32_t, size_t* lost) {
  *lost = Cupti().control.lost;
  Cupti().control.lost = 0;
  return kSuccess;
}
CALL int cuptiGetResultString(int, const char** text) {
  *text = "of the stand-in";
  return kSuccess;
}
