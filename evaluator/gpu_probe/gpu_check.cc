#include "evaluator/gpu_probe/gpu_check.h"

#include <algorithm>
#include <array>

namespace passnet::gpu_probe {
namespace {

using sandbox::Capability;
using sandbox::HostGpu;

struct KnownTrial {
  const char* name;
  bool stands_in_the_way;  // of evaluating on it; the others make figures worse
  const char* fix;
};
constexpr std::array<KnownTrial, 9> kTrials = {{
    {"driver", true, "install NVIDIA's driver; in a container give it the GPU (--gpus, a CDI device) with its libraries"},
    {"device", true, "nvidia-smi -L must list it, and CUDA_VISIBLE_DEVICES must not hide it"},
    {"memory export", true, "a GPU and a driver with CUDA's virtual memory management (Volta, driver 470 or newer)"},
    {"kernel", true, "see the error's name; nvidia-smi -q tells of ECC errors, dmesg of Xid messages"},
    {"clock noise", false, "lock the clocks (nvidia-smi -lgc), look for other users and for heat (nvidia-smi -q -d CLOCK)"},
    {"management", false, "install libnvidia-ml.so.1, which belongs to the driver"},
    {"MIG", false, "nvidia-smi -i N -mig 0: a jail is not given the nodes of MIG slices"},
    {"persistence", false, "nvidia-smi -pm 1, else the driver forgets the clocks between two processes"},
    {"other users", false, "one lane has a GPU for itself; nvidia-smi tells who else is there"},
}};

std::string NameOf(const HostGpu& gpu) { return "GPU " + std::to_string(gpu.minor); }

// What followed the trial that failed was never come to.
const Trial* FirstFailure(const std::vector<Trial>& trials) {
  const auto failed = std::find_if(trials.begin(), trials.end(), [](const Trial& trial) { return !trial.ok; });
  return failed == trials.end() ? nullptr : &*failed;
}

std::vector<Capability> RowsOf(const HostGpu& gpu, const std::vector<Trial>& trials, bool required) {
  std::vector<Capability> rows;
  for (const Trial& trial : trials) {
    const auto known =
        std::find_if(kTrials.begin(), kTrials.end(), [&](const KnownTrial& each) { return trial.name == each.name; });
    const bool needed = required && known != kTrials.end() && known->stands_in_the_way;
    const std::string fix = known == kTrials.end() ? "see docs/gpu.md" : known->fix;
    rows.push_back({NameOf(gpu) + ": " + trial.name, trial.ok, needed, trial.found, trial.ok ? "" : fix});
  }
  return rows;
}

Capability NotTried(const std::string& name, const Error& error, bool required) {
  return {name, false, required, error.context, "see docs/gpu.md"};
}

// The driver's library as the trial names it: "/usr/lib/…/libcuda.so.1, CUDA 13.0".
std::string LibraryOf(const std::vector<Trial>& trials) {
  for (const Trial& trial : trials) {
    if (trial.name == "driver") return trial.found.substr(0, trial.found.find(','));
  }
  return "";
}

Capability InJail(GpuHost& host, const HostGpu& gpu, const sandbox::GpuAccess& access, const std::string& library,
                  bool required) {
  Capability row{NameOf(gpu) + ": in a candidate's jail", false, required, "", ""};
  const Result<std::vector<Trial>> trials = host.TryInJail(gpu, access, library);
  if (trials.has_error()) return NotTried(row.name, trials.error(), required);
  const auto ran = std::find_if(trials->begin(), trials->end(), [](const Trial& each) { return each.name == "kernel"; });
  row.ok = ran != trials->end() && ran->ok;
  if (row.ok) {
    row.why = "a context, exported memory and a kernel, behind mounts, Landlock and the filter";
    return row;
  }
  const Trial* failed = FirstFailure(*trials);
  row.why = failed == nullptr ? "it ended before its kernel" : failed->name + ": " + failed->found;
  if (const std::string calls = host.RefusedCalls(gpu, access, library); !calls.empty()) {
    row.why += "; the filter refused " + calls;
  }
  row.fix = "the same works outside of the jail: see docs/gpu.md, \"When the jail refuses the driver\"";
  return row;
}

Capability ControlGroups(GpuHost& host, bool required) {
  const bool there = host.HasControlGroups();
  return {"GPU: control groups", there, required, there ? "they count what files in memory hold" : "none",
          there ? "" : "delegate a cgroup v2 subtree: on a GPU lane candidates may make files in memory, which nothing "
                       "else counts"};
}

void CheckOne(GpuHost& host, const HostGpu& gpu, bool required, std::vector<Capability>* rows) {
  const Result<sandbox::GpuAccess> access = host.Access(gpu);
  if (access.has_error()) {
    rows->push_back(NotTried(NameOf(gpu) + ": device nodes", access.error(), required));
    rows->back().fix = "the text says what makes them";
    return;
  }
  std::string nodes;
  for (const std::string& node : access->nodes) nodes += (nodes.empty() ? "" : ", ") + node;
  rows->push_back({NameOf(gpu) + ": device nodes", true, required, gpu.model + ": " + nodes, ""});
  const Result<std::vector<Trial>> plain = host.TryPlain(gpu);
  if (plain.has_error()) {
    rows->push_back(NotTried(NameOf(gpu) + ": trials", plain.error(), required));
    return;
  }
  const std::vector<Capability> found = RowsOf(gpu, *plain, required);
  rows->insert(rows->end(), found.begin(), found.end());
  // A failure outside would only be told twice.
  const bool ran = std::any_of(plain->begin(), plain->end(), [](const Trial& trial) { return trial.name == "kernel" && trial.ok; });
  if (ran) rows->push_back(InJail(host, gpu, *access, LibraryOf(*plain), required));
}

}  // namespace

std::vector<Capability> CheckGpus(GpuHost& host, bool required) {
  const std::vector<HostGpu> gpus = host.Gpus();
  if (gpus.empty()) {
    if (!host.HasNodes()) return {{"GPU", false, required, "no GPU", "CPU lanes work without one"}};
    return {{"GPU", false, required, "/dev/nvidiactl is there, and no GPU in /proc/driver/nvidia/gpus",
             "load the driver (nvidia-smi does), and let a container see its part of /proc"}};
  }
  std::vector<Capability> rows;
  for (const HostGpu& gpu : gpus) CheckOne(host, gpu, required, &rows);
  rows.push_back(ControlGroups(host, required));
  return rows;
}

}  // namespace passnet::gpu_probe
