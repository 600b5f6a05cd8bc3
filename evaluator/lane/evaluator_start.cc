// How an evaluator comes up, step by step.
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/sha256.h"
#include "evaluator/api/device_name.h"
#include "evaluator/device/cpu_device.h"
#include "evaluator/device/nvrtc.h"
#include "evaluator/lane/evaluator.h"
#include "evaluator/lane/find_gpu.h"
#include "evaluator/lane/gpu_facts.h"
#include "evaluator/lane/host_facts.h"
#include "sandbox/cgroup.h"

namespace passnet::evaluator {
namespace {

constexpr std::chrono::seconds kStartLimit{120};  // importing torch on a cold disk
constexpr const char* kTorchCuda = "cuda";
constexpr std::chrono::microseconds kLateOnStandIn{50'000};
constexpr const char* kUsualNvcc = "/usr/local/cuda/bin/nvcc";

Result<std::vector<int>> UsableCores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return Error::FromErrno("sched_getaffinity", "", errno);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

// Candidates of a CUDA lane may make files in memory, whose pages nothing but a group counts.
Status CheckGroupsForCuda(const EvaluatorOptions& options) {
  const sandbox::CgroupSupport& groups = sandbox::DetectCgroups();
  if (groups.tier != sandbox::CgroupTier::kNone && !options.polled_limits) return OkStatus();
  return Error{ErrorCode::kUnavailable,
               "a CUDA lane needs control groups, which alone count what its candidates keep in memory: " +
                   (options.polled_limits ? std::string("it was started with --polled-limits") : groups.why) +
                   "; docs/gpu.md, \"Setting one up\", says how to delegate them"};
}

// One that was named must work; the usual one is used where it is there.
std::filesystem::path NvccFor(const EvaluatorOptions& options) {
  if (!options.nvcc.empty()) return options.nvcc;
  std::error_code failed;
  return std::filesystem::exists(kUsualNvcc, failed) ? kUsualNvcc : "";
}

}  // namespace

Result<std::unique_ptr<Evaluator>> Evaluator::Create(const EvaluatorOptions& options) {
  if (options.threads != 1) {
    return InvalidArgument("a lane times on one core: threads = " + std::to_string(options.threads) + " is not supported");
  }
  std::unique_ptr<Evaluator> made(new Evaluator(options));
  RETURN_IF_ERROR(made->ChooseCores());
  RETURN_IF_ERROR(made->StartZygote());
  RETURN_IF_ERROR(made->OpenDevice());
  RETURN_IF_ERROR(made->MakeCompilers());
  RETURN_IF_ERROR(made->OpenTimingCore());
  made->data_ = std::make_unique<HelperThread>("pn-data", made->other_cores_);
  made->maker_ = std::make_unique<HelperThread>("pn-maker", made->other_cores_);
  made->instruments_.emplace(Instruments{*made->timing_core_, *made->device_, made->other_cores_, *made->data_,
                                   *made->maker_, made->decisions_, made->draws_, made->blocks_, made->options_.ablation});
  made->NoteEnvironment();
  return made;
}

Evaluator::~Evaluator() {
  if (!usable_cores_.empty()) (void)PinToCores(usable_cores_);
}

Status Evaluator::ChooseCores() {
  ASSIGN_OR_RETURN(usable_cores_, UsableCores());
  if (options_.timing_core < 0) options_.timing_core = usable_cores_.back();
  const int timing = options_.timing_core;
  if (std::find(usable_cores_.begin(), usable_cores_.end(), timing) == usable_cores_.end()) {
    return InvalidArgument("timing core " + std::to_string(timing) + " is not among the cores this process may use");
  }
  for (int core : usable_cores_) {
    if (core != timing) other_cores_.push_back(core);
  }
  // With a single core everything shares it; the noise in the report then shows it.
  if (other_cores_.empty()) other_cores_ = {timing};
  return OkStatus();
}

// What the zygote and its jails need to know of the device: its driver is not loaded here before the zygote is up.
Status Evaluator::FindDevice() {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(options_.device));
  if (!name.cuda) return OkStatus();
  const bool stand_in = options_.cuda.torch_device != kTorchCuda;
  if (!stand_in) RETURN_IF_ERROR(CheckGroupsForCuda(options_));
  ASSIGN_OR_RETURN(const FoundGpu found, FindGpu(name, options_.cuda.driver_library, Deadline::After(kStartLimit)));
  gpu_.emplace(GpuInJail{{}, found.uuid, found.driver});
  if (!stand_in) {
    ASSIGN_OR_RETURN(gpu_->access, AccessTo(found));
  } else {
    // Its work is the host's: that some is late says that the host is busy.
    options_.cuda.late_by = std::max(options_.cuda.late_by, kLateOnStandIn);
  }
  options_.cuda.uuid = found.uuid;
  options_.cuda.driver_library = found.driver;
  options_.cuda.nvrtc_libraries =
      options_.nvrtc.empty() ? NvrtcLibraries(options_.python) : std::vector<std::string>{options_.nvrtc.native()};
  torch_device_ = options_.cuda.torch_device;
  return OkStatus();
}

Status Evaluator::StartZygote() {
  RETURN_IF_ERROR(FindDevice());
  ZygoteOptions zygote{options_.python, options_.worker_dir, options_.threads, other_cores_, options_.candidate_memory_bytes,
                       options_.polled_limits ? sandbox::LimitsBy::kPolling : sandbox::LimitsBy::kBestOfHost, gpu_};
  ASSIGN_OR_RETURN(zygote_, Zygote::Start(zygote, Deadline::After(kStartLimit)));
  return OkStatus();
}

Status Evaluator::OpenDevice() {
  if (!OnCuda()) {
    device_ = std::make_unique<CpuDevice>();
    return OkStatus();
  }
  ASSIGN_OR_RETURN(device_, CudaDevice::Open(options_.cuda));
  ASSIGN_OR_RETURN(const HostLock::Hold lease, device_->Lease(Deadline::After(kStartLimit), {}));
  ASSIGN_OR_RETURN(device_facts_, WithKeptFigures(device_->facts(), options_.cache_dir / "devices"));
  return OkStatus();
}

Status Evaluator::MakeCompilers() {
  KernelCompilerOptions compile;
  compile.include_dir = options_.include_dir;
  compile.cache_dir = options_.cache_dir / "kernels";
  compile.cores = other_cores_;
  compile.check_products = !options_.ablation.Omits(Layer::kProducts);
  const std::filesystem::path nvcc = NvccFor(options_);
  if (OnCuda() && !nvcc.empty()) compile.cuda = CudaCompilerOptions{.nvcc = nvcc, .architecture = ArchitectureOf(device_facts_)};
  ASSIGN_OR_RETURN(KernelCompiler compiler, KernelCompiler::Create(std::move(compile), Deadline::After(kStartLimit)));
  compiler_.emplace(std::move(compiler));
  if (zygote_->triton_version().empty()) return OkStatus();
  TritonCompilerOptions triton;
  triton.python = options_.python;
  for (const std::string& folder : PythonFolders(options_.python)) triton.folders.emplace_back(folder);
  triton.worker_dir = options_.worker_dir;
  triton.cache_dir = options_.cache_dir / "triton";
  triton.architecture = ArchitectureOf(device_facts_);
  triton.cores = other_cores_;
  ASSIGN_OR_RETURN(TritonCompiler made, TritonCompiler::Create(std::move(triton), Deadline::After(kStartLimit)));
  triton_.emplace(std::move(made));
  return OkStatus();
}

Status Evaluator::OpenTimingCore() {
  const int timing = options_.timing_core;
  ASSIGN_OR_RETURN(TimingCore core, TimingCore::Open(timing));
  timing_core_.emplace(std::move(core));
  if (OnCuda()) {
    memory_speed_ = SpeedOf(device_facts_);
    return OkStatus();
  }
  ASSIGN_OR_RETURN(TimingCore::Hold hold, timing_core_->Take(Deadline::After(kStartLimit), {}));
  RETURN_IF_ERROR(PinToCore(timing));
  memory_speed_ = MeasureMemorySpeed();
  return PinToCores(other_cores_);
}

void Evaluator::NoteEnvironment() {
  environment_ = {
      {"device", options_.device},
      {"threads", std::to_string(options_.threads)},
      {"torch", zygote_->torch_version()},
      {"python", zygote_->python_version()},
      {"compiler", Sha256Hex(compiler_->version()).substr(0, 16)},
      {"cpu", CpuModel()},
      {"caches", CachesOf(options_.timing_core)},
      {"kernel", KernelRelease()},
      {"build", PASSNET_VERSION},
  };
  for (const auto& [key, value] : compiler_->facts()) environment_[key] = value;
  if (const std::string ablated = options_.ablation.Text(); !ablated.empty()) environment_["ablated"] = ablated;
  if (!OnCuda()) return;
  environment_.merge(GpuEnvironment(device_facts_));
  if (triton_) environment_["triton"] = zygote_->triton_version();
  if (!compiler_->cuda_version().empty()) environment_["nvcc"] = NvccRelease(compiler_->cuda_version());
  // No report of such a lane may pass for a GPU's.
  if (torch_device_ != kTorchCuda) environment_["stand_in"] = "a driver over the host's memory; no GPU";
}

}  // namespace passnet::evaluator
