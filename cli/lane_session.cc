#include "cli/lane_session.h"

#include <cstdlib>
#include <filesystem>

#include "cli/output.h"

namespace passnet::cli {

std::string DefaultCacheDir() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/passnet";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && *home != '\0' ? home : "/tmp") + "/.cache/passnet";
}

Result<std::unique_ptr<evaluator::LaneClient>> OpenLane(const LaneFlags& flags) {
  evaluator::LaneOptions options;
  options.device = flags.device;
  options.cache_dir = flags.cache_dir.empty() ? DefaultCacheDir() : flags.cache_dir;
  options.timing_core = flags.timing_core;
  std::error_code failed;
  std::filesystem::create_directories(options.cache_dir, failed);
  if (failed) return Error::FromErrno("mkdir", options.cache_dir, failed.value());
  Progress progress("starting the evaluation lane (imports torch)");
  progress.Show("", 0, 1);
  return evaluator::StartLane(options, Deadline::After(std::chrono::minutes(3)));
}

}  // namespace passnet::cli
