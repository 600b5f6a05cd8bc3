#include "bench/host_watch.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sandbox/process_tree.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

std::string ProcFolder(pid_t pid) { return "/proc/" + std::to_string(pid); }

int EntriesOf(const fs::path& folder, const std::string& prefix) {
  std::error_code failed;
  int count = 0;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (entry->path().filename().native().starts_with(prefix)) ++count;
  }
  return count;
}

int ControlGroups() {
  std::error_code failed;
  int count = 0;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry("/sys/fs/cgroup", options, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::error_code ignored;
    const bool folder = entry->is_directory(ignored) && !entry->is_symlink(ignored);
    if (folder && entry->path().filename().native().starts_with("passnet")) ++count;
  }
  return count;
}

// "" for a process that is gone or only waits to be reaped.
std::string StartOf(pid_t pid) {
  std::ifstream file(ProcFolder(pid) + "/stat");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const size_t name_end = line.rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 2));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return "";
  for (int i = 4; i <= 22; ++i) fields >> field;
  return field;
}

std::vector<pid_t> Below() {
  std::vector<pid_t> pids = sandbox::UsageOfTree(::getpid()).pids;
  std::erase(pids, ::getpid());
  return pids;
}

}  // namespace

HostUse UseBelowThisProcess() {
  HostUse use;
  for (pid_t pid : Below()) {
    ++use.processes;
    use.descriptors += EntriesOf(ProcFolder(pid) + "/fd", "");
    std::ifstream statm(ProcFolder(pid) + "/statm");
    uint64_t size = 0, resident = 0;
    statm >> size >> resident;
    use.resident_bytes += resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  use.temporary_files = EntriesOf(fs::temp_directory_path(), "passnet") + EntriesOf("/dev/shm", "passnet");
  use.control_groups = ControlGroups();
  return use;
}

std::vector<ProcessName> ProcessesBelowThisOne() {
  std::vector<ProcessName> processes;
  for (pid_t pid : Below()) processes.push_back({pid, StartOf(pid)});
  return processes;
}

int StillRunning(const std::vector<ProcessName>& processes) {
  return static_cast<int>(std::count_if(processes.begin(), processes.end(), [](const ProcessName& process) {
    return !process.started.empty() && StartOf(process.pid) == process.started;
  }));
}

}  // namespace passnet::bench
