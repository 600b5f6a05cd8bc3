#include "tests/fakes/temp_folder.h"

#include <cstdlib>
#include <system_error>

#include "base/check.h"

namespace passnet::fakes {

TempFolder::TempFolder(const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / ("passnet-" + name + "-XXXXXX")).native();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = std::filesystem::canonical(pattern);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace passnet::fakes
