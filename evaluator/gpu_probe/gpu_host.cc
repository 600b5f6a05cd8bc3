// The machine at hand: its driver's /proc and /dev, and the program passnet-gpu-probe beside ours, as itself and in the
// chain of jails that an evaluation uses.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/clock.h"
#include "base/json.h"
#include "base/unique_fd.h"
#include "evaluator/gpu_probe/gpu_check.h"
#include "sandbox/cgroup.h"
#include "sandbox/child.h"
#include "sandbox/plan.h"
#include "sandbox/run.h"

namespace passnet::gpu_probe {
namespace {

namespace fs = std::filesystem;
using sandbox::GpuAccess;
using sandbox::HostGpu;

constexpr std::chrono::seconds kPatience{60};   // the first context of a machine of eight GPUs takes 20 s and more
constexpr std::chrono::seconds kEndPatience{10};  // a process in the driver may not end when it is killed
constexpr size_t kMaxSaidBytes = 64 << 10;      // a trial is a line of some 200 bytes

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> NewPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::FromErrno("pipe2", "passnet-gpu-probe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<UniqueFd> InMemory(const std::string& bytes) {
  UniqueFd memory(::memfd_create("plan", MFD_CLOEXEC));
  if (!memory.valid()) return Error::FromErrno("memfd_create", "plan", errno);
  if (::write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return Error::FromErrno("write", "plan", errno);
  }
  return memory;
}

// All that comes until the other side has closed; what came until then when time is up.
std::string ReadAll(int fd, Deadline deadline) {
  std::string said;
  char buffer[4096];
  while (said.size() < kMaxSaidBytes) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, deadline.PollMillis());
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    said.append(buffer, static_cast<size_t>(got));
  }
  return said;
}

// The lines that are trials. What a library prints beside them is kept for the case that there are none.
Result<std::vector<Trial>> TrialsIn(const std::string& said) {
  std::vector<Trial> trials;
  std::string other;
  for (size_t at = 0; at < said.size();) {
    const size_t end = std::min(said.find('\n', at), said.size());
    const std::string line = said.substr(at, end - at);
    const Result<Json> json = ParseJson(line);
    if (json && (*json)["trial"].is_text()) {
      trials.push_back({(*json)["trial"].Text(), (*json)["ok"].Flag(), (*json)["found"].Text()});
    } else {
      other += line + " ";
    }
    at = end + 1;
  }
  if (trials.empty()) {
    return Error{ErrorCode::kUnavailable, "passnet-gpu-probe said nothing within " + std::to_string(kPatience.count()) +
                                              " s that could be read" + (other.empty() ? "" : ": " + other)};
  }
  return trials;
}

// Variables that decide what CUDA sees and keeps, whatever the caller's own environment says.
std::vector<std::pair<std::string, std::string>> CudaVariables(const HostGpu& gpu) {
  return {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"},
          {"CUDA_VISIBLE_DEVICES", gpu.uuid.empty() ? std::to_string(gpu.minor) : gpu.uuid},
          {"CUDA_CACHE_DISABLE", "1"}};
}

class LocalHost : public GpuHost {
 public:
  explicit LocalHost(GpuHostOptions options) : options_(std::move(options)) {
    if (!options_.program.empty()) return;
    std::error_code failed;
    options_.program = (fs::read_symlink("/proc/self/exe", failed).parent_path() / "passnet-gpu-probe").native();
  }

  std::vector<HostGpu> Gpus() override { return sandbox::HostGpus(); }
  bool HasNodes() override { return ::access("/dev/nvidiactl", F_OK) == 0; }
  Result<GpuAccess> Access(const HostGpu& gpu) override { return sandbox::AccessTo(gpu); }
  bool HasControlGroups() override { return sandbox::DetectCgroups().tier != sandbox::CgroupTier::kNone; }

  Result<std::vector<Trial>> TryPlain(const HostGpu& gpu) override;
  Result<std::vector<Trial>> TryInJail(const HostGpu& gpu, const GpuAccess& access, const std::string& library) override;
  std::string RefusedCalls(const HostGpu& gpu, const GpuAccess& access, const std::string& library) override;

 private:
  std::vector<std::string> Arguments(bool in_jail) const;
  std::vector<std::pair<std::string, std::string>> JailVariables(const HostGpu& gpu, const std::string& library) const;
  sandbox::ChildSpec ZygoteOf(const HostGpu& gpu, const GpuAccess& access, const std::string& library) const;
  std::vector<std::string> Shown(const std::string& library) const;

  GpuHostOptions options_;
};

std::vector<std::string> LocalHost::Arguments(bool in_jail) const {
  std::vector<std::string> arguments = {options_.program};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  if (in_jail) arguments.insert(arguments.end(), {"--without-management", "--in-chain"});
  return arguments;
}

