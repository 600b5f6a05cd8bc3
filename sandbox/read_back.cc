#include "sandbox/read_back.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <sstream>

namespace passnet::sandbox {
namespace {

constexpr const char* kNamespaces[][2] = {{"user", "user"}, {"mount", "mnt"}, {"pid", "pid"},
                                          {"net", "net"},   {"ipc", "ipc"},   {"uts", "uts"}};

struct NamedLimit {
  uint32_t resource;
  const char* name;
};
constexpr NamedLimit kNamedLimits[] = {{RLIMIT_CPU, "cpu time"},         {RLIMIT_FSIZE, "file size"},
                                  {RLIMIT_DATA, "data size"},       {RLIMIT_CORE, "core file size"},
                                  {RLIMIT_NPROC, "processes"},      {RLIMIT_NOFILE, "open files"},
                                  {RLIMIT_MEMLOCK, "locked memory"}, {RLIMIT_AS, "address space"},
                                  {RLIMIT_SIGPENDING, "pending signals"}};

std::string ReadProc(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::map<std::string, std::string> StatusFields(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] = start == std::string::npos ? "" : line.substr(start);
  }
  return fields;
}

uint64_t Hex(const std::string& text) { return text.empty() ? 0 : std::stoull(text, nullptr, 16); }
int Number(const std::string& text) { return text.empty() ? 0 : std::stoi(text); }

// "0-3,5" -> 0 1 2 3 5 (cpuset(7), list format).
std::vector<int> CoreList(const std::string& text) {
  std::vector<int> cores;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t dash = part.find('-');
    const int first = Number(part.substr(0, dash));
    const int last = dash == std::string::npos ? first : Number(part.substr(dash + 1));
    for (int core = first; core <= last; ++core) cores.push_back(core);
  }
  return cores;
}

uint64_t LimitValue(const std::string& word) { return word == "unlimited" ? kNoLimit : std::stoull(word); }

// Lines "Max cpu time   60   61   seconds". By /proc: prlimit(2) would need a privilege over another user's process.
std::map<uint32_t, LimitPair> ParseLimits(const std::string& text) {
  std::map<uint32_t, LimitPair> limits;
  for (const NamedLimit& limit : kNamedLimits) {
    const std::string label = std::string("\nMax ") + limit.name + " ";
    const size_t at = text.find(label);
    if (at == std::string::npos) continue;
    std::istringstream words(text.substr(at + label.size(), 80));
    std::string soft, hard;
    if (words >> soft >> hard) limits[limit.resource] = {LimitValue(soft), LimitValue(hard)};
  }
  return limits;
}

// Lines "hierarchy:controllers:path" that we do not have in the same words.
std::vector<std::string> ForeignGroups(const std::string& theirs, const std::string& ours) {
  std::vector<std::string> groups;
  std::istringstream lines(theirs);
  for (std::string line; std::getline(lines, line);) {
    if (("\n" + ours).find("\n" + line + "\n") != std::string::npos) continue;
    groups.push_back(line.substr(line.find(':') + 1));
  }
  return groups;
}

Result<bool> DiffersFromOurs(const std::string& folder, const char* name) {
  struct stat theirs {};
  struct stat ours {};
  const std::string path = folder + "/ns/" + name;
  if (stat(path.c_str(), &theirs) != 0) return Error::FromErrno("stat", path, errno);
  if (stat((std::string("/proc/self/ns/") + name).c_str(), &ours) != 0) return Error::FromErrno("stat", name, errno);
  return theirs.st_ino != ours.st_ino;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// "65534\t65534\t65534\t65534": real, effective, saved and of the file system.
bool AllAlike(const std::string& ids) {
  std::istringstream words(ids);
  std::string first, word;
  words >> first;
  while (words >> word) {
    if (word != first) return false;
  }
  return !first.empty();
}

}  // namespace

Result<ReadBackReport> ReadBack(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::map<std::string, std::string> fields = StatusFields(ReadProc(folder + "/status"));
  if (fields.empty()) return NotFound("process " + std::to_string(pid) + " has ended");
  const auto field = [&fields](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  ReadBackReport report;
  for (const auto& [name, file] : kNamespaces) {
    ASSIGN_OR_RETURN(const bool differs, DiffersFromOurs(folder, file));
    if (differs) report.own_namespaces.emplace_back(name);
  }
  report.no_new_privs = field("NoNewPrivs") == "1";
  // Seccomp_filters came with Linux 5.9; before it a filter is only known to be there.
  report.seccomp_filters = fields.count("Seccomp_filters") ? Number(field("Seccomp_filters")) : field("Seccomp") == "2";
  report.effective_capabilities = Hex(field("CapEff"));
  report.bounding_capabilities = Hex(field("CapBnd"));
  report.uid = static_cast<uid_t>(Number(field("Uid")));
  report.one_user = AllAlike(field("Uid")) && AllAlike(field("Gid"));
  report.cgroups = ForeignGroups(ReadProc(folder + "/cgroup"), ReadProc("/proc/self/cgroup"));
  report.cores = CoreList(field("Cpus_allowed_list"));
  report.threads = Number(field("Threads"));
  const std::string score = ReadProc(folder + "/oom_score_adj");
  report.oom_score_adj = score.empty() ? 0 : std::stoi(score);
  report.limits = ParseLimits(ReadProc(folder + "/limits"));
  return report;
}

bool Ending(pid_t pid) {
  constexpr unsigned kExiting = 0x4;  // PF_EXITING, since Linux 2.4
  const std::string text = ReadProc("/proc/" + std::to_string(pid) + "/stat");
  if (text.empty()) return ::kill(pid, 0) != 0 && errno == ESRCH;
  // "pid (name) state ppid pgrp session tty_nr tpgid flags …": the name may hold anything, brackets too.
  const size_t name_end = text.rfind(')');
  std::istringstream words(text.substr(name_end == std::string::npos ? text.size() : name_end + 1));
  std::string state, skipped;
  unsigned flags = 0;
  words >> state;
  for (int i = 0; i < 5; ++i) words >> skipped;
  return static_cast<bool>(words >> flags) && (flags & kExiting) != 0;
}

const char* LimitName(uint32_t resource) {
  for (const NamedLimit& limit : kNamedLimits) {
    if (limit.resource == resource) return limit.name;
  }
  return "of an unknown resource";
}

std::vector<std::string> ReadBackReport::Layers() const {
  std::vector<std::string> layers;
  if (!own_namespaces.empty()) layers.push_back("namespaces: " + Joined(own_namespaces));
  if (no_new_privs) layers.push_back("no new privileges");
  if (seccomp_filters > 0) {
    layers.push_back("seccomp: " + std::to_string(seccomp_filters) + (seccomp_filters == 1 ? " filter" : " filters"));
  }
  if (effective_capabilities == 0 && bounding_capabilities == 0) layers.push_back("capabilities: none");
  if (uid != 0) layers.push_back("uid: " + std::to_string(uid));
  if (!cgroups.empty()) layers.push_back("cgroup: " + Joined(cgroups));
  return layers;
}

}  // namespace passnet::sandbox
