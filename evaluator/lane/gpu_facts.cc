#include "evaluator/lane/gpu_facts.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/fields.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMostFigureBytes = 4096;
constexpr double kMostFigure = 1e9;

// Outputs of a block lie in the device's cache, which takes writes several times as fast as its memory: a floor that is too
// low is harmless, one that is too high calls an honest kernel implausible. Chosen; no device was asked yet.
constexpr double kCacheOverMemory = 4;

struct Figures {
  int64_t driver = 0;
  double copy_bytes_per_us = 0, launch_us = 0;
};

void VisitFigures(FieldVisitor& fields, Figures& figures) {
  fields.Integer("driver", &figures.driver, 0, 1'000'000'000);
  fields.Number("copy_bytes_per_us", &figures.copy_bytes_per_us, 0, kMostFigure);
  fields.Number("launch_us", &figures.launch_us, 0, kMostFigure);
}

// Nothing where there is no such file, or none that can be used.
bool ReadFigures(const std::filesystem::path& file, Figures* figures) {
  auto text = ReadFile(file.native(), kMostFigureBytes);
  if (!text) return false;
  auto json = ParseJsonObject(text.value(), file.native());
  if (!json) return false;
  FieldReader fields(json.value(), UnknownKeys::kIgnored);
  VisitFigures(fields, *figures);
  return fields.Check(file.native()).has_value();
}

std::string Rounded(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string YesNo(const std::optional<bool>& value) { return !value ? "unknown" : *value ? "yes" : "no"; }

}  // namespace

Result<DeviceFacts> WithKeptFigures(const DeviceFacts& facts, const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / (facts.uuid + ".json");
  DeviceFacts with = facts;
  Figures figures;
  if (ReadFigures(file, &figures) && figures.driver == facts.driver_version) {
    with.copy_bytes_per_us = figures.copy_bytes_per_us;
    with.launch_us = figures.launch_us;
    return with;
  }
  figures = {facts.driver_version, facts.copy_bytes_per_us, facts.launch_us};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const Json json = WriteFields([&](FieldVisitor& fields) { VisitFigures(fields, figures); });
  RETURN_IF_ERROR(WriteFileAtomic(file.native(), json.Dump()));
  return with;
}

std::map<std::string, std::string> GpuEnvironment(const DeviceFacts& facts) {
  return {
      {"gpu_model", facts.name},
      {"gpu_compute_capability", std::to_string(facts.compute_major) + "." + std::to_string(facts.compute_minor)},
      {"gpu_multiprocessors", std::to_string(facts.multiprocessors)},
      {"gpu_memory_bytes", std::to_string(facts.memory_bytes)},
      {"gpu_l2_bytes", std::to_string(facts.l2_bytes)},
      {"gpu_bandwidth_gb_s", Rounded("%.0f", facts.copy_bytes_per_us / 1000)},
      {"gpu_launch_us", Rounded("%.1f", facts.launch_us)},
      {"gpu_driver", std::to_string(facts.driver_version / 1000) + "." + std::to_string(facts.driver_version % 1000 / 10)},
      {"gpu_ecc", facts.ecc ? "yes" : "no"},
      {"gpu_persistence", YesNo(facts.persistence)},
      {"gpu_mig", YesNo(facts.mig)},
      {"gpu_compares", facts.no_kernels.empty() ? "yes" : "no: " + facts.no_kernels},
  };
}

std::string ArchitectureOf(const DeviceFacts& facts) {
  return "sm_" + std::to_string(facts.compute_major) + std::to_string(facts.compute_minor);
}

MemorySpeed SpeedOf(const DeviceFacts& facts) {
  MemorySpeed speed;
  speed.copy_small = speed.copy_medium = speed.copy_large = facts.copy_bytes_per_us;
  speed.write_first = speed.write_small = speed.write_medium = speed.write_large =
      kCacheOverMemory * facts.copy_bytes_per_us;
  return speed;
}

std::string NvccRelease(const std::string& version) {
  constexpr std::string_view kRelease = "release ";
  const size_t at = version.find(kRelease);
  if (at != std::string::npos) {
    const size_t begin = at + kRelease.size();
    return version.substr(begin, version.find_first_of(", \n", begin) - begin);
  }
  const std::string text(Trimmed(version));
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

}  // namespace passnet::evaluator
