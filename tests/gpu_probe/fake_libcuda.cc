// The stand-in driver (tests/fakes/libcuda, which this library needs) with another cuInit, for passnet-gpu-probe: it does what
// the real one is known to do, so that a jail that refuses any of it is found out: it makes a file in memory, asks its node (FAKE_CUDA_NODE) by ioctl
// (FAKE_CUDA_COMMAND), names a thread of its own and reads /sys (FAKE_CUDA_SYS). And the probe's kernel. No figure comes from it.
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

#include "evaluator/device/cuda_api.h"
#include "tests/fakes/libcuda/control.h"

namespace passnet::fakes {
namespace {

using namespace evaluator::cuda;

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

// The kernel's rounds as one multiplication and one addition.
void Step(void** parameters, uint32_t wrong_by) {
  auto* data = *static_cast<uint32_t**>(parameters[0]);
  const uint32_t count = *static_cast<uint32_t*>(parameters[1]), rounds = *static_cast<uint32_t*>(parameters[2]);
  uint32_t factor = 1, addend = wrong_by;
  for (uint32_t i = 0; i < rounds; ++i) {
    factor *= 1664525u;
    addend = addend * 1664525u + 1013904223u;
  }
  for (uint32_t i = 0; i < count; ++i) data[i] = data[i] * factor + addend;
}
void RightSteps(void** parameters) { Step(parameters, 0); }
void WrongSteps(void** parameters) { Step(parameters, 1); }

}  // namespace
}  // namespace passnet::fakes

using namespace passnet::fakes;
using namespace passnet::evaluator::cuda;

extern "C" __attribute__((visibility("default"))) FakeCudaControl* passnet_fake_cuda_control();

extern "C" __attribute__((visibility("default"))) Code cuInit(unsigned) {
  FakeCudaControl* control = passnet_fake_cuda_control();
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
  control->shares_memory = !Fault("no_export");
  control->add_kernel("steps", "844", Fault("wrong_result") ? WrongSteps : RightSteps);
  return named && there && NodeAnswers() ? kSuccess : kOperatingSystem;
}
