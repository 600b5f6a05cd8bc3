#include "sandbox/process_tree.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace passnet::sandbox {
namespace {

void AddChildren(pid_t pid, std::vector<pid_t>& pids) {
  // The kernel lists children per thread; a child of any thread shows at the one that forked it.
  const std::string process = "/proc/" + std::to_string(pid) + "/task/";
  std::ifstream children(process + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) pids.push_back(child);
}

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::chrono::nanoseconds CpuTime(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const size_t name_end = line.rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return std::chrono::nanoseconds(0);
  std::istringstream fields(line.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state … cmajflt
  uint64_t ticks = 0;
  for (int i = 0; i < 4; ++i) {  // utime, stime, cutime, cstime
    uint64_t value = 0;
    fields >> value;
    ticks += value;
  }
  return std::chrono::nanoseconds(ticks * 1'000'000'000ull / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
}

}  // namespace

TreeUsage UsageOfTree(pid_t root) {
  TreeUsage usage;
  usage.pids.push_back(root);
  for (size_t i = 0; i < usage.pids.size(); ++i) {
    AddChildren(usage.pids[i], usage.pids);
    usage.resident_bytes += ResidentBytes(usage.pids[i]);
    usage.cpu += CpuTime(usage.pids[i]);
  }
  return usage;
}

}  // namespace passnet::sandbox
