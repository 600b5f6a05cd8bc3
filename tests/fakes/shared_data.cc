#include "tests/fakes/shared_data.h"

#include <cstdlib>

#include "tests/fakes/paths.h"

namespace passnet::fakes {

std::filesystem::path SharedDataDir() {
  if (const char* dir = std::getenv("PASSNET_DATA_DIR"); dir != nullptr && *dir != '\0') return dir;
  return (std::filesystem::path(SourceDir()) / "../shared/data").lexically_normal();
}

std::filesystem::path SharedData(const std::string& relative) { return SharedDataDir() / relative; }

bool SharedDataIsRequired() {
  const char* value = std::getenv("PASSNET_REQUIRE_DATA");
  return value != nullptr && std::string(value) == "1";
}

std::string SharedDataAdvice(const std::filesystem::path& path) {
  return path.native() + " is missing: set PASSNET_DATA_DIR to the folder of test data";
}

}  // namespace passnet::fakes
