#include "evaluator/lane/zygote.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <map>

#include "base/sha256.h"
#include "evaluator/lane/worker_answer.h"
#include "evaluator/worker/run_protocol.h"
#include "sandbox/cgroup.h"
#include "sandbox/plan.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

constexpr int kControlFd = 3;  // passnet_worker/processes.py
constexpr uint64_t kTaskTmpBytes = 16ull << 20;
constexpr uint64_t kCandidateTmpBytes = 32ull << 20;  // its files and shared objects, and what it writes itself
constexpr uint64_t kCandidateFileBytes = 4ull << 20;  // a shared object, or all that it prints
// On a CUDA lane beside them: compiled kernels of Triton (64 MiB, a file 8 at most), and files in memory of the driver's.
constexpr uint64_t kGpuTmpBytes = 128ull << 20;
constexpr uint64_t kGpuFileBytes = 16ull << 20;
// The driver starts some in each of the processes below a zygote, which are counted together; each one's group bounds its own.
constexpr uint32_t kGpuThreads = 2048;
constexpr uint64_t kZygoteTmpBytes = 512ull << 20;  // TorchInductor's cache and the compiler's temporaries
constexpr uint64_t kZygoteMemoryBytes = 4ull << 30;  // torch and Dynamo hold 0.4 GB, its /tmp the above
constexpr uint32_t kZygoteProcesses = 512;           // with children on their way to groups of their own

