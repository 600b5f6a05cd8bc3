#include "cli/lane_session.h"

#include <cstdlib>
#include <filesystem>

#include "cli/output.h"
#include "evaluator/api/device_name.h"

namespace passnet::cli {
namespace {

// The folder of caches when no flag names one.
std::string DefaultCacheDir() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/passnet";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && *home != '\0' ? home : "/tmp") + "/.cache/passnet";
}

}  // namespace

std::vector<command_line::Option> OptionsOfLane(LaneFlags* flags) {
  return {
      {.name = "--device", .help = "cpu, cuda:N or cuda:GPU-UUID", .value = &flags->device, .show_default = true},
      {"--nvcc", "compiler of .cu kernels on a CUDA device (default: the one of /usr/local/cuda)", &flags->nvcc},
      {"--cache-dir", "compile and baseline caches (default: ~/.cache/passnet)", &flags->cache_dir},
      {.name = "--timing-core", .help = "core that times; -1: the last one", .value = &flags->timing_core,
       .show_default = true},
  };
}

Result<std::unique_ptr<evaluator::LaneClient>> OpenLane(const LaneFlags& flags) {
  RETURN_IF_ERROR(evaluator::ParseDeviceName(flags.device));
  evaluator::LaneClientOptions options;
  options.device = flags.device;
  options.nvcc = flags.nvcc;
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
