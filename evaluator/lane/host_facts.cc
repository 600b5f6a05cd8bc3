#include "evaluator/lane/host_facts.h"

#include <sys/utsname.h>

#include <fstream>

namespace passnet::evaluator {
namespace {

constexpr int kMostCaches = 8;  // chosen: twice what any processor has

std::string FirstWord(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace

std::string CpuModel() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string KernelRelease() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "unknown";
}

std::string CachesOf(int core, const std::filesystem::path& root) {
  const std::filesystem::path folder = root / ("cpu" + std::to_string(core)) / "cache";
  std::string caches;
  for (int i = 0; i < kMostCaches; ++i) {
    const std::filesystem::path cache = folder / ("index" + std::to_string(i));
    const std::string type = FirstWord(cache / "type"), size = FirstWord(cache / "size");
    if (type.empty() || type == "Instruction" || size.empty()) continue;
    caches += (caches.empty() ? "L" : ", L") + FirstWord(cache / "level") + (type == "Data" ? "d " : " ") + size;
  }
  return caches.empty() ? "unknown" : caches;
}

}  // namespace passnet::evaluator
