// What of NVIDIA's driver a GPU lane's jails see: its device nodes and the few files of the kernel that its library
// reads. The zygote's jail shows them (ShowGpu) and its policy allows the driver's commands (Loosening::kGpu); below it
// only a candidate that is given them can open them (CandidateOptions::uses_gpu).
// Never shown: /dev/nvidia-caps (MIG's and the driver's monitoring capabilities), -modeset, -drm, another GPU's node.
// Threads: blocking functions over values. Errors: kNotFound (no such GPU, a node is missing; the text says what makes
// it), kIo (a process's descriptors cannot be read).
// Source: NVIDIA's driver README, chapters "The /proc interface" and "nvidia-modprobe"; docs/gpu.md.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/plan_writer.h"
#include "sandbox/root.h"

namespace passnet::sandbox {

// One GPU as the kernel's driver names it.
struct HostGpu {
  int minor = -1;           // of /dev/nvidia<minor>
  std::string uuid;         // "GPU-…"; empty where the driver has not read it yet
  std::string model;
  std::string pci_address;  // "0000:65:00.0"
};

// By address; empty on a machine without the driver. `root`: for tests.
std::vector<HostGpu> HostGpus(const std::string& root = "");

struct GpuAccess {
  std::vector<std::string> nodes;  // opened for reading and writing, and asked by ioctl
  std::vector<std::string> files;  // read-only, beside SystemRoot: parts of /sys
};

Result<GpuAccess> AccessTo(const HostGpu& gpu, const std::string& root = "");

void ShowGpu(const GpuAccess& gpu, RootSpec* jail);

// What Landlock must let the GPU's user do, beside what it lets everybody.
void AppendGpuRules(const GpuAccess& gpu, std::vector<LandlockRule>* rules);

// Which of `nodes` the process has open, under whatever name. A process that forks others must have none: a context
// that stands in an ancestor is broken in every child, and would be shared by all of them.
Result<std::vector<std::string>> OpenNodes(pid_t process, const std::vector<std::string>& nodes);

}  // namespace passnet::sandbox
