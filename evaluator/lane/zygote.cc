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
constexpr uint64_t kZygoteTmpBytes = 512ull << 20;  // TorchInductor's cache and the compiler's temporaries
constexpr uint64_t kZygoteMemoryBytes = 4ull << 30;  // torch and Dynamo hold 0.4 GB, its /tmp the above
constexpr uint32_t kZygoteProcesses = 512;           // with children on their way to groups of their own

// What the venv needs to be seen: itself, and the installation that its interpreter is a link into.
std::vector<std::string> PythonFolders(const fs::path& python) {
  std::vector<std::string> folders = {python.parent_path().parent_path().native()};
  std::error_code ignored;
  fs::path real = fs::canonical(python, ignored);
  if (!ignored && real.native().rfind("/usr/", 0) != 0) folders.push_back(real.parent_path().parent_path().native());
  return folders;
}

std::string Hex(const std::string& bytes) {
  return ToHex(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// Memory that was used once stays with the process: a tensor of each call would otherwise be a fresh mapping, whose page
// faults cost more than its arithmetic. Alike for eager, candidates and baselines.
constexpr char kAllocator[] =
    "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=67108864";

// The plans of every child, by the names that fork commands use.
Result<std::map<std::string, std::string>> PlansOf(const ZygoteOptions& options, const sandbox::RootSpec& root) {
  std::map<std::string, std::string> plans;
  sandbox::TaskChildOptions task;
  task.keep_fds = {kControlFd};
  task.tmp_bytes = kTaskTmpBytes;
  task.cores = options.other_cores;
  task.bound = root.read_only;  // all of it may lie below /tmp, of which every child gets its own
  ASSIGN_OR_RETURN(plans["task"], sandbox::TaskChildPlan(task));
  plans["reference"] = plans["task"];

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
  ASSIGN_OR_RETURN(plans["candidate"], sandbox::CandidatePlan(candidate));
  candidate.cpu = std::chrono::seconds(60);
  ASSIGN_OR_RETURN(plans["reader"], sandbox::CandidatePlan(candidate));
  return plans;
}

// The first frame of the zygote.
std::string FrameOf(const std::map<std::string, std::string>& plans) {
  Json named = {{"", ""}};
  for (const auto& [name, plan] : plans) named.Set(name, Hex(plan));
  return Json{{"plans", named}}.Dump();
}

bool UsesGroups(const ZygoteOptions& options) {
  return options.limits_by == sandbox::LimitsBy::kBestOfHost &&
         sandbox::DetectCgroups().tier != sandbox::CgroupTier::kNone;
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
  if (!UsesGroups(options)) {
    rules->memory = sandbox::MemoryWatch::Start(options.other_cores);
    ASSIGN_OR_RETURN(zygote->watched_, sandbox::WatchedMemory::Of(zygote->child_->pid(), zygote->child_->pidfd(),
                                                                   kZygoteMemoryBytes));
    rules->memory->Add(zygote->watched_);
  }
  zygote->rules_ = rules;
  RETURN_IF_ERROR(zygote->channel_.SendFrame(FrameOf(rules->plans), {}, deadline));
  auto frame = zygote->channel_.ReceiveFrame(deadline, 1u << 20);
  if (!frame) return std::move(frame).error().Prefixed("the torch zygote did not come up (its own words are above)");
  RETURN_IF_ERROR(zygote->TakeGreeting(frame.value().json));
  return zygote;
}

}  // namespace passnet::evaluator
