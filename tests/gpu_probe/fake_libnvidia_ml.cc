// A stand-in for libnvidia-ml.so.1, as far as passnet-gpu-probe uses it. FAKE_NVML: "bad" (MIG on, persistence off, another
// process), "old" (a device that knows no MIG), anything else: all is well.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

bool Is(const char* name) {
  const char* set = getenv("FAKE_NVML");
  return set != nullptr && strcmp(set, name) == 0;
}

struct Process {
  unsigned pid;
  unsigned long long memory;
  unsigned gpu_instance, compute_instance;
};

}  // namespace

extern "C" {

int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetClockInfo(void*, int, unsigned* mhz) { return *mhz = 1000, 0; }
int nvmlDeviceGetTemperature(void*, int, unsigned* celsius) { return *celsius = 40, 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* reasons) { return *reasons = 0, 0; }
int nvmlDeviceGetTotalEccErrors(void*, int, int, unsigned long long* count) { return *count = 0, 0; }
int nvmlSystemGetDriverVersion(char* text, unsigned size) { return snprintf(text, size, "580.0"), 0; }
int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  *device = device;
  return strcmp(uuid, "GPU-00112233-4455-6677-8899-aabbccddeeff") == 0 ? 0 : 2;
}
int nvmlDeviceGetMigMode(void*, unsigned* now, unsigned* later) {
  *now = *later = Is("bad") ? 1 : 0;
  return Is("old") ? 3 : 0;
}
int nvmlDeviceGetPersistenceMode(void*, int* mode) { return *mode = Is("bad") ? 0 : 1, 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned* count, Process* found) {
  *count = Is("bad") ? 2 : 1;
  found[0].pid = static_cast<unsigned>(getpid());
  if (Is("bad")) found[1].pid = 1;
  return 0;
}
const char* nvmlErrorString(int) { return "an error"; }

}  // extern "C"
