#include "sandbox/gpu.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/landlock.h"

namespace passnet::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFactsBytes = 64 << 10;  // of one file of the driver's /proc; about 500 bytes

// The value behind "name:" at the beginning of a line; empty when there is none.
std::string FieldOf(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.substr(0, name.size()) == name && line.substr(name.size(), 1) == ":") {
      return std::string(Trimmed(line.substr(name.size() + 1)));
    }
    at = end + 1;
  }
  return "";
}

bool IsNode(const std::string& path) {
  struct stat there;
  return stat(path.c_str(), &there) == 0 && S_ISCHR(there.st_mode);
}

}  // namespace

std::vector<HostGpu> HostGpus(const std::string& root) {
  std::vector<HostGpu> gpus;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(root + "/proc/driver/nvidia/gpus", failed)) {
    const Result<std::string> text = ReadFile((entry.path() / "information").native(), kMaxFactsBytes);
    if (text.has_error()) continue;
    HostGpu gpu;
    const std::string minor = FieldOf(*text, "Device Minor");
    const auto parsed = std::from_chars(minor.data(), minor.data() + minor.size(), gpu.minor);
    if (minor.empty() || parsed.ec != std::errc() || parsed.ptr != minor.data() + minor.size()) continue;
    gpu.uuid = FieldOf(*text, "GPU UUID");
    if (gpu.uuid.rfind("GPU-", 0) != 0 || gpu.uuid.find('?') != std::string::npos) gpu.uuid.clear();
    gpu.model = FieldOf(*text, "Model");
    gpu.pci_address = entry.path().filename().native();
    gpus.push_back(std::move(gpu));
  }
  std::sort(gpus.begin(), gpus.end(), [](const HostGpu& a, const HostGpu& b) { return a.pci_address < b.pci_address; });
  return gpus;
}

Result<GpuAccess> AccessTo(const HostGpu& gpu, const std::string& root) {
  const std::string dev = root + "/dev/";
  GpuAccess access;
  const std::string own = "nvidia" + std::to_string(gpu.minor);
  for (const std::string& name : {std::string("nvidiactl"), own, std::string("nvidia-uvm")}) {
    // nvidia-modprobe is a set-uid program, which a jail cannot use: what is missing must be made before.
    if (!IsNode(dev + name)) {
      return NotFound(dev + name + " is no device node: run nvidia-modprobe -c " + std::to_string(gpu.minor) +
                      " -u as root, or give the node to the container");
    }
    access.nodes.push_back(dev + name);
  }
  // Some drivers open it in cuInit, others do without (NVIDIA/OpenShell#710).
  if (IsNode(dev + "nvidia-uvm-tools")) access.nodes.push_back(dev + "nvidia-uvm-tools");
  // Without /sys cuInit ends with error 304 (truefoundry/trueforge#466).
  for (const char* path : {"/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/bus/pci/devices",
                           "/sys/module/nvidia", "/sys/module/nvidia_uvm"}) {
    if (std::error_code failed; fs::exists(root + path, failed)) access.files.push_back(root + path);
  }
  // The entry on the bus is a link to the device's own folder.
  std::error_code failed;
  const fs::path device = fs::canonical(root + "/sys/bus/pci/devices/" + gpu.pci_address, failed);
  if (!failed) access.files.push_back(device.native());
  return access;
}

void ShowGpu(const GpuAccess& gpu, RootSpec* jail) {
  jail->devices.insert(jail->devices.end(), gpu.nodes.begin(), gpu.nodes.end());
  jail->read_only.insert(jail->read_only.end(), gpu.files.begin(), gpu.files.end());
}

void AppendGpuRules(const GpuAccess& gpu, std::vector<LandlockRule>* rules) {
  for (const std::string& node : gpu.nodes) rules->push_back({kLandlockDevice, node});
  for (const std::string& path : gpu.files) rules->push_back({kLandlockRead, path});
  // cuInit writes its threads' names and takes a refusal for a failure (NVIDIA/OpenShell#1628). Landlock knows folders,
  // not names, so that what else stands there is open too: docs/sandbox.md, "On a GPU lane".
  rules->push_back({kLandlockWriteFile, "/proc/self/task"});
}

Result<std::vector<std::string>> OpenNodes(pid_t process, const std::vector<std::string>& nodes) {
  const std::string folder = "/proc/" + std::to_string(process) + "/fd";
  std::vector<dev_t> open;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    struct stat there;
    if (stat(entry.path().c_str(), &there) == 0 && S_ISCHR(there.st_mode)) open.push_back(there.st_rdev);
  }
  if (failed) return Error::FromErrno("read", folder, failed.value());
  std::vector<std::string> found;
  for (const std::string& node : nodes) {
    struct stat wanted;
    if (stat(node.c_str(), &wanted) == 0 && std::count(open.begin(), open.end(), wanted.st_rdev) != 0) {
      found.push_back(node);
    }
  }
  return found;
}

}  // namespace passnet::sandbox
