// A stand-in for libcuda.so.1, as far as passnet-gpu-probe uses it: memory is files in memory, a kernel is a loop, a
// device is nothing at all. No figure comes from it. Its cuInit does what the real one is known to do, so that a jail that
// refuses any of it is found out: it makes a file in memory, asks its node (FAKE_CUDA_NODE) by ioctl (FAKE_CUDA_COMMAND),
// names a thread of its own and reads /sys (FAKE_CUDA_SYS).
// FAKE_CUDA_FAULT: "no_device", "wrong_result", "no_export", "silent" (ends the process).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr int kDone = 0, kInvalidValue = 1, kNoDevice = 100, kOperatingSystem = 304;

bool Fault(const char* name) {
  const char* fault = getenv("FAKE_CUDA_FAULT");
  return fault != nullptr && strcmp(fault, name) == 0;
}

void* NameItself(void* named) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", static_cast<int>(gettid()));
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  *static_cast<bool*>(named) = fd >= 0 && write(fd, "cuda-EvtHandlr", 14) == 14;
  if (fd >= 0) close(fd);
  return nullptr;
}

bool NodeAnswers() {
  const char* node = getenv("FAKE_CUDA_NODE");
  if (node == nullptr) return true;
  const char* command = getenv("FAKE_CUDA_COMMAND");
  const int fd = open(node, O_RDWR | O_CLOEXEC);
  // What stands in for the node knows no command.
  return fd >= 0 && ioctl(fd, strtoul(command, nullptr, 0), nullptr) < 0 && errno == ENOTTY;
}

}  // namespace

extern "C" {

int cuGetErrorName(int error, const char** name) {
  *name = error == kOperatingSystem ? "CUDA_ERROR_OPERATING_SYSTEM" : error == kNoDevice ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR";
  return kDone;
}

int cuInit(unsigned) {
  if (Fault("silent")) _exit(0);
  if (Fault("no_device")) return kNoDevice;
  const int file = memfd_create("cuda", MFD_CLOEXEC);
  bool named = false;
  pthread_t thread;
  if (file < 0 || pthread_create(&thread, nullptr, NameItself, &named) != 0) return kOperatingSystem;
  pthread_join(thread, nullptr);
  close(file);
  const char* system_folder = getenv("FAKE_CUDA_SYS");
  DIR* opened = system_folder == nullptr ? nullptr : opendir(system_folder);
  const bool there = system_folder == nullptr || opened != nullptr;
  if (opened != nullptr) closedir(opened);
  return named && there && NodeAnswers() ? kDone : kOperatingSystem;
}

int cuDriverGetVersion(int* version) { return *version = 13000, kDone; }
int cuDeviceGetCount(int* count) { return *count = 1, kDone; }
int cuDeviceGet(int* device, int) { return *device = 0, kDone; }
int cuDeviceGetName(char* name, int size, int) { return snprintf(name, static_cast<size_t>(size), "no GPU, a stand-in"), kDone; }
int cuDeviceGetUuid_v2(unsigned char* uuid, int) { return memset(uuid, 0xab, 16), kDone; }
int cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = 1 << 30, kDone; }
int cuDeviceGetAttribute(int* value, int which, int) {
  *value = which == 103 && Fault("no_export") ? 0 : which == 75 ? 9 : 1;
  return kDone;
}
int cuDevicePrimaryCtxRetain(void** context, int) { return *context = context, kDone; }
int cuCtxSetCurrent(void*) { return kDone; }
int cuCtxSynchronize() { return kDone; }

int cuModuleLoadData(void** module, const void* image) {
  *module = module;
  return strstr(static_cast<const char*>(image), ".entry steps(") != nullptr ? kDone : kInvalidValue;
}
int cuModuleGetFunction(void** function, void*, const char*) { return *function = function, kDone; }

// The kernel's rounds as one multiplication and one addition.
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void** parameters, void**) {
  uint32_t* data = *static_cast<uint32_t**>(parameters[0]);
  const uint32_t count = *static_cast<uint32_t*>(parameters[1]), rounds = *static_cast<uint32_t*>(parameters[2]);
  uint32_t factor = 1, addend = Fault("wrong_result") ? 1 : 0;
  for (uint32_t i = 0; i < rounds; ++i) {
    factor *= 1664525u;
    addend = addend * 1664525u + 1013904223u;
  }
  for (uint32_t i = 0; i < count; ++i) data[i] = data[i] * factor + addend;
  return kDone;
}

int cuMemcpyHtoD_v2(unsigned long long to, const void* from, size_t size) {
  return memcpy(reinterpret_cast<void*>(to), from, size), kDone;
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, size_t size) {
  return memcpy(to, reinterpret_cast<void*>(from), size), kDone;
}

int cuMemGetAllocationGranularity(size_t* size, const void*, int) { return *size = 2 << 20, kDone; }
int cuMemCreate(unsigned long long* handle, size_t size, const void*, unsigned long long) {
  const int fd = memfd_create("device memory", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) return kOperatingSystem;
  *handle = static_cast<unsigned long long>(fd);
  return kDone;
}
int cuMemRelease(unsigned long long handle) { return close(static_cast<int>(handle)), kDone; }
int cuMemExportToShareableHandle(void* descriptor, unsigned long long handle, int, unsigned long long) {
  return *static_cast<int*>(descriptor) = dup(static_cast<int>(handle)), kDone;
}
int cuMemImportFromShareableHandle(unsigned long long* handle, void* descriptor, int) {
  *handle = static_cast<unsigned long long>(dup(static_cast<int>(reinterpret_cast<intptr_t>(descriptor))));
  return kDone;
}
int cuMemAddressReserve(unsigned long long* address, size_t size, size_t, unsigned long long, unsigned long long) {
  void* reserved = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  *address = reinterpret_cast<unsigned long long>(reserved);
  return reserved == MAP_FAILED ? kOperatingSystem : kDone;
}
int cuMemMap(unsigned long long address, size_t size, size_t, unsigned long long handle, unsigned long long) {
  void* mapped = mmap(reinterpret_cast<void*>(address), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                      static_cast<int>(handle), 0);
  return mapped == MAP_FAILED ? kOperatingSystem : kDone;
}
int cuMemSetAccess(unsigned long long, size_t, const void*, size_t) { return kDone; }

}  // extern "C"
