#include "evaluator/worker/native/device_kernels.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>

namespace passnet::worker::device_kernels {
namespace {

constexpr size_t kMostKernels = 256;  // what comes later is counted as one
constexpr size_t kMostKernelNameBytes = 128;
constexpr size_t kBufferBytes = 1u << 20;  // some 6,000 records
constexpr size_t kRecordAlignment = 8;
constexpr uint32_t kForced = 1;            // CUPTI_ACTIVITY_FLAG_FLUSH_FORCED
// CUpti_ActivityKind: KERNEL, and CONCURRENT_KERNEL, which lets kernels run as they would.
constexpr uint32_t kKernel = 3, kConcurrentKernel = 10;

// What every version's record of a kernel begins with. The numbers after its name are not looked at.
struct KernelRecord {
  uint32_t kind;
  uint8_t cache_config, shared_memory_config;
  uint16_t registers;
  uint32_t partitioned_asked, partitioned_had;
  uint64_t start, end, completed;  // ns; 0: unknown
  uint32_t device, context, stream;
  int32_t grid[3], block[3];
  int32_t static_shared, dynamic_shared;
  uint32_t local_a_thread, local;
  uint32_t correlation;
  int64_t grid_id;
  const char* name;
};
static_assert(offsetof(KernelRecord, start) == 16 && offsetof(KernelRecord, name) == 104);

using Requested = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using Completed = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t bytes, size_t valid);

struct Cupti {
  int (*register_callbacks)(Requested, Completed) = nullptr;
  int (*enable)(uint32_t kind) = nullptr;
  int (*disable)(uint32_t kind) = nullptr;
  int (*flush)(uint32_t flag) = nullptr;
  int (*next_record)(uint8_t* buffer, size_t valid, void** record) = nullptr;
  int (*lost_records)(void* context, uint32_t stream, size_t* lost) = nullptr;
  int (*result_text)(int result, const char** text) = nullptr;
};

Cupti g_cupti;
bool g_tried = false;
std::string g_why_not;           // of loading it
std::string g_library;           // another than the usual ones
std::mutex g_mutex;              // of what follows
Recorded g_recorded;

std::string Readable(const char* name) {
  if (name == nullptr) return "?";
  // Of others it would take a part for a type: "f" is float's.
  const bool mangled = std::strncmp(name, "_Z", 2) == 0;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(
      mangled ? abi::__cxa_demangle(name, nullptr, nullptr, &status) : nullptr, std::free);
  std::string text = plain != nullptr ? plain.get() : name;
  if (text.size() > kMostKernelNameBytes) text.resize(kMostKernelNameBytes);
  return text;
}

void Add(const KernelRecord& record) {
  const std::string name = Readable(record.name);
  auto& kernels = g_recorded.kernels;
  auto found = std::find_if(kernels.begin(), kernels.end(), [&](const KernelTime& one) { return one.name == name; });
  if (found == kernels.end()) {
    found = kernels.size() < kMostKernels ? kernels.insert(kernels.end(), {name, 0, 0}) : std::prev(kernels.end());
  }
  ++found->launches;
  if (record.end > record.start) found->nanoseconds += record.end - record.start;
}

void GiveBuffer(uint8_t** buffer, size_t* bytes, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(kRecordAlignment, kBufferBytes));
  *bytes = *buffer != nullptr ? kBufferBytes : 0;
  *most_records = 0;  // as many as fit
}

void TakeBuffer(void* context, uint32_t stream, uint8_t* buffer, size_t, size_t valid) {
  {
    const std::lock_guard lock(g_mutex);
    void* record = nullptr;
    while (valid > 0 && g_cupti.next_record(buffer, valid, &record) == 0) {
      const auto& kernel = *static_cast<const KernelRecord*>(record);
      if (kernel.kind == kKernel || kernel.kind == kConcurrentKernel) Add(kernel);
    }
    size_t lost = 0;
    if (g_cupti.lost_records(context, stream, &lost) == 0) g_recorded.lost += lost;
  }
  std::free(buffer);
}

std::string Failed(const char* call, int result) {
  const char* text = nullptr;
  if (g_cupti.result_text(result, &text) != 0 || text == nullptr) text = "no text";
  return std::string(call) + ": " + text + " (" + std::to_string(result) + ")";
}

template <typename Call>
bool Find(void* library, const char* symbol, Call* call) {
  *call = reinterpret_cast<Call>(::dlsym(library, symbol));
  if (*call == nullptr) g_why_not = std::string("CUPTI has no ") + symbol;
  return *call != nullptr;
}

void* LoadLibrary() {
  if (!g_library.empty()) return ::dlopen(g_library.c_str(), RTLD_NOW | RTLD_LOCAL);
  for (const char* name : {"libcupti.so.13", "libcupti.so.12", "libcupti.so"}) {
    if (void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

void LoadOnce() {
  if (g_tried) return;
  g_tried = true;
  void* library = LoadLibrary();
  if (library == nullptr) {
    const char* text = ::dlerror();
    g_why_not = std::string("no CUPTI: ") + (text != nullptr ? text : "unknown");
    return;
  }
  const bool found = Find(library, "cuptiActivityRegisterCallbacks", &g_cupti.register_callbacks) &&
                     Find(library, "cuptiActivityEnable", &g_cupti.enable) &&
                     Find(library, "cuptiActivityDisable", &g_cupti.disable) &&
                     Find(library, "cuptiActivityFlushAll", &g_cupti.flush) &&
                     Find(library, "cuptiActivityGetNextRecord", &g_cupti.next_record) &&
                     Find(library, "cuptiActivityGetNumDroppedRecords", &g_cupti.lost_records) &&
                     Find(library, "cuptiGetResultString", &g_cupti.result_text);
  if (!found) return;
  const int result = g_cupti.register_callbacks(GiveBuffer, TakeBuffer);
  if (result != 0) g_why_not = Failed("cuptiActivityRegisterCallbacks", result);
}

void Note(std::string why_not) {
  const std::lock_guard lock(g_mutex);
  if (g_recorded.why_not.empty()) g_recorded.why_not = std::move(why_not);
}

// The letters that a name in C++ has; what else is in one is nobody's name.
std::string InJson(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c;
  return text + "\"";
}

}  // namespace

void UseLibrary(const std::string& path) {
  g_library = path;
  g_tried = false;
  g_why_not.clear();
}

void Begin() {
  LoadOnce();
  {
    const std::lock_guard lock(g_mutex);
    g_recorded = Recorded();
    g_recorded.why_not = g_why_not;
  }
  if (!g_why_not.empty()) return;
  const int result = g_cupti.enable(kConcurrentKernel);
  if (result != 0) Note(Failed("cuptiActivityEnable", result));
}

void End() {
  if (!g_why_not.empty() || !g_tried) return;
  const int result = g_cupti.flush(kForced);
  if (result != 0) Note(Failed("cuptiActivityFlushAll", result));
  (void)g_cupti.disable(kConcurrentKernel);
}

const Recorded& Last() { return g_recorded; }

std::string Tell() {
  const std::lock_guard lock(g_mutex);
  std::string text;
  for (const KernelTime& kernel : g_recorded.kernels) {
    text += (text.empty() ? "" : ", ") + std::string("{\"name\": ") + InJson(kernel.name) + ", \"count\": " +
            std::to_string(kernel.launches) + ", \"ns\": " + std::to_string(kernel.nanoseconds) + "}";
  }
  return "[" + text + "]";
}

}  // namespace passnet::worker::device_kernels
