// What `passnet doctor` says of the machine's GPUs: found by trying, like everything that it says. A machine without one
// gets one line, "no GPU", and nothing is started.
// Threads: blocking (a second or two a GPU), main thread only. Owns: the programs that it starts, which end with it; one
// that hangs in the driver is given up after a minute and left behind.
// Errors: none; what cannot be tried is a line that says why.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandbox/gpu.h"
#include "sandbox/probe.h"

namespace passnet::gpu_probe {

// Where the chain's plans stand in the program passnet-gpu-probe.
inline constexpr int kTaskPlanFd = 10;
inline constexpr int kCandidatePlanFd = 11;

struct Trial {
  std::string name;  // as trials.h says them
  bool ok = false;
  std::string found;
};

// What the check needs of the machine.
class GpuHost {
 public:
  virtual ~GpuHost() = default;
  virtual std::vector<sandbox::HostGpu> Gpus() = 0;
  virtual bool HasNodes() = 0;  // /dev/nvidiactl is there, whatever else is not
  virtual Result<sandbox::GpuAccess> Access(const sandbox::HostGpu& gpu) = 0;
  // The trials that were come to; an Error: the program could not be started, or gave no whole answer.
  virtual Result<std::vector<Trial>> TryPlain(const sandbox::HostGpu& gpu) = 0;
  // The same where a candidate would stand; `library`: where the plain one found the driver's.
  virtual Result<std::vector<Trial>> TryInJail(const sandbox::HostGpu& gpu, const sandbox::GpuAccess& access,
                                               const std::string& library) = 0;
  // The calls that the candidate's filter refuses the same program, as text; "" where they cannot be told.
  virtual std::string RefusedCalls(const sandbox::HostGpu& gpu, const sandbox::GpuAccess& access,
                                   const std::string& library) = 0;
  virtual bool HasControlGroups() = 0;
};

// `required`: of a machine that is to time on a GPU.
std::vector<sandbox::Capability> CheckGpus(GpuHost& host, bool required);

struct GpuHostOptions {
  std::string program;  // passnet-gpu-probe; "": the one beside the running program
  std::vector<std::string> arguments;                              // for both ways of running it
  std::vector<std::pair<std::string, std::string>> environment;    // beside CUDA's own
  std::vector<std::string> readable;                               // shown in the jail beside the system's folders
};
std::unique_ptr<GpuHost> ThisMachine(GpuHostOptions options = {});

}  // namespace passnet::gpu_probe