// Killed, and waited for a while: what stands in the driver may never end.
void EndProcess(pid_t process) {
  ::kill(process, SIGKILL);
  const Deadline deadline = Deadline::After(kEndPatience);
  while (::waitpid(process, nullptr, WNOHANG) == 0 && !deadline.Passed()) ::poll(nullptr, 0, 10);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<std::vector<Trial>> LocalHost::TryPlain(const HostGpu& gpu) {
  ASSIGN_OR_RETURN(Pipe pipe, NewPipe());
  std::vector<std::string> arguments = Arguments(/*in_jail=*/false), variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).rfind("CUDA_", 0) != 0) variables.emplace_back(*variable);
  }
  for (const auto& list : {CudaVariables(gpu), options_.environment}) {
    for (const auto& [name, value] : list) variables.push_back(name + "=" + value);
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe.write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, pipe.write.get(), STDERR_FILENO);
  pid_t process = -1;
  const int failed = ::posix_spawn(&process, arguments[0].c_str(), &actions, nullptr, Pointers(arguments).data(),
                                   Pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error::FromErrno("start", options_.program, failed);
  pipe.write.Reset();
  const std::string said = ReadAll(pipe.read.get(), Deadline::After(kPatience));
  EndProcess(process);
  return TrialsIn(said);
}

// What both halves of the jail need to read, beside /usr: the program, and the driver where it is not below /usr.
std::vector<std::string> LocalHost::Shown(const std::string& library) const {
  std::vector<std::string> shown = {fs::path(options_.program).parent_path().native()};
  const std::string folder = fs::path(library).parent_path().native();
  if (!folder.empty() && folder[0] == '/') shown.push_back(folder);
  shown.insert(shown.end(), options_.readable.begin(), options_.readable.end());
  return shown;
}

std::vector<std::pair<std::string, std::string>> LocalHost::JailVariables(const HostGpu& gpu,
                                                                          const std::string& library) const {
  std::vector<std::pair<std::string, std::string>> variables = CudaVariables(gpu);
  // Libraries of the driver load one another by name, and a jail has no cache of the loader's that it may read.
  variables.push_back({"LD_LIBRARY_PATH", fs::path(library).parent_path().native()});
  variables.push_back({"HOME", "/tmp"});
  variables.insert(variables.end(), options_.environment.begin(), options_.environment.end());
  return variables;
}

sandbox::ChildSpec LocalHost::ZygoteOf(const HostGpu& gpu, const GpuAccess& access, const std::string& library) const {
  sandbox::ChildSpec spec;
  spec.argv = Arguments(/*in_jail=*/true);
  spec.environment = JailVariables(gpu, library);
  spec.root = sandbox::SystemRoot();
  for (const std::string& path : Shown(library)) spec.root.read_only.push_back(path);
  sandbox::ShowGpu(access, &spec.root);
  spec.policy.Allow(sandbox::Loosening::kGpu);
  return spec;
}

Result<std::vector<Trial>> LocalHost::TryInJail(const HostGpu& gpu, const GpuAccess& access, const std::string& library) {
  const Deadline deadline = Deadline::After(kPatience);
  sandbox::ChildSpec spec = ZygoteOf(gpu, access, library);
  sandbox::TaskChildOptions task;
  task.bound = spec.root.read_only;
  sandbox::CandidateOptions candidate;
  candidate.readable = spec.root.read_only;
  candidate.gpu = access;
  candidate.uses_gpu = true;
  candidate.data_bytes = 8ull << 30;  // as on a lane
  ASSIGN_OR_RETURN(const std::string task_plan, sandbox::TaskChildPlan(task));
  ASSIGN_OR_RETURN(const std::string candidate_plan, sandbox::CandidatePlan(candidate));
  ASSIGN_OR_RETURN(const UniqueFd task_fd, InMemory(task_plan));
  ASSIGN_OR_RETURN(const UniqueFd candidate_fd, InMemory(candidate_plan));
  ASSIGN_OR_RETURN(Pipe pipe, NewPipe());
  spec.descriptors = {{pipe.write.get(), 1}, {pipe.write.get(), 2}, {task_fd.get(), kTaskPlanFd},
                      {candidate_fd.get(), kCandidatePlanFd}};
  ASSIGN_OR_RETURN(const std::unique_ptr<sandbox::Child> child, sandbox::Child::Start(spec, deadline));
  pipe.write.Reset();
  const std::string said = ReadAll(pipe.read.get(), deadline);
  child->Kill();
  return TrialsIn(said);
}

// A run of its own, whose filter is the candidate's and tells what it refuses: the chain's filters cannot.
std::string LocalHost::RefusedCalls(const HostGpu& gpu, const GpuAccess& access, const std::string& library) {
  sandbox::RunSpec spec;
  spec.argv = Arguments(/*in_jail=*/false);
  spec.argv.push_back("--without-management");
  spec.environment = JailVariables(gpu, library);
  spec.root = sandbox::SystemRoot();
  for (const std::string& path : Shown(library)) spec.root.read_only.push_back(path);
  spec.policy = sandbox::SyscallPolicy::HostileOnGpu().Allow(sandbox::Loosening::kExec);
  spec.gpu = access;
  spec.tell_refused = true;
  spec.limits.wall = kPatience;
  const Result<sandbox::RunReport> report = sandbox::Run(spec, Deadline::After(kPatience));
  std::string calls;
  if (report.has_error()) return calls;
  for (const sandbox::RefusedCall& call : report->refused) {
    calls += (calls.empty() ? "" : ", ") + call.name + (call.times > 1 ? " x" + std::to_string(call.times) : "");
  }
  return calls;
}

}  // namespace

std::unique_ptr<GpuHost> ThisMachine(GpuHostOptions options) { return std::make_unique<LocalHost>(std::move(options)); }

}  // namespace passnet::gpu_probe
