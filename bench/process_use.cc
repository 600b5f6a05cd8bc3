#include "bench/process_use.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

std::string TextAt(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// utime and stime, fields 14 and 15: counted from behind the name, which may hold anything.
Result<double> CpuMs(const fs::path& process) {
  const std::string stat = TextAt(process / "stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return NotFound(process.native() + ": no such process");
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  int64_t user = 0, system = 0;
  if (!(fields >> user >> system)) return DataCorrupt(process.native() + "/stat: fewer fields than expected");
  return static_cast<double>(user + system) * 1000 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string ThreadKind(std::string name) {
  while (!name.empty() && name.back() == '\n') name.pop_back();
  const size_t digits = name.find_last_not_of("0123456789");
  const bool numbered = digits != std::string::npos && digits + 1 < name.size() && name[digits] == '-';
  return numbered ? name.substr(0, digits) : name;
}

double MibOf(const std::string& status, const std::string& key) {
  const size_t at = status.find(key + ":");
  return at == std::string::npos ? 0 : std::stod(status.substr(at + key.size() + 1)) / 1024;
}

}  // namespace

Result<ProcessUse> UseOf(pid_t pid) {
  const fs::path process = "/proc/" + std::to_string(pid);
  ProcessUse use;
  ASSIGN_OR_RETURN(use.cpu_ms, CpuMs(process));
  std::error_code gone;  // a thread may end meanwhile
  for (const auto& thread : fs::directory_iterator(process / "task", gone)) {
    double ran_ns = 0;
    std::istringstream(TextAt(thread.path() / "schedstat")) >> ran_ns;
    use.thread_ms[ThreadKind(TextAt(thread.path() / "comm"))] += ran_ns / 1e6;
  }
  const std::string status = TextAt(process / "status");
  use.rss_mib = MibOf(status, "VmRSS");
  use.peak_rss_mib = MibOf(status, "VmHWM");
  return use;
}

ProcessUse Between(const ProcessUse& before, const ProcessUse& after) {
  ProcessUse use = after;
  use.cpu_ms -= before.cpu_ms;
  for (auto& [name, ms] : use.thread_ms) {
    const auto earlier = before.thread_ms.find(name);
    if (earlier != before.thread_ms.end()) ms -= earlier->second;
  }
  return use;
}

}  // namespace passnet::bench
