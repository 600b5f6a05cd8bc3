#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "sandbox/limits.h"

namespace passnet::sandbox {
namespace {

constexpr const char* kV1Controllers[] = {"memory", "pids", "cpuacct"};  // the first two are needed, the third is not

struct Places {
  CgroupTier tier = CgroupTier::kNone;
  std::string why;
  std::vector<std::string> parents;  // v2: one; v1: by kV1Controllers, empty where absent
};

// The kernel takes the whole value in one write and reports refusals there.
Status WriteControl(const std::string& path, std::string_view value) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Error::FromErrno("open", path, errno);
  if (write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return Error::FromErrno("write", path, errno);
  }
  return OkStatus();
}

std::string ReadControl(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const std::string text = ReadControl(path);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// The number after `key ` in a file of "key value" lines.
std::optional<uint64_t> ReadKeyed(const std::string& path, std::string_view key) {
  std::istringstream lines(ReadControl(path));
  std::string name;
  uint64_t value = 0;
  while (lines >> name >> value) {
    if (name == key) return value;
  }
  return std::nullopt;
}

// Controller -> our group's path, from /proc/self/cgroup; v2 under the empty name.
std::map<std::string, std::string> OwnGroups() {
  std::map<std::string, std::string> groups;
  std::istringstream lines(ReadControl("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (second == first + 1) groups[""] = path;
    for (std::string name; std::getline(names, name, ',');) groups[name] = path;
  }
  return groups;
}

// Where our group of a controller lies: its mount point and what of our path is below the mount's root.
std::string FolderOf(const std::string& controller, const std::string& group) {
  std::istringstream lines(ReadControl("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream left(line);
    std::istringstream right(line.substr(dash + 3));
    std::string skip, root, point, type, source, options;
    left >> skip >> skip >> skip >> root >> point;
    right >> type >> source >> options;
    const bool v2 = controller.empty() && type == "cgroup2";
    const bool v1 = !controller.empty() && type == "cgroup" &&
                    ("," + options + ",").find("," + controller + ",") != std::string::npos;
    if (!v1 && !v2) continue;
    if (root == "/") return point + (group == "/" ? "" : group);
    if (group.compare(0, root.size(), root) == 0) return point + group.substr(root.size());
  }
  return "";
}

bool Holds(const std::string& words, std::string_view word) {
  std::istringstream in(words);
  for (std::string each; in >> each;) {
    if (each == word) return true;
  }
  return false;
}

bool HasControllers(const std::string& words) { return Holds(words, "memory") && Holds(words, "pids"); }

// Whether groups with limits can be made below `folder`; enables the controllers there where that is allowed.
bool OpensChildren(const std::string& folder) {
  const std::string control = folder + "/cgroup.subtree_control";
  if (HasControllers(ReadControl(control))) return access(folder.c_str(), W_OK) == 0;
  if (!HasControllers(ReadControl(folder + "/cgroup.controllers"))) return false;
  return !WriteControl(control, "+memory +pids").has_error();
}

// A group with processes cannot give controllers to groups below it (cgroups(7), "no internal processes"): when we are
// alone in ours, we step down into a leaf first.
bool StepIntoLeaf(const std::string& folder) {
  if (ReadControl(folder + "/cgroup.procs") != std::to_string(getpid()) + "\n") return false;
  const std::string leaf = folder + "/passnet-self";
  if (mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return false;
  return !WriteControl(leaf + "/cgroup.procs", "0").has_error();
}

std::string FindV2Parent(const std::map<std::string, std::string>& groups) {
  const auto own = groups.find("");
  if (own == groups.end()) return "";
  const std::string folder = FolderOf("", own->second);
  if (folder.empty() || !HasControllers(ReadControl(folder + "/cgroup.controllers"))) return "";
  if (OpensChildren(folder)) return folder;
  // Beside us, where the parent is delegated too (systemd's Delegate= with the daemon in a leaf).
  const std::string parent = folder.substr(0, folder.rfind('/'));
  if (access((parent + "/cgroup.procs").c_str(), W_OK) == 0 && OpensChildren(parent)) return parent;
  return StepIntoLeaf(folder) && OpensChildren(folder) ? folder : "";
}

bool CanMakeBelow(const std::string& folder) {
  if (folder.empty()) return false;
  const std::string probe = folder + "/passnet-probe-" + std::to_string(getpid());
  if (mkdir(probe.c_str(), 0755) != 0) return false;
  return rmdir(probe.c_str()) == 0;
}

Places FindPlaces() {
  const std::map<std::string, std::string> groups = OwnGroups();
  if (std::string parent = FindV2Parent(groups); CanMakeBelow(parent)) return {CgroupTier::kV2, "", {parent}};
  Places places{CgroupTier::kV1, "", {}};
  for (const char* controller : kV1Controllers) {
    const auto own = groups.find(controller);
    std::string folder = own == groups.end() ? "" : FolderOf(controller, own->second);
    if (!CanMakeBelow(folder)) folder.clear();
    if (folder.empty() && std::string_view(controller) != "cpuacct") {
      return {CgroupTier::kNone,
              std::string("no writable ") + controller + " controller, neither of cgroup v2 nor v1", {}};
    }
    places.parents.push_back(folder);
  }
  return places;
}

const Places& OurPlaces() {
  static const Places places = FindPlaces();
  return places;
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

// The maker's pid in "passnet-<name>-<pid>-<number>"; 0 for any other name.
pid_t MakerOf(const std::string& folder) {
  const size_t number = folder.rfind('-');
  const size_t pid = number == std::string::npos || number == 0 ? number : folder.rfind('-', number - 1);
  if (folder.compare(0, 8, "passnet-") != 0 || pid == std::string::npos || pid < 8) return 0;
  int value = 0;
  const char* end = folder.data() + number;
  const auto [stop, error] = std::from_chars(folder.data() + pid + 1, end, value);
  return error == std::errc() && stop == end ? value : 0;
}

// Writes a limit and reads it back; the kernel rounds memory down to whole pages.
Status SetLimit(const std::string& path, uint64_t value) {
  RETURN_IF_ERROR(WriteControl(path, std::to_string(value)));
  const std::optional<uint64_t> found = ReadNumber(path);
  if (found && *found <= value && value - *found < static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) return OkStatus();
  return Error{ErrorCode::kPermissionDenied, "control group: " + path + ": asked for " + std::to_string(value) +
                                                 ", in force is " + (found ? std::to_string(*found) : "no limit")};
}

Status SetV1Limits(const std::string& memory, const std::string& pids, const CgroupLimits& limits) {
  if (limits.memory_bytes != 0) {
    RETURN_IF_ERROR(SetLimit(memory + "/memory.limit_in_bytes", limits.memory_bytes));
    // Absent without swap accounting; then there is no swap to hide in either.
    const std::string with_swap = memory + "/memory.memsw.limit_in_bytes";
    if (access(with_swap.c_str(), F_OK) == 0) RETURN_IF_ERROR(SetLimit(with_swap, limits.memory_bytes));
  }
  return limits.processes == 0 ? OkStatus() : SetLimit(pids + "/pids.max", limits.processes);
}

Status SetV2Limits(const std::string& folder, const CgroupLimits& limits) {
  if (limits.memory_bytes != 0) {
    RETURN_IF_ERROR(SetLimit(folder + "/memory.max", limits.memory_bytes));
    RETURN_IF_ERROR(WriteControl(folder + "/memory.oom.group", "1"));
    const std::string swap = folder + "/memory.swap.max";
    if (access(swap.c_str(), F_OK) == 0) RETURN_IF_ERROR(WriteControl(swap, "0"));
  }
  return limits.processes == 0 ? OkStatus() : SetLimit(folder + "/pids.max", limits.processes);
}

void Pause() {
  const timespec span{0, 1'000'000};
  nanosleep(&span, nullptr);
}

}  // namespace

const char* CgroupTierName(CgroupTier tier) {
  switch (tier) {
    case CgroupTier::kNone:
      return "rlimits";
    case CgroupTier::kV1:
      return "cgroup-v1";
    case CgroupTier::kV2:
      return "cgroup-v2";
  }
  return "";
}

const CgroupSupport& DetectCgroups() {
  static const CgroupSupport support = [] {
    SweepDeadGroups();
    return CgroupSupport{OurPlaces().tier, OurPlaces().why};
  }();
  return support;
}

size_t SweepDeadGroups() {
  size_t removed = 0;
  for (const std::string& parent : OurPlaces().parents) {
    const std::unique_ptr<DIR, CloseFolder> folder(parent.empty() ? nullptr : opendir(parent.c_str()));
    if (!folder) continue;
    while (const dirent* entry = readdir(folder.get())) {
      const pid_t maker = MakerOf(entry->d_name);
      if (maker <= 0 || kill(maker, 0) == 0 || errno != ESRCH) continue;
      // Refused with EBUSY while anybody is still inside.
      if (rmdir((parent + "/" + entry->d_name).c_str()) == 0) ++removed;
    }
  }
  return removed;
}

Result<Cgroup> Cgroup::Create(std::string_view name, const CgroupLimits& limits) {
  static std::atomic<uint64_t> counter{0};
  const Places& places = OurPlaces();
  if (places.tier == CgroupTier::kNone) {
    return Error{ErrorCode::kUnavailable, "control groups: " + places.why + ". Delegate a cgroup v2 subtree to the user "
                                          "(systemd: Delegate=memory pids), or run without group limits."};
  }
  const std::string leaf =
      "/passnet-" + std::string(name) + "-" + std::to_string(getpid()) + "-" + std::to_string(++counter);
  Cgroup group(places.tier, {});
  for (const std::string& parent : places.parents) {
    if (parent.empty()) continue;
    const std::string folder = parent + leaf;
    if (mkdir(folder.c_str(), 0755) != 0) return Error::FromErrno("mkdir", folder, errno);
    group.folders_.push_back(folder);
  }
  if (places.tier == CgroupTier::kV2) {
    RETURN_IF_ERROR(SetV2Limits(group.folders_[0], limits));
  } else {
    RETURN_IF_ERROR(SetV1Limits(group.folders_[0], group.folders_[1], limits));
  }
  return group;
}

Cgroup::Cgroup(Cgroup&& other) noexcept : tier_(other.tier_), folders_(std::move(other.folders_)) {
  other.folders_.clear();
}

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  if (this != &other) {
    Remove();
    tier_ = other.tier_;
    folders_ = std::move(other.folders_);
    other.folders_.clear();
  }
  return *this;
}

Cgroup::~Cgroup() { Remove(); }

void Cgroup::Remove() {
  if (folders_.empty()) return;
  (void)KillAll();
  const Deadline patience = Deadline::After(kKillPatience);
  for (const std::string& folder : folders_) {
    // EBUSY while the last member is still on its way out.
    while (rmdir(folder.c_str()) != 0 && errno == EBUSY && !patience.Passed()) Pause();
  }
  folders_.clear();
}

Status Cgroup::Add(pid_t pid) {
  for (const std::string& folder : folders_) {
    RETURN_IF_ERROR(WriteControl(folder + "/cgroup.procs", std::to_string(pid)));
  }
  const std::vector<pid_t> members = Members();
  if (std::find(members.begin(), members.end(), pid) != members.end() || kill(pid, 0) != 0) return OkStatus();
  return Error{ErrorCode::kPermissionDenied, "control group: process " + std::to_string(pid) + " is not in " + folders_[0]};
}

std::optional<uint64_t> Cgroup::PeakMemoryBytes() const {
  return ReadNumber(folders_[0] + (tier_ == CgroupTier::kV2 ? "/memory.peak" : "/memory.max_usage_in_bytes"));
}

std::optional<std::chrono::nanoseconds> Cgroup::CpuTime() const {
  if (tier_ == CgroupTier::kV2) {
    const auto micros = ReadKeyed(folders_[0] + "/cpu.stat", "usage_usec");
    if (!micros) return std::nullopt;
    return std::chrono::microseconds(*micros);
  }
  if (folders_.size() < 3) return std::nullopt;
  const auto nanos = ReadNumber(folders_[2] + "/cpuacct.usage");
  if (!nanos) return std::nullopt;
  return std::chrono::nanoseconds(*nanos);
}

uint64_t Cgroup::OomKills() const {
  const char* file = tier_ == CgroupTier::kV2 ? "/memory.events" : "/memory.oom_control";
  return ReadKeyed(folders_[0] + file, "oom_kill").value_or(0);
}

std::vector<pid_t> Cgroup::Members() const {
  std::vector<pid_t> members;
  std::istringstream pids(ReadControl(folders_[0] + "/cgroup.procs"));
  for (pid_t pid = 0; pids >> pid;) members.push_back(pid);
  return members;
}

Status Cgroup::KillAll() {
  if (tier_ == CgroupTier::kV2) (void)WriteControl(folders_[0] + "/cgroup.kill", "1");
  const Deadline patience = Deadline::After(kKillPatience);
  for (;;) {
    const std::vector<pid_t> members = Members();
    if (members.empty()) return OkStatus();
    if (patience.Passed()) {
      return Error{ErrorCode::kDeadlineExceeded, folders_[0] + ": process " + std::to_string(members[0]) +
                                                     " does not die (stuck in the kernel?)"};
    }
    for (pid_t pid : members) kill(pid, SIGKILL);
    Pause();
  }
}

}  // namespace passnet::sandbox
