#include "evaluator/lane/find_gpu.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/fields.h"
#include "base/json.h"
#include "base/unique_fd.h"
#include "evaluator/device/cuda_device.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMostSaid = 256u << 10;  // a device is a line of 100 bytes

struct ListedGpu {
  std::string uuid, pci;
};

struct GpuList {
  std::string driver;
  std::vector<ListedGpu> gpus;
  std::string error;  // why there is none
  bool none = false;  // it says that there is no GPU; otherwise that it failed
};

std::string InSmallLetters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// Where the loader found it: jails have no cache of the loader's to find it by name.
std::string FileOfLibrary(const CudaDriver& driver) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(driver.api().cuInit), &info) == 0 || info.dli_fname == nullptr) return "";
  return info.dli_fname;
}

Result<Json> ListDevices(const std::string& library) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CudaDriver> driver, CudaDriver::Load(library));
  const cuda::Api& api = driver->api();
  int count = 0;
  RETURN_IF_ERROR(driver->Check(api.cuDeviceGetCount(&count), "cuDeviceGetCount"));
  Json gpus = Json::MakeArray();
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cuda::DeviceNumber device = 0;
    cuda::Uuid uuid{};
    char pci[32] = {};
    RETURN_IF_ERROR(driver->Check(api.cuDeviceGet(&device, ordinal), "cuDeviceGet"));
    RETURN_IF_ERROR(driver->Check(api.cuDeviceGetUuid_v2(&uuid, device), "cuDeviceGetUuid"));
    RETURN_IF_ERROR(driver->Check(api.cuDeviceGetPCIBusId(pci, sizeof pci - 1, device), "cuDeviceGetPCIBusId"));
    gpus.Push({{"uuid", UuidText(uuid)}, {"pci", InSmallLetters(pci)}});
  }
  return Json{{"driver", FileOfLibrary(*driver)}, {"gpus", gpus}};
}

// The child's whole life.
[[noreturn]] void Tell(const std::string& library, int to) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
  auto list = ListDevices(library);
  const Json said = list ? std::move(list).value()
                         : Json{{"error", list.error().context}, {"none", list.error().code == ErrorCode::kNotFound}};
  const std::string text = said.Dump();
  const bool whole = ::write(to, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::_exit(whole ? 0 : 1);
}

// Until the other side closes.
Result<std::string> ReadToEnd(int fd, Deadline deadline) {
  std::string said;
  char buffer[4096];
  while (said.size() < kMostSaid) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, deadline.PollMillis());
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error{ErrorCode::kDeadlineExceeded, "the GPU's driver did not say in time which devices it has"};
    if (ready < 0) return Error::FromErrno("poll", "list of GPUs", errno);
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::FromErrno("read", "list of GPUs", errno);
    if (got == 0) return said;
    said.append(buffer, static_cast<size_t>(got));
  }
  return DataCorrupt("the list of GPUs is longer than " + std::to_string(kMostSaid) + " bytes");
}

Result<std::string> AskInChild(const std::string& library, Deadline deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::FromErrno("pipe2", "list of GPUs", errno);
  UniqueFd from(ends[0]), to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return Error::FromErrno("fork", "list of GPUs", errno);
  if (child == 0) Tell(library, to.get());
  to.Reset();
  auto said = ReadToEnd(from.get(), deadline);
  ::kill(child, SIGKILL);
  // One that stands in a driver that hangs may not end: not waited for, it ends with us at the latest.
  ::waitpid(child, nullptr, said ? 0 : WNOHANG);
  return said;
}

Result<GpuList> ReadList(const std::string& said) {
  constexpr const char* kWho = "the list of GPUs";
  ASSIGN_OR_RETURN(const Json json, ParseJsonObject(said, kWho));
  GpuList list;
  FieldReader fields(json, UnknownKeys::kIgnored);
  fields.Text("driver", &list.driver);
  fields.Text("error", &list.error);
  fields.Flag("none", &list.none);
  VisitList(fields, "gpus", &list.gpus, [](FieldVisitor& of, ListedGpu& gpu) {
    of.Text("uuid", &gpu.uuid);
    of.Text("pci", &gpu.pci);
  });
  RETURN_IF_ERROR(fields.Check(kWho));
  return list;
}

std::string Listed(const std::vector<ListedGpu>& gpus) {
  std::string text;
  for (size_t i = 0; i < gpus.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string("cuda:") + std::to_string(i) + " (" + gpus[i].uuid + ")";
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Result<FoundGpu> FindGpu(const DeviceName& name, const std::string& library, Deadline deadline) {
  ASSIGN_OR_RETURN(const std::string said, AskInChild(library, deadline));
  if (said.empty()) return Error{ErrorCode::kIo, "the GPU's driver ended the process that asked it for its devices"};
  ASSIGN_OR_RETURN(const GpuList list, ReadList(said));
  if (!list.error.empty()) return Error{list.none ? ErrorCode::kNotFound : ErrorCode::kIo, list.error};
  for (size_t i = 0; i < list.gpus.size(); ++i) {
    const ListedGpu& gpu = list.gpus[i];
    if (name.number ? static_cast<size_t>(*name.number) != i : gpu.uuid != name.uuid) continue;
    return FoundGpu{gpu.uuid, gpu.pci, list.driver};
  }
  return NotFound("no GPU " + (name.number ? "cuda:" + std::to_string(*name.number) : name.uuid) + ": the driver has " +
                  Listed(list.gpus));
}

Result<sandbox::GpuAccess> AccessTo(const FoundGpu& gpu) {
  for (const sandbox::HostGpu& host : sandbox::HostGpus()) {
    if (host.uuid == gpu.uuid || InSmallLetters(host.pci_address) == gpu.pci) return sandbox::AccessTo(host);
  }
  return NotFound("/proc/driver/nvidia/gpus does not know " + gpu.uuid + " at " + gpu.pci +
                  ": the container must be given the driver's part of /proc");
}

}  // namespace passnet::evaluator