std::string Hex(const std::string& bytes) {
  return ToHex(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// Memory that was used once stays with the process: a tensor of each call would otherwise be a fresh mapping, whose page
// faults cost more than its arithmetic. Alike for eager, candidates and baselines.
constexpr char kAllocator[] =
    "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=67108864";

// Of a candidate on a CUDA lane, where root gives it one. By the device, which one evaluator at a time holds: two lanes may run
// candidates at once on two devices, and few hosts have two whose numbers meet.
std::optional<uid_t> SecondUserOf(const ZygoteOptions& options) {
  if (!options.gpu) return std::nullopt;
  const auto hash = Sha256().Update(options.gpu->uuid).Finish();
  return sandbox::SecondUser(static_cast<uint32_t>(hash[0]) << 8 | hash[1]);
}

// What a candidate's jail is made of, on a CPU lane and on a CUDA lane.
sandbox::CandidateOptions CandidateOf(const ZygoteOptions& options, const sandbox::RootSpec& root) {
  sandbox::CandidateOptions candidate;
  candidate.keep_fds = {kControlFd};
  candidate.readable = root.read_only;
  candidate.tmp_bytes = kCandidateTmpBytes;
  candidate.file_bytes = kCandidateFileBytes;
  // Address space alone: the limit of what it holds is a control group's or the watch's, which tell it from a crash.
  candidate.data_bytes = 2 * options.candidate_memory_bytes;
  candidate.cpu = std::chrono::hours(1);  // the wall deadline of each call is the evaluator's
  // It is made on the other cores, beside another one's measurement, and then moved to the timing core from outside.
  candidate.cores = {options.other_cores.front()};
  candidate.threads = options.threads > 1;
  if (!options.gpu) return candidate;
  for (int i = 0; i < PN_SEAT_FDS; ++i) candidate.keep_fds.push_back(PN_SEAT_FD + i);
  candidate.tmp_bytes += kGpuTmpBytes;
  candidate.file_bytes = kGpuFileBytes;
  candidate.max_threads = kGpuThreads;
  candidate.gpu = options.gpu->access;
  candidate.uses_gpu = true;
  candidate.second_user = candidate.own_user = SecondUserOf(options).has_value();
  return candidate;
}

// The plans of every child, by the names that fork commands use.
Result<std::map<std::string, std::string>> PlansOf(const ZygoteOptions& options, const sandbox::RootSpec& root) {
  std::map<std::string, std::string> plans;
  sandbox::TaskChildOptions task;
  task.keep_fds = {kControlFd};
  task.tmp_bytes = kTaskTmpBytes;
  task.cores = options.other_cores;
  task.bound = root.read_only;  // all of it may lie below /tmp, of which every child gets its own
  task.second_user = SecondUserOf(options).has_value();
  ASSIGN_OR_RETURN(plans["task"], sandbox::TaskChildPlan(task));

  sandbox::CandidateOptions candidate = CandidateOf(options, root);
  ASSIGN_OR_RETURN(plans["candidate"], sandbox::CandidatePlan(candidate));
  candidate.own_user = false;
  // Eager reaches the device as a candidate does, or not at all: what the jail costs is then in both.
  plans["reference"] = plans["task"];
  if (options.gpu) {
    ASSIGN_OR_RETURN(plans["reference"], sandbox::CandidatePlan(candidate));
  }
  candidate.cpu = std::chrono::seconds(60);
  candidate.uses_gpu = false;
  ASSIGN_OR_RETURN(plans["reader"], sandbox::CandidatePlan(candidate));
  return plans;
}

// The first frame of the zygote.
std::string FrameOf(const std::map<std::string, std::string>& plans, bool cuda) {
  Json named = {{"", ""}};
  for (const auto& [name, plan] : plans) named.Set(name, Hex(plan));
  return Json{{"plans", named}, {"cuda", cuda}}.Dump();
}

bool UsesGroups(const ZygoteOptions& options) {
  return options.limits_by == sandbox::LimitsBy::kBestOfHost &&
         sandbox::DetectCgroups().tier != sandbox::CgroupTier::kNone;
}

bool IsOfSystem(const fs::path& folder) {
  for (const char* shown : {"/usr/", "/lib"}) {
    if (folder.native().rfind(shown, 0) == 0) return true;
  }
  return false;
}

// The device's nodes, the driver's library and what it is told by variables, and its commands. Nobody of the tree but those
// whose plans let them can open a node.
void ShowDevice(const GpuInJail& gpu, sandbox::ChildSpec* spec) {
  sandbox::ShowGpu(gpu.access, &spec->root);
  const fs::path folder = fs::path(gpu.driver).parent_path();
  if (folder.is_absolute() && !IsOfSystem(folder)) spec->root.read_only.push_back(folder.native());
  spec->policy.Allow(sandbox::Loosening::kGpu);
  // Which device there is and that nothing is kept of what the driver compiles. Its libraries load one another by name.
  spec->environment.insert(spec->environment.end(), {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"},
                                                     {"CUDA_VISIBLE_DEVICES", gpu.uuid},
                                                     {"CUDA_CACHE_DISABLE", "1"},
                                                     {"LD_LIBRARY_PATH", folder.native()}});
}

sandbox::ChildSpec SpecOf(const ZygoteOptions& options, int control, int log) {
  sandbox::ChildSpec spec;
  spec.argv = {options.python.native(), "-s", "-m", "passnet_worker.zygote"};
  std::string threads = std::to_string(options.threads);
  spec.environment = {{"PATH", "/usr/bin:/bin"},
                      {"HOME", "/tmp"},
                      {"LANG", "C.UTF-8"},
                      {"PYTHONPATH", options.worker_dir.native()},
                      {"PYTHONDONTWRITEBYTECODE", "1"},
                      {"PYTHONHASHSEED", "0"},
                      {"OMP_NUM_THREADS", threads},
                      {"MKL_NUM_THREADS", threads},
                      {"OPENBLAS_NUM_THREADS", threads},
                      {"GLIBC_TUNABLES", kAllocator},
                      {"TORCHINDUCTOR_COMPILE_THREADS", "1"},
                      {"TORCHINDUCTOR_CACHE_DIR", "/tmp/passnet-inductor"}};
  spec.root = sandbox::SystemRoot();
  for (const std::string& folder : PythonFolders(options.python)) spec.root.read_only.push_back(folder);
  spec.root.read_only.push_back(options.worker_dir.native());
  spec.root.tmp_bytes = kZygoteTmpBytes;
  spec.root.executable_tmp = true;  // TorchInductor loads what it compiled there; children get a /tmp of their own
  spec.descriptors = {{log, 1}, {log, 2}, {control, kControlFd}};
  spec.cores = options.other_cores;
  if (UsesGroups(options)) spec.cgroup = {kZygoteMemoryBytes, kZygoteProcesses};
  if (options.gpu) ShowDevice(*options.gpu, &spec);
  spec.second_user = SecondUserOf(options);
  return spec;
}

}  // namespace

const char* Zygote::tier() const {
  return sandbox::CgroupTierName(rules_->memory ? sandbox::CgroupTier::kNone : sandbox::DetectCgroups().tier);
}

Status Zygote::TakeGreeting(std::string_view text) {
  constexpr const char* kWho = "the torch zygote";
  ASSIGN_OR_RETURN(Json greeting, ParseAnswer(text, kWho));
  int threads = 0;
  RETURN_IF_ERROR(ReadAnswer(greeting, kWho, [&](FieldVisitor& fields) {
    fields.Required("tasks");
    VisitInteger(fields, "tasks", &threads, 1, std::numeric_limits<int>::max());
    fields.Required("torch");
    fields.Text("torch", &torch_version_);
    fields.Required("python");
    fields.Text("python", &python_version_);
    fields.Text("triton", &triton_version_);
  }));
  if (threads != 1) {
    return Internal(std::string(kWho) + " has " + std::to_string(threads) + " threads and must have one");
  }
  return OkStatus();
}

Result<std::shared_ptr<Zygote>> Zygote::Start(const ZygoteOptions& options, Deadline deadline) {
  auto zygote = std::make_shared<Zygote>();
  ASSIGN_OR_RETURN(auto ends, WorkerChannel::Pair());
  zygote->channel_ = WorkerChannel(std::move(ends.first));
  sandbox::ChildSpec spec = SpecOf(options, ends.second.get(), STDERR_FILENO);
  ASSIGN_OR_RETURN(zygote->child_, sandbox::Child::Start(spec, deadline));
  ends.second.Reset();
  auto rules = std::make_shared<WorkerRules>();
  ASSIGN_OR_RETURN(rules->plans, PlansOf(options, spec.root));
  rules->user = sandbox::JailUser();
  rules->second_user = SecondUserOf(options).value_or(rules->user);
  if (!UsesGroups(options)) {
    rules->memory = sandbox::MemoryWatch::Start(options.other_cores);
    ASSIGN_OR_RETURN(zygote->watched_, sandbox::WatchedMemory::Of(zygote->child_->pid(), zygote->child_->pidfd(),
                                                                   kZygoteMemoryBytes));
    rules->memory->Add(zygote->watched_);
  }
  zygote->rules_ = rules;
  RETURN_IF_ERROR(zygote->channel_.SendFrame(FrameOf(rules->plans, options.gpu.has_value()), {}, deadline));
  auto frame = zygote->channel_.ReceiveFrame(deadline, 1u << 20);
  if (!frame) return std::move(frame).error().Prefixed("the torch zygote did not come up (its own words are above)");
  RETURN_IF_ERROR(zygote->TakeGreeting(frame.value().json));
  if (options.gpu) RETURN_IF_ERROR(CheckNoGpuIn(zygote->pid(), "the torch zygote", options.gpu->access));
  return zygote;
}

std::vector<std::string> PythonFolders(const fs::path& python) {
  std::vector<std::string> folders = {python.parent_path().parent_path().native()};
  std::error_code ignored;
  fs::path real = fs::canonical(python, ignored);
  if (!ignored && real.native().rfind("/usr/", 0) != 0) folders.push_back(real.parent_path().parent_path().native());
  return folders;
}

Status CheckNoGpuIn(pid_t process, const char* who, const sandbox::GpuAccess& access) {
  ASSIGN_OR_RETURN(const std::vector<std::string> open, sandbox::OpenNodes(process, access.nodes));
  if (open.empty()) return OkStatus();
  return Internal(std::string(who) + " has " + open.front() + " open and must not: what it forks could not use the GPU");
}

}  // namespace passnet::evaluator
